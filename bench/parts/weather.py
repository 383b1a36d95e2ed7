"""Part weather: how long it takes until the weather of many cities is there. A blocking loop (bench/weather_before.c), broadsheet weather,
aiohttp and undici fetch from the same endpoints (bench/weather_endpoints.c), each city at a host of its own, 127.x.y.z.

Writes results/weather.json, one object for each cell and program, and results/weather.run.json: the settings, the articles that are
served meanwhile, and the cost of a round in the server.

Environment: BENCH_ENDPOINTS (1000), the largest number of endpoints; BENCH_TIMES (5), how often each cell is measured.
BENCH_ENDPOINTS=10 BENCH_TIMES=1 BENCH_ARTICLES=500 tries it in two minutes; do not commit such figures."""
import datetime
import json
import pathlib
import statistics
import subprocess
import tempfile
import threading
import time

import harness
import peer_programs
from harness import Failure, Program, Site, load, note, setting
from report import Panel, number, plot, table

NAME = "weather"
ENDPOINTS = [1, 10, 100, 1000]
DELAYS_MS = [20, 200, 1000]
LONGEST_S = 120      # a cell that would take longer is left out
MOST_OF_DELAY = 1.2  # expected of Broadsheet: the slowest endpoint decides
LONG_S = 10          # one that takes longer than this is measured once
BESIDE_S = 4         # load beside the fetches
BESIDE_ROUNDS = 3
BESIDE_ENDPOINTS = 450
BESIDE_DELAY_MS = 1000
ROUND_CITIES = 1000
PROGRAMS = {"before": "one after the other", "broadsheet": "Broadsheet", "aiohttp": "aiohttp, gather", "undici": "undici, allSettled"}


# ---- measuring

def measure():
    most, times = setting("BENCH_ENDPOINTS", 1000), setting("BENCH_TIMES", 5)
    undici = peer_programs.install("undici")
    port = Program(harness.BUILT / "bench" / "weather_endpoints", "0.0.0.0:0").address.rpartition(":")[2]
    rows, left_out = [], []
    with tempfile.TemporaryDirectory() as folder:
        for endpoints in [n for n in ENDPOINTS if n <= most]:
            for delay in DELAYS_MS:
                cities = write_cities(pathlib.Path(folder) / "cities.json", port, endpoints, delay)
                commands = commands_for(cities, undici)
                if endpoints * delay / 1000 > LONGEST_S:
                    del commands["before"]
                    left_out.append([endpoints, delay])
                for name, figures in cell(commands, endpoints, delay, times).items():
                    rows.append({"program": name, "endpoints": endpoints, "delay_ms": delay, **figures})
                    note(f"{endpoints} endpoints of {delay} ms, {PROGRAMS[name]}: {figures['seconds']:.3f} s, {figures['cpu_s']:.3f} s of "
                         f"CPU, {figures['memory_mb']:.0f} MB")
        run = {"machine": harness.machine(), "times": times, "left_out": left_out, "versions": versions(undici),
               **beside(port, pathlib.Path(folder), most, undici),
               "round": one_round(port, pathlib.Path(folder), min(most, ROUND_CITIES))}
    harness.keep(NAME, rows)
    harness.keep(f"{NAME}.run", run)


def write_cities(path, port, endpoints, delay):
    path.write_text(json.dumps([
        {"name": f"c-{i}", "latitude": 1, "longitude": 2, "url": f"http://127.1.{i // 250}.{i % 250 + 1}:{port}/c-{i}?delay_ms={delay}"}
        for i in range(endpoints)]))
    return path


def commands_for(cities, undici):
    return {"before": [harness.BUILT / "bench" / "weather_before", cities],
            "broadsheet": [harness.BUILT / "broadsheet", "weather"],
            "aiohttp": [peer_programs.PYTHON, peer_programs.SOURCES / "aiohttp" / "weather.py", cities],
            "undici": ["node", undici / "weather.js", cities]}


def environment(cities):
    return {"BROADSHEET_WEATHER_CITIES": str(cities), "BROADSHEET_WEATHER_PARALLEL": "1000", "DATABASE_URL": "",
            "NODE_ENV": "production", "no_proxy": "*"}


