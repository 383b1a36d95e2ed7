"""bench/peer_report.py - makes the section of bench/REPORT.md about the peers, from the figures of bench/parts/peers.py."""
import statistics

from report import Panel, count, number, plot, table

YARDSTICK, OURS = "yardstick", "broadsheet"
SCENARIOS = {
    "cold": "Cold: any article of the archive, no cache",
    "hot": "Hot: only {hot_articles} articles",
    "gzip": "Hot, as gzip"}
PANELS = {"cold": "cold, no cache", "hot": "hot, only Broadsheet has a cache", "gzip": "hot, as gzip"}
PGBENCH = {"pgbench": "pgbench", "pgbench-pipelined": "pgbench, pipelined"}
# For each field: the head of its column, and whether more or less is better.
MEASURES = {"rps": ("requests/s", "more"), "p50_ms": ("p50, ms", "less"), "p99_ms": ("p99, ms", "less"),
            "cpu_s_per_1000": ("CPU s per 1,000, server", "less"), "all_cpu_s_per_1000": ("CPU s per 1,000, both", "less"),
            "rss_mb": ("memory, MB", "less")}


def report(rows, run):
    for row in rows:
        parts = (row["cpu_s_per_1000"], row["database_cpu_s_per_1000"])
        row["all_cpu_s_per_1000"] = sum(parts) if None not in parts else None
    cells = {(r["scenario"], r["connections"], r["system"]): r for r in rows}
    draw(cells, run)
    return "\n\n".join([what_was_compared(run), "### Broadsheet and the best peer", best_of_all(cells, run), plots(),
                        "### Where a peer is ahead", ahead(cells, run), "### The statements", statements(run), *(
                            text for scenario in SCENARIOS for text in scenario_text(cells, run, scenario)), load_itself(cells, run)]), run


def titles(run):
    return {YARDSTICK: "yardstick", OURS: "**Broadsheet**", **run["titles"], **PGBENCH}


def connection_counts(cells, scenario):
    return sorted({c for s, c, _ in cells if s == scenario})


# ---- the method

def what_was_compared(run):
    machine, versions, sizes = run["machine"], run["versions"], run["answer_bytes"]
    peers = "\n".join(f"- {title}: " + (versions[name] if name in versions else f"**not measured**: {first_line(run['missing'][name])}")
                      for name, title in run["titles"].items())
    return f"""## Comparison with other programs

The same answers from Broadsheet and from programs in other languages (`bench/peers/`). Each is written for production with the usual fast
libraries: it uses all cores, prepared statements, pools, pipelines where the driver has them, and it runs both queries at the same time. Each
is measured with the statements that make it faster ("The statements"). Before the run, each gave the same status, media type and JSON as
Broadsheet: for {run['compared']} articles, as identity and as gzip, with finished lists and with stale ones, and for ids that are withdrawn, drafts,
unknown or not ids.

{peers}

There are two references. The **yardstick** (`bench/yardstick.c`) is libh2o, which sends {number(sizes['identity'])} bytes (as gzip {number(sizes['gzip'])}) from
memory. No server with this library is faster, except by noise. **pgbench** is PostgreSQL with the same prepared statements for one article
at a time: no HTTP, no JSON, no merge. In a pipeline it queries eight articles together, and p50 and p99 are the times of all eight. It only
has the cold scenario. Each of its clients is a backend, so there are {max(pgbench_counts())} at most.

- **Cold**: any article of the archive, and Broadsheet without its cache (`BROADSHEET_CACHE_MB=0`): every answer comes from PostgreSQL.
  **Hot**: only {number(run['hot_articles'])} articles, and Broadsheet with its cache (64 MB). **Gzip**: hot, with clients that accept gzip.
- The peers have no cache, so for them hot is the same as cold with fewer articles. A site with such a program would add Redis, an LRU list
  or a proxy. As gzip they compress each answer at level 1; such a site would use the proxy for that too. Hot and gzip show how much a cache
  in the server saves. Only cold compares the programs.
- Each cell is the median of {count(run['rounds'], 'round')} of {count(run['seconds'], 'second')} (twice as long with the most connections). In a round all programs run, and
  each has load once, in sequence; the order changes from round to round. "Of the yardstick" is the median of the ratios within a round.
  "!" marks cells with errors.
- There are {number(run['articles'])} made-up articles in PostgreSQL {versions['PostgreSQL']} (shared_buffers {versions['shared_buffers']}), all of them in memory. The load is wrk
  {versions['wrk']} with one thread, on the same machine as the server and PostgreSQL.
- CPU is the user and system time for 1,000 answers: of the server's processes (in the rows of pgbench: of pgbench), of PostgreSQL's
  processes, and of both. Memory is the proportional set size of the server's processes, the highest of three samples under load. "-": not measured.
- The machine: {machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']},
  Linux {machine['kernel']}; Broadsheet {versions['broadsheet']}, libh2o {versions['libh2o']}, libpq {versions['libpq']}, gcc {versions['gcc']}; {machine['date']}."""


def pgbench_counts():
    return [1, 64]


def first_line(text):
    return " ".join(text.split())[:300]


def statements(run):
    names = {"base-tables": "base tables", "read-model": "read model"}
    ways = sorted(next(iter(run["trial"].values())))
    body = [[titles(run)[name], *(f"**{number(rates[way])}**" if way == run["ways"][name] else number(rates[way]) for way in ways)]
            for name, rates in run["trial"].items()]
    return ("Requests per second at 64 connections (pgbench: four), with two sets of statements. One joins the base tables (articles, sections, "
            "authors, tags,\nrelated lists). The other reads Broadsheet's read model (finished JSON, a row for an article and a row for a list). "
            "Each system is measured with\nthe faster set, in bold:\n\n" + table(["system", *(names.get(way, way) for way in ways)], body))


