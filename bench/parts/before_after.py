"""Part before_after: the synchronous program (bench/before.c) and Broadsheet with the same database, which is local, or 1,
5 or 20 ms away (bench/relay.c).

Writes results/before_after.json, one object for each cell and program, and results/before_after.run.json, the settings."""
import statistics
import time

import harness
from harness import Failure, Program, Relay, Site, load, note, setting
from report import Panel, in_words, number, plot, table

NAME = "before_after"
DISTANCES_MS = [0, 1, 5, 20]
CONNECTIONS = [1, 16, 64, 256, 1000]
WORKERS = 4
COMPARED = 200  # answers that must be equal before anything is measured


# ---- measuring

def measure():
    seconds = setting("BENCH_SECONDS", 12)
    site = Site(setting("BENCH_ARTICLES", 20_000))
    size = compare(site)
    run = {"machine": harness.machine(), "versions": harness.versions(site), "articles": site.articles,
           "seconds": seconds, "workers": WORKERS, "answer_bytes": size, "threads": harness.machine()["cores"],
           "relay_cpu": {}}
    rows, cells = [], len(DISTANCES_MS) * len(CONNECTIONS) * 2
    began = time.monotonic()
    for distance in DISTANCES_MS:
        relay = Relay(site, distance) if distance else None
        url = relay.url if relay else site.url
        relay_used = 0
        for connections in CONNECTIONS:
            # They take turns to run first, so that neither gains from caches that the other has filled.
            order = ["before", "after"] if connections in CONNECTIONS[::2] else ["after", "before"]
            for program in order:
                before = harness.cpu_seconds(relay.pid) if relay else 0
                row = cell(program, url, connections, seconds, site.articles, seed=len(rows) // 2 + 1)
                if relay:
                    relay_used = max(relay_used, (harness.cpu_seconds(relay.pid) - before) / seconds)
                rows.append({"program": program, "database_ms": distance, **row})
                left = (time.monotonic() - began) / len(rows) * (cells - len(rows))
                note(f"{len(rows)} of {cells}: {program}, the database {distance} ms away, {connections} connections: "
                     f"{row['rps']:.0f} requests/s, p50 {row['p50_ms']:.1f} ms, p99 {row['p99_ms']:.1f} ms, "
                     f"{row['errors']} errors; {left / 60:.1f} minutes left")
        if relay:
            run["relay_cpu"][str(distance)] = round(relay_used, 3)
            relay.end()
    rows.sort(key=lambda r: (r["database_ms"], r["connections"], r["program"] == "after"))
    harness.keep(NAME, rows)
    harness.keep(f"{NAME}.run", run)


def start(program, url):
    if program == "before":
        return Program(harness.BUILT / "bench" / "before", "127.0.0.1:0", WORKERS, env={"DATABASE_URL": url})
    settings = {"DATABASE_URL": url, "BROADSHEET_LISTEN": "127.0.0.1:0", "BROADSHEET_CACHE_MB": "0"}
    return Program(harness.BUILT / "broadsheet", "serve", env=settings)


def cell(name, url, connections, seconds, articles, seed):
    """Starts the program, gives it a light load for a second, then measures."""
    program = start(name, url)
    try:
        load(program, min(connections, 8), 1, 1_000_000 + seed, articles)
        return load(program, connections, seconds, seed, articles)
    finally:
        program.end()


def compare(site):
    """Compares the answers of both programs byte for byte. Returns the mean size of an answer."""
    step = max(1, site.articles // COMPARED)
    paths = [f"/articles/{i}" for i in range(1, site.articles + 1, step)][:COMPARED]
    answers = {}
    for name in ("before", "after"):
        program = start(name, site.url)
        try:
            answers[name] = program.get(paths)
        finally:
            program.end()
    for path, before, after in zip(paths, answers["before"], answers["after"]):
        if before != after or before[0] != 200:
            raise Failure(f"{path}: the answers differ: before {before[0]}, {len(before[1])} bytes; "
                          f"after {after[0]}, {len(after[1])} bytes: nothing is measured")
    note(f"{len(paths)} answers compared: before and after are equal")
    return round(statistics.mean(len(body) for _, body in answers["after"]))


# ---- reporting

def report():
    """Returns the section of the report, from the figures of measure()."""
    rows = harness.kept(NAME)
    run = harness.kept(f"{NAME}.run")
    cells = {(r["program"], r["database_ms"], r["connections"]): r for r in rows}
    distances = sorted({r["database_ms"] for r in rows})
    connections = sorted({r["connections"] for r in rows})
    draw(cells, distances, connections)
    return "\n\n".join([
        what_was_compared(run), "### Results", *results(cells, distances, connections),
        "### What improved", *improvements(cells, distances, connections),
        "### Where asynchronous does not help", *limits(cells, distances, connections, run),
    ]), run


def away(distance):
    return "local database" if distance == 0 else f"database {distance} ms away"


def ratio(cells, distance, connections):
    before, after = (cells[p, distance, connections]["rps"] for p in ("before", "after"))
    return after / before if before else float("inf")


def what_was_compared(run):
    machine, versions = run["machine"], run["versions"]
    relay = max(run["relay_cpu"].values(), default=0)
    return f"""## Before and after

**before** (`bench/before.c`) is the old site: {in_words(run['workers'])} worker processes. Each has one request at a time. It queries
PostgreSQL for the article and waits, queries for the related articles and waits, and answers.
**after** is Broadsheet with its default settings and without the cache (`BROADSHEET_CACHE_MB=0`): {in_words(run['threads'])} event
loops with two database connections each. Both queries of a request run at the same time, and one command asks for all ids that wait.

All else is the same: the prepared statements (`db/sql/`), the settings of the session, the HTTP library, the listening sockets, and the
code that makes one answer of the two parts. PostgreSQL stores both parts as finished JSON.
PostgreSQL has {in_words(run['workers'])} connections before and {in_words(2 * run['threads'])} after. {COMPARED} answers of both were compared
before the run, and were equal byte for byte. An answer has {number(run['answer_bytes'])} bytes on average: an article and six cards.

- The database: PostgreSQL {versions['PostgreSQL']} with {number(run['articles'])} made-up articles (`bench/make_articles.c`), all of them in
  memory. "Local" is the loopback device. 1, 5 and 20 ms away is `bench/relay.c` on the loopback device: it delays each byte by half of
  that time in each direction, so a round trip takes the whole time. It used {relay:.0%} of a core at most.
- The load: wrk {versions['wrk']} with one thread, on the same machine. Each client requests a random article and, when it has the
  answer, the next one. The order is the same for both programs. A cell takes {run['seconds']} seconds. It has a new process, with a second of
  light load before. Before and after take turns, cell by cell.
- Errors are answers other than 200, and failures of a connection. No client gives up: an answer after ten seconds counts as an
  answer that took ten seconds. Requests without an answer at the end of a cell do not count. That favours a slow program.
- CPU is the user and system time of the program's processes, without PostgreSQL and wrk. Memory is the proportional set size
  (pages that processes share count once), the highest of three samples under load.
- The machine: {machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']},
  Linux {machine['kernel']}; libh2o {versions['libh2o']}, libpq {versions['libpq']}, json-c {versions['json-c']}, gcc {versions['gcc']};
  {machine['date']}. The load, the program and PostgreSQL share the cores. So compare the figures with each other; they do not say how much a site can serve."""


def results(cells, distances, connections):
    yield ("Each cell is *before → after*. \"Times\" is the quotient of the requests per second after and before.\n\n"
           "![Requests per second over connections](results/before_after_throughput.svg)\n\n"
           "![p99 over connections](results/before_after_p99.svg)")
    for distance in distances:
        heads = ["connections", "requests/s", "times", "p50, ms", "p99, ms", "errors", "CPU s per 1,000", "memory, MB"]
        body = []
        for c in connections:
            pair = [cells[p, distance, c] for p in ("before", "after")]
            line = [" → ".join(number(r[key]) for r in pair) for key in ("rps", "p50_ms", "p99_ms", "errors", "cpu_s_per_1000", "rss_mb")]
            body.append([number(c), line[0], f"**{number(ratio(cells, distance, c))}**", *line[1:]])
        yield f"#### {away(distance).capitalize()}\n\n{table(heads, body)}"


def improvements(cells, distances, connections):
    lines = []
    for distance in distances:
        best = max(connections, key=lambda c: ratio(cells, distance, c))
        c = 256 if 256 in connections else connections[-1]
        before, after = (cells[p, distance, c] for p in ("before", "after"))
        lines.append(
            f"- **{away(distance).capitalize()}**, {c} connections: {number(before['rps'])} requests per second before, {number(after['rps'])} "
            f"after: **{number(ratio(cells, distance, c))} times** as many; p99 {number(before['p99_ms'])} ms before, {number(after['p99_ms'])} ms after. "
            f"The largest difference is at {number(best)} connection{'s' * (best != 1)}: {number(ratio(cells, distance, best))} times.")
    yield "\n".join(lines)
    failed = {p: sum(cells[p, d, c]["errors"] for d in distances for c in connections) for p in ("before", "after")}
    yield f"Errors in the whole run: {number(failed['before'])} before, {number(failed['after'])} after."
    expected = []
    if 5 in distances and 256 in connections:
        expected.append(expectation("with the database 5 ms away and 256 connections", 20, ratio(cells, 5, 256)))
    if 0 in distances:
        at = 256 if 256 in connections else connections[-1]
        expected.append(expectation(f"with the local database and {at} connections", 1.5, ratio(cells, 0, at)))
    yield "Expected:\n\n" + "\n".join(expected)
    yield ("The reason: a synchronous worker does nothing while it waits, so two round trips limit its rate, for any number of clients. An "
           "event loop works on all waiting requests, runs both queries of an answer at the same time, and sends all ids that wait to "
           "PostgreSQL in one command. So the rate grows with the number of clients until a core is busy.")


def expectation(where, least, got):
    verdict = "met" if got >= least else "**not met**"
    return f"- {where}, at least {least:g} times the requests per second: {number(got)} times, {verdict}."


def limits(cells, distances, connections, run):
    lines = []
    small = [(d, c) for d in distances for c in connections if ratio(cells, d, c) < 1.5]
    worse = [(d, c) for d, c in small if ratio(cells, d, c) < 1]
    if worse:
        lines.append("- **Slower than before**: " + "; ".join(
            f"{away(d)}, {number(c)} connection{'s' * (c != 1)}: {number(ratio(cells, d, c))} times the requests per second" for d, c in worse) + ".")
    gained = [x for x in small if x not in worse]
    if gained:
        lines.append("- **A small gain**: " + "; ".join(
            f"{away(d)}, {number(c)} connection{'s' * (c != 1)}: {number(ratio(cells, d, c))} times" for d, c in gained) + ".")
    if not small:
        lines.append("- In no cell of this run was the gain below 1.5 times.")
    if 1 in connections:
        pairs = [(d, cells["before", d, 1]["p50_ms"], cells["after", d, 1]["p50_ms"]) for d in distances]
        lines.append("- **A single client** gains only because both queries run at the same time: p50 "
                     + "; ".join(f"{number(b)} ms before and {number(a)} ms after ({away(d)})" for d, b, a in pairs)
                     + ". This can save half of the time at most.")
    costly = [(d, c, cells["before", d, c]["cpu_s_per_1000"], cells["after", d, c]["cpu_s_per_1000"]) for d in distances for c in connections]
    costly = [x for x in costly if x[2] and x[3] and x[3] > x[2]]
    if costly:
        worst = max(costly, key=lambda x: x[3] / x[2])
        lines.append(f"- **CPU per request** is higher than before in {len(costly)} of {len(distances) * len(connections)} cells, at most "
                     f"{number(worst[3] / worst[2])} times ({away(worst[0])}, {number(worst[1])} connection{'s' * (worst[1] != 1)}): an event loop has costs for "
                     "each wake-up; when it is busy, many requests share them.")
    else:
        lines.append("- **CPU per request** is lower than before in every cell.")
    some = [c for c in connections if 1 < c <= 16]
    waits = [(cells["after", d, c]["p50_ms"], cells["after", d, 1]["p50_ms"], d, c) for d in distances if d for c in some if 1 in connections]
    waits = [w for w in waits if w[0] > 1.2 * w[1]]
    if waits:
        among, alone, d, c = max(waits, key=lambda w: w[0] / w[1])
        lines.append(f"- **Waiting for the running batch** costs time: with the {away(d)}, p50 is {number(alone)} ms for a single client and "
                     f"{number(among)} ms at {number(c)} connections. A connection to PostgreSQL runs one command at a time, so a new id "
                     "waits until the batch before it has ended. With more connections (`BROADSHEET_DB_CONNECTIONS`) it waits less.")
    far = max(distances)
    c = 256 if 256 in connections else connections[-1]
    worker = cells["before", far, c]["rps"] / run["workers"]
    if far and worker:
        needed = cells["after", far, c]["rps"] / worker
        memory = cells["before", far, c]["rss_mb"] / (run["workers"] + 1)
        lines.append(f"- **More workers** would help the synchronous site to some extent: with the {away(far)}, one worker answers {number(worker)} requests per second, "
                     f"so about {number(round(needed))} workers, each with a connection to PostgreSQL and about {number(memory)} MB, would be as fast as "
                     f"{in_words(run['threads'])} event loops here. With a near database and few clients, that program is simpler, and it has none of "
                     "the hazards below.")
    lines.append("- **The limit of the database** does not change: when PostgreSQL or the cores are busy, only less work for the database helps "
                 "(batches, and a cache).")
    yield "\n".join(lines)


def draw(cells, distances, connections):
    for key, what, file, corner in (("rps", "requests per second", "throughput", "bottom right"), ("p99_ms", "p99, ms", "p99", "top left")):
        panels = []
        for distance in distances:
            lines = {p: [(c, cells[p, distance, c][key]) for c in connections] for p in ("before", "after")}
            panels.append(Panel(away(distance), lines))
        plot(f"{NAME}_{file}", panels, "connections", what, corner)