def cell(commands, endpoints, delay, times):
    """The medians of several runs. The programs take turns."""
    runs = {name: [] for name in commands}
    for _ in range(times):
        for name, command in commands.items():
            is_long = name == "before" and endpoints * delay / 1000 > LONG_S
            if not runs[name] or not is_long:
                runs[name].append(one_run(name, command, environment(commands["aiohttp"][-1]), endpoints))
    return {name: {key: round(statistics.median(r[key] for r in found), 4) for key in found[0]} for name, found in runs.items()}


def one_run(name, command, env, endpoints):
    """Seconds from the start of the program to its end, its CPU seconds, and its peak of memory, as bench/measured.c finds them."""
    process = harness.Process(harness.BUILT / "bench" / "measured", *command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        output, errors = process.popen.communicate(timeout=LONGEST_S + 60)
    except subprocess.TimeoutExpired:
        raise Failure(f"{PROGRAMS[name]}: {endpoints} endpoints, no end in {LONGEST_S + 60} s") from None
    finally:
        process.end()
    answer, _, measured = output.rstrip().rpartition("\n")
    used = json.loads(measured) if process.popen.returncode == 0 else {"status": 1}
    found = json.loads(answer) if used["status"] == 0 else {}
    good = found.get("good", sum("temperature_c" in city for city in found.get("weather", {}).values()))
    if good != endpoints:
        raise Failure(f"{PROGRAMS[name]}: {good} of {endpoints} answers are good, status {used['status']}:\n"
                      + "\n".join(errors.strip().splitlines()[-10:]))
    return {"seconds": used["seconds"], "fetching_s": found.get("seconds", used["seconds"]), "cpu_s": used["cpu_s"],
            "memory_mb": used["memory_mb"]}


def beside(port, folder, most, undici):
    """Articles that a server serves: without fetches, while it fetches itself, and while another program fetches beside it. They
    take turns."""
    site = Site(setting("BENCH_ARTICLES", 20_000))
    many = min(most, BESIDE_ENDPOINTS)
    sizes = [n for n in ENDPOINTS if n <= most]
    ways = [("nothing", 0), ("broadsheet", many), ("aiohttp", many), ("undici", many), *(("broadsheet", n) for n in sizes if n != many)]
    rows = {way: [] for way in ways}
    for seed in range(BESIDE_ROUNDS):
        for name, n in ways:
            cities = write_cities(folder / "beside.json", port, n, BESIDE_DELAY_MS)
            rows[name, n].append(served_beside(site, name, n, cities, undici, seed))
    found = {way: {key: median(r[key] for r in rounds) for key in ("rps", "p99_ms", "errors", "fetches_per_s")} for way, rounds in rows.items()}
    for (name, n), figures in found.items():
        note(f"articles beside the fetches of {name}, {n} endpoints: {figures['rps']:.0f} requests/s, p99 {figures['p99_ms']:.1f} ms")
    return {"beside": {name: found[name, n] for name, n in ways[:4]}, "beside_endpoints": many,
            "beside_sizes": {str(n): found["broadsheet", n] for n in sizes}}


def served_beside(site, name, n, cities, undici, seed):
    settings = {"DATABASE_URL": site.url, "BROADSHEET_LISTEN": "127.0.0.1:0", "no_proxy": "*"}
    if name == "broadsheet":
        settings |= {"BROADSHEET_WEATHER_CITIES": str(cities), "BROADSHEET_WEATHER_EVERY_S": "1", "BROADSHEET_WEATHER_PARALLEL": str(n)}
    program = Program(harness.BUILT / "broadsheet", "serve", env=settings)
    other = None
    try:
        load(program, 8, 1, 1, site.articles)
        if name in ("aiohttp", "undici"):
            other = Again(name, commands_for(cities, undici)[name], environment(cities), n)
        figures = load(program, 32, BESIDE_S, seed, site.articles)
        ends = other.stop() if other else rounds_of(program)
    finally:
        if other:
            other.stop()
        program.end()
    rounds_per_s = (len(ends) - 1) / (ends[-1] - ends[0]) if len(ends) > 1 else None
    return {**figures, "fetches_per_s": round(n * rounds_per_s, 1) if rounds_per_s else None}


class Again:
    """A program that runs again and again, in a thread, until stop()."""

    def __init__(self, name, command, env, endpoints):
        self.run = (name, command, env, endpoints)
        self.ends, self.failure, self.is_over = [time.time()], None, False
        self.thread = threading.Thread(target=self._loop)
        self.thread.start()

    def _loop(self):
        try:
            while not self.is_over:
                one_run(*self.run)
                self.ends.append(time.time())
        except Failure as failure:
            self.failure = failure

    def stop(self):
        """Waits for the end of the run that is under way, and returns when each has ended; the first is the start."""
        self.is_over = True
        self.thread.join()
        if self.failure:
            raise self.failure
        return self.ends


def rounds_of(program):
    """When the last rounds of the weather have ended in a server, in seconds. Each fetch must have succeeded."""
    rounds = [json.loads(line) for line in program.last_lines if '"weather_round"' in line]
    if any(int(one["failed"]) for one in rounds):
        raise Failure("fetches have failed in the server:\n" + "\n".join(program.last_lines))
    return [datetime.datetime.fromisoformat(one["time"]).timestamp() for one in rounds]


def median(values):
    found = [value for value in values if value is not None]
    return statistics.median(found) if found else None


def one_round(port, folder, n):
    """The cost of a round in a server that does nothing else: CPU seconds, and memory before and after."""
    cities = write_cities(folder / "round.json", port, n, 200)
    settings = {"DATABASE_URL": "postgresql://127.0.0.1:1/none", "BROADSHEET_LISTEN": "127.0.0.1:0", "no_proxy": "*"}
    figures = {}
    for name, more in (("without", {}), ("with", {"BROADSHEET_WEATHER_CITIES": str(cities)})):
        program = Program(harness.BUILT / "broadsheet", "serve", env=settings | more)
        try:
            end = time.monotonic() + 30
            while more and not rounds_of(program):
                if time.monotonic() > end:
                    raise Failure(f"a round of {n} cities has not ended in 30 s:\n" + "\n".join(program.last_lines))
                time.sleep(0.05)
            time.sleep(1)
            figures[name] = {"cpu_s": program.cpu_seconds(), "memory_mb": program.memory_mb()}
        finally:
            program.end()
    cost = {"cities": n, "cpu_s": round(figures["with"]["cpu_s"] - figures["without"]["cpu_s"], 3),
            "memory_mb": round(figures["with"]["memory_mb"] - figures["without"]["memory_mb"], 1)}
    note(f"a round of {n} cities costs {cost['cpu_s']} s of CPU and {cost['memory_mb']} MB")
    return cost


def versions(undici):
    lock = json.loads((undici / "package.json").read_text())["dependencies"]
    return {"libcurl": peer_programs.debian("libcurl4-openssl-dev"), "aiohttp": peer_programs.python_versions("aiohttp", "uvloop"),
            "undici": f"Node {harness.run('node', '--version').strip().lstrip('v')}, undici {lock['undici']}"}


# ---- reporting

def report():
    """Returns the section of the report, from the figures of measure()."""
    rows, run = harness.kept(NAME), harness.kept(f"{NAME}.run")
    cells = {(r["program"], r["endpoints"], r["delay_ms"]): r for r in rows}
    endpoints, delays = (sorted({r[key] for r in rows}) for key in ("endpoints", "delay_ms"))
    draw(cells, endpoints, delays)
    return "\n\n".join([what_was_compared(run), *results(cells, endpoints, delays), *left_out(run), expectations(cells), *costs(run)]), run


def what_was_compared(run):
    return f"""## Before and after: the weather of many cities

Each city has an HTTP endpoint with a host of its own ({number(run["times"])} runs of each cell, medians; the programs take turns; one after
the other, a cell of more than {LONG_S} s is measured once). The
seconds are from the start of the program to its end, so they include the start of Python and Node; "fetching" is the part between the first
request and the last answer, as the program itself measures it (Broadsheet does not, so its figure is the whole program). Every program reads the same file, reads each answer as JSON, and checks it.

- **One after the other** ([weather_before.c](weather_before.c)): libcurl's blocking interface, one connection after the other.
- **Broadsheet**: `broadsheet weather`, libcurl {run["versions"]["libcurl"]} on the event loop, all fetches at the same time.
- **aiohttp** ([weather.py](peers/aiohttp/weather.py)): `asyncio.gather` over one session. {run["versions"]["aiohttp"]}.
- **undici** ([weather.js](peers/undici/weather.js)): `Promise.allSettled`. {run["versions"]["undici"]}.

![Seconds until all answers are there](results/weather.svg)"""


def results(cells, endpoints, delays):
    heads = ["endpoints", "delay, ms", "program", "seconds", "fetching", "of the delay", "CPU, s", "memory, MB"]
    for n in endpoints:
        rows = []
        for delay in delays:
            for name, title in PROGRAMS.items():
                r = cells.get((name, n, delay))
                if r:
                    rows.append([number(n), number(delay), title, number(r["seconds"]), number(r["fetching_s"]),
                                 number(r["fetching_s"] / (delay / 1000)), number(r["cpu_s"]), number(r["memory_mb"])])
        yield f"### {n:,} endpoint{'s' * (n > 1)}\n\n" + table(heads, rows)


def left_out(run):
    if run["left_out"]:
        cells = ", ".join(f"{n:,} of {delay:,} ms" for n, delay in run["left_out"])
        yield f"One after the other, these would take longer than {LONGEST_S} s, and are left out: {cells}."


def expectations(cells):
    """Says of each expectation in which cells it did not come true."""
    ours = {(n, delay): r for (name, n, delay), r in cells.items() if name == "broadsheet"}
    others = [(name, n, delay, r, ours[n, delay]) for (name, n, delay), r in cells.items() if name != "broadsheet"]

    def cell_of(n, delay):
        return f"{n:,} endpoint{'s' * (n > 1)} of {delay:,} ms"

    def verdict(exceptions, total):
        return "in every cell." if not exceptions else f"not in {len(exceptions)} of {total} cells: {'; '.join(exceptions)}."

    def less(key):
        return [f"{cell_of(n, delay)} ({PROGRAMS[name]}: {number(r[key])} s, Broadsheet: {number(mine[key])} s)"
                for name, n, delay, r, mine in others if r[key] < mine[key]]

    late = [f"{cell_of(n, delay)} ({number(r['seconds'] * 1000 / delay)})" for (n, delay), r in ours.items()
            if r["seconds"] > MOST_OF_DELAY * delay / 1000]
    by_s = [mine["seconds"] - r["fetching_s"] for *_, r, mine in others if r["fetching_s"] < mine["seconds"]]
    return "\n".join([
        "### What was expected", "",
        f"- **Broadsheet takes at most {MOST_OF_DELAY} times the delay**, its start included: " + verdict(late, len(ours)),
        "- **No other program is faster**, from start to end: " + verdict(less("seconds"), len(others)),
        "- **No other program needs less CPU**: " + verdict(less("cpu_s"), len(others)),
        "- The fetching of another program, without its start, took less time than all of Broadsheet, with its start, in "
        + (f"{len(by_s)} of {len(others)} cells, by {number(1000 * max(by_s))} ms at most." if by_s else "no cell."),
        "", "From the second line on, each other program has its own cells. Small differences can be noise."])


def costs(run):
    beside = run["beside"]
    titles = {"nothing": "no fetches", "broadsheet": "Broadsheet's own", "aiohttp": "aiohttp, again and again",
              "undici": "undici, again and again"}
    heads = ["requests/s", "p99, ms", "errors", "fetches/s"]

    def figures(f):
        return [number(f["rps"]), number(f["p99_ms"]), number(f["errors"]), number(f.get("fetches_per_s"))]

    yield ("### Articles served meanwhile\n\n"
           f"A server answers 32 clients from its cache and the database, while {run['beside_endpoints']:,} endpoints of {BESIDE_DELAY_MS:,} ms are "
           f"fetched ({BESIDE_ROUNDS} runs, medians). The programs do not make equally many fetches, so the table has their number:\n\n"
           + table(["fetches", *heads], [[titles[name], *figures(f)] for name, f in beside.items()]))
    if run.get("beside_sizes"):
        yield ("The same with other numbers of endpoints, which the server itself fetches:\n\n"
               + table(["endpoints", *heads], [[number(n), *figures(f)] for n, f in
                                               ((0, beside["nothing"]), *((int(n), f) for n, f in run["beside_sizes"].items()))]))
    cost = run["round"]
    yield (f"A round of {cost['cities']:,} cities takes {number(cost['cpu_s'])} s of CPU in the server, and {number(cost['memory_mb'])} MB of "
           "memory that stays (the cities, their readings, the report).")


def draw(cells, endpoints, delays):
    panels = [Panel(f"endpoints of {delay:,} ms",
                    {title: [(n, cells[name, n, delay]["seconds"]) for n in endpoints if (name, n, delay) in cells]
                     for name, title in PROGRAMS.items()}) for delay in delays]
    plot("weather", panels, "endpoints", "seconds until all answers are there", "beside")
