"""bench/peer_report.py - the section of bench/REPORT.md about the peers, from the figures of bench/parts/peers.py."""
from report import Panel, number, plot, table

YARDSTICK, OURS = "yardstick", "broadsheet"
SCENARIOS = {
    "cold": "Cold: any article of the archive, no cache",
    "hot": "Hot: {hot_articles} articles that everybody reads",
    "gzip": "Hot, as gzip"}
PGBENCH = {"pgbench": "pgbench", "pgbench-pipelined": "pgbench, pipelined"}
MEASURES = {"rps": ("requests a second", "more"), "p50_ms": ("p50", "less"), "p99_ms": ("p99", "less"),
            "cpu_s_per_1000": ("CPU of the server", "less"), "all_cpu_s_per_1000": ("CPU with PostgreSQL's", "less"),
            "rss_mb": ("memory", "less")}


def report(rows, run):
    for row in rows:
        parts = (row["cpu_s_per_1000"], row["database_cpu_s_per_1000"])
        row["all_cpu_s_per_1000"] = sum(parts) if None not in parts else None
    cells = {(r["scenario"], r["connections"], r["system"]): r for r in rows}
    draw(cells, run)
    return "\n\n".join([what_was_compared(run), statements(run), plots(), *(
        text for scenario in SCENARIOS for text in scenario_text(cells, run, scenario)),
        "### Where a peer is ahead", ahead(cells, run), best_of_all(cells, run)]), run


def titles(run):
    return {YARDSTICK: "yardstick", OURS: "**Broadsheet**", **run["titles"], **PGBENCH}


def connection_counts(cells, scenario):
    return sorted({c for s, c, _ in cells if s == scenario})


# ---- how it was done

def what_was_compared(run):
    machine, versions, sizes = run["machine"], run["versions"], run["answer_bytes"]
    peers = "\n".join(f"- {title}: " + (versions[name] if name in versions else f"**not measured**: {first_line(run['missing'][name])}")
                      for name, title in run["titles"].items())
    return f"""## Beside its peers

The same answers from Broadsheet and from programs of other ecosystems (`bench/peers/`), each written for production with what is
usual and fast there: all cores, prepared statements, pools, pipelines where the driver has them, both queries at the same time. Each is
asked with the statements that it is faster with (below). Before the run each gave, for {run['compared']} articles, as identity and as gzip, and for ids that are withdrawn,
drafts, unknown or no ids, the status, the media type and the JSON that Broadsheet gives.

{peers}

Two things stand beside them. The **yardstick** (`bench/yardstick.c`) is libh2o sending {number(sizes['identity'])} bytes (as gzip {number(sizes['gzip'])}) from memory: no server on this
library can be faster. **pgbench** is PostgreSQL with the same statements for one article at a time, prepared, and pipelined
eight articles deep: no HTTP, no JSON, no merge; its clients are backends, so it is not run with more than {max(pgbench_counts())}.

- Each cell is the median of {run['rounds']} rounds of {run['seconds']} seconds (twice that with the most connections). In a round all programs run, and each is asked once, one after the other;
  the order turns from round to round. "Of the yardstick" is the ratio within a round. Cells with errors are marked with "!".
- {number(run['articles'])} made-up articles in PostgreSQL {versions['PostgreSQL']}, all of them in memory. The load is wrk {versions['wrk']} with one thread, on the same
  machine as the server and PostgreSQL.
- CPU is user and system time for 1,000 answers: of the server's processes, and of PostgreSQL's. Memory is the proportional set size of
  the server's processes, the highest of three samples under load, in MB.
- The peers have no cache, so hot is for them what cold is, with fewer articles; a site built on them would put Redis, an LRU list or a
  proxy in front. As gzip they compress each answer at level 1, which such a site would leave to the proxy too.
- The machine: {machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']}, Linux {machine['kernel']}; Broadsheet {versions['broadsheet']},
  libh2o {versions['libh2o']}, libpq {versions['libpq']}, gcc {versions['gcc']}; {machine['date']}."""


def pgbench_counts():
    return [1, 64]