# ---- the figures

def plots():
    return ("Requests per second over connections; more is better. Both axes are logarithmic, and all panels have the same scale. Only the "
            "tables have pgbench.\n\n![Requests per second over connections](results/peers_throughput.svg)\n\n"
            "p99 in milliseconds; less is better:\n\n![p99 over connections](results/peers_p99.svg)")


def scenario_text(cells, run, scenario):
    yield f"### {SCENARIOS[scenario].format(hot_articles=number(run['hot_articles']))}"
    heads = ["system", "requests/s", "of the yardstick", "p50, ms", "p99, ms", "CPU s per 1,000, server", "PostgreSQL", "both", "memory, MB"]
    fields = ("p50_ms", "p99_ms", "cpu_s_per_1000", "database_cpu_s_per_1000", "all_cpu_s_per_1000", "rss_mb")
    for connections in connection_counts(cells, scenario):
        body = []
        for name, title in titles(run).items():
            row = cells.get((scenario, connections, name))
            if row:
                body.append([title + (f" ! ({number(row['errors'])} errors)" if row["errors"] else ""), number(row["rps"]), f"{row['ratio']:.3f}",
                             *(number(row[field]) for field in fields)])
        yield f"{clients(connections)}:\n\n{table(heads, body)}"


def ahead(cells, run):
    """All measures of all cells in which a peer is better, by any difference."""
    lines, compared, faster = [], 0, 0
    for (scenario, connections, name), row in cells.items():
        if name not in run["titles"]:
            continue
        ours = cells[scenario, connections, OURS]
        for field, (measure, what) in MEASURES.items():
            compared += None not in (row[field], ours[field])
            if is_better(row[field], ours[field], what):
                faster += field == "rps"
                lines.append([scenario, number(connections), run["titles"][name], measure, f"**{number(row[field])}**", number(ours[field]),
                              number(row[field] / ours[field]) if ours[field] else "-"])
    all_of = f"{number(compared)} comparisons (the measures of the tables at the end, of every peer, scenario and number\nof connections)"
    if not lines:
        return f"In none of {all_of} of this run."
    return (f"In {number(len(lines))} of {all_of}, {number(faster)} of them in requests/s. The table has each of them, also with a small difference. "
            "\"Both\" is the server and PostgreSQL.\n\n"
            + table(["scenario", "connections", "peer", "measure", "peer", "Broadsheet", "peer divided by Broadsheet"], lines))


def is_better(theirs, ours, what):
    if theirs is None or ours is None:
        return False
    return theirs > ours if what == "more" else theirs < ours


def best_of_all(cells, run):
    """The requests per second of Broadsheet and of the fastest peer."""
    lines = []
    for scenario in SCENARIOS:
        for connections in connection_counts(cells, scenario):
            peers = [(cells[scenario, connections, name]["rps"], name) for name in run["titles"] if (scenario, connections, name) in cells]
            if peers:
                ours, (rate, name) = cells[scenario, connections, OURS], max(peers)
                lines.append([scenario, number(connections), number(ours["rps"]), f"{ours['ratio']:.3f}", run["titles"][name], number(rate),
                              f"**{number(ours['rps'] / rate)}**" if rate else "-"])
    if not lines:
        return "No peer was measured."
    return ("\"Times\" is the quotient of the requests per second of Broadsheet and of the best peer. Below 1 the peer is faster.\n\n"
            + table(["scenario", "connections", "Broadsheet's requests/s", "of the yardstick", "best peer", "its requests/s", "times"], lines))


def load_itself(cells, run):
    """The share of wrk, which limits the figures."""
    busiest = {}
    for (_, _, name), row in cells.items():
        if row["wrk_core"] is not None:
            busiest[name] = max(row["wrk_core"], busiest.get(name, 0))
    used = ", ".join(f"{title.strip('*')} {busiest[name]:.0%}" for name, title in titles(run).items() if name in busiest)
    text = ("### The cost of the load\n\n"
            f"The one thread of wrk used at most this share of a core: {used}.\nNear 100% the figures show the speed of wrk, and a faster server "
            "would have the same figures. Below that, the server and PostgreSQL\nlacked the time that wrk used.")
    differences = [max(row["rounds"]) / min(row["rounds"]) - 1 for row in cells.values() if min(row["rounds"]) > 0]
    if run["rounds"] == 1 or not differences:
        return text
    return text + (f"\n\nThe fastest round of a cell had more requests per second than the slowest one: by {statistics.median(differences):.0%} in the median of "
                   f"all cells, by {max(differences):.0%} at most.")


def clients(connections):
    return f"{number(connections)} connection{'s' * (connections != 1)}"


def draw(cells, run):
    names = {YARDSTICK: "yardstick", OURS: "Broadsheet", **run["titles"]}
    for field, what, file in (("rps", "requests per second", "throughput"), ("p99_ms", "p99, ms", "p99")):
        panels = []
        for scenario in SCENARIOS:
            lines = {title: [(c, cells[scenario, c, name][field]) for c in connection_counts(cells, scenario) if (scenario, c, name) in cells]
                     for name, title in names.items()}
            panels.append(Panel(PANELS[scenario], {title: line for title, line in lines.items() if line}))
        plot(f"peers_{file}", panels, "connections", what, "beside")