def first_line(text):
    return " ".join(text.split())[:300]


def statements(run):
    names = {"base-tables": "base tables", "read-model": "read model"}
    ways = sorted(next(iter(run["trial"].values())))
    body = [[titles(run)[name], *(f"**{number(rates[way])}**" if way == run["ways"][name] else number(rates[way]) for way in ways)]
            for name, rates in run["trial"].items()]
    return ("Requests a second at 64 connections (pgbench: four) with the statements for the base tables (articles, sections, authors, tags, "
            "related lists, joined on reading) and for Broadsheet's own read model (pieces of finished JSON); the higher one is what "
            "was measured:\n\n" + table(["system", *(names.get(way, way) for way in ways)], body))


# ---- the figures

def plots():
    return "![Requests a second over connections](results/peers_throughput.svg)\n\n![p99 over connections](results/peers_p99.svg)"


def scenario_text(cells, run, scenario):
    yield f"### {SCENARIOS[scenario].format(hot_articles=number(run['hot_articles']))}"
    heads = ["system", "requests/s", "of the yardstick", "p50, ms", "p99, ms", "CPU s per 1,000", "PostgreSQL's", "memory, MB"]
    for connections in connection_counts(cells, scenario):
        body = []
        for name, title in titles(run).items():
            row = cells.get((scenario, connections, name))
            if row:
                body.append([title + (f" ! ({number(row['errors'])} errors)" if row["errors"] else ""), number(row["rps"]), f"{row['ratio']:.3f}",
                             *(number(row[field]) for field in ("p50_ms", "p99_ms", "cpu_s_per_1000", "database_cpu_s_per_1000", "rss_mb"))])
        yield f"{number(connections)} connection{'s' * (connections != 1)}:\n\n{table(heads, body)}"


def ahead(cells, run):
    """Said of every cell and measure, whatever the difference."""
    lines = []
    for scenario in SCENARIOS:
        for connections in connection_counts(cells, scenario):
            ours = cells[scenario, connections, OURS]
            for name in run["titles"]:
                row = cells.get((scenario, connections, name))
                better = [f"{word} ({number(row[field])} against {number(ours[field])})" for field, (word, what) in MEASURES.items()
                          if row and is_better(row[field], ours[field], what)]
                if better:
                    lines.append(f"- {scenario}, {number(connections)} connection{'s' * (connections != 1)}: **{run['titles'][name]}** in {', '.join(better)}.")
    measured = "requests a second, p50, p99, CPU or memory"
    return "\n".join(lines) if lines else f"In no cell of this run, be it in {measured}."


def is_better(theirs, ours, what):
    if theirs is None or ours is None:
        return False
    return theirs > ours if what == "more" else theirs < ours


def best_of_all(cells, run):
    """How far ahead we are of the best peer, in requests a second."""
    lines = []
    for scenario in SCENARIOS:
        for connections in connection_counts(cells, scenario):
            peers = [(cells[scenario, connections, name]["rps"], name) for name in run["titles"] if (scenario, connections, name) in cells]
            if peers:
                rate, name = max(peers)
                times = cells[scenario, connections, OURS]["rps"] / rate
                lines.append([scenario, number(connections), run["titles"][name], number(rate), f"**{number(times)}**"])
    return ("Broadsheet's requests a second over those of the best peer:\n\n"
            + table(["scenario", "connections", "best peer", "its requests/s", "times"], lines)) if lines else ""


def draw(cells, run):
    names = {YARDSTICK: "yardstick", OURS: "Broadsheet", **run["titles"]}
    for field, what, file in (("rps", "requests a second", "throughput"), ("p99_ms", "p99, ms", "p99")):
        panels = []
        for scenario in SCENARIOS:
            lines = {title: [(c, cells[scenario, c, name][field]) for c in connection_counts(cells, scenario) if (scenario, c, name) in cells]
                     for name, title in names.items()}
            panels.append(Panel(scenario, {title: line for title, line in lines.items() if line}))
        plot(f"peers_{file}", panels, "connections", what, "beside")
