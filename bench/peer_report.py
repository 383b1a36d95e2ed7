"""bench/peer_report.py - the section of bench/REPORT.md about the peers, from the figures of bench/parts/peers.py."""
import statistics

from report import Panel, count, number, plot, table

YARDSTICK, OURS = "yardstick", "broadsheet"
SCENARIOS = {
    "cold": "Cold: any article of the archive, no cache",
    "hot": "Hot: {hot_articles} articles that everybody reads",
    "gzip": "Hot, as gzip"}
PANELS = {"cold": "cold, no cache", "hot": "hot, Broadsheet alone has a cache", "gzip": "hot, as gzip"}
PGBENCH = {"pgbench": "pgbench", "pgbench-pipelined": "pgbench, pipelined"}
# What a column of the last tables is, its unit, and whether more or less of it is better.
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
                        "### Where a peer is ahead", ahead(cells, run), "### Which statements", statements(run), *(
                            text for scenario in SCENARIOS for text in scenario_text(cells, run, scenario)), load_itself(cells, run)]), run


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
asked with the statements that it is faster with ("Which statements"). Before the run each gave the status, the media type and the JSON that
Broadsheet gives: for {run['compared']} articles, as identity and as gzip, with lists that are finished and some that are stale, and for ids that are
withdrawn, drafts, unknown or no ids.

{peers}

Two things stand beside them. The **yardstick** (`bench/yardstick.c`) is libh2o sending {number(sizes['identity'])} bytes (as gzip {number(sizes['gzip'])})
from memory, which no server on this library beats by more than the noise. **pgbench** is PostgreSQL with the same statements for one article at a time, prepared: no HTTP, no JSON, no merge.
Pipelined it asks for eight articles at once, and p50 and p99 are those of all eight. It is run cold, and its clients are backends, so there
are no more than {max(pgbench_counts())} of them.

- **Cold**: any article of the archive, and Broadsheet's cache off (`BROADSHEET_CACHE_MB=0`): every answer comes from PostgreSQL.
  **Hot**: {number(run['hot_articles'])} articles that everybody reads, and Broadsheet's cache on (64 MB). **Gzip**: hot, to clients that take gzip.
- The peers have no cache, so hot is for them what cold is, with fewer articles; a site built on them would put Redis, an LRU list or a
  proxy in front. As gzip they compress each answer at level 1, which such a site would leave to the proxy too. Hot and gzip show what a cache in the
  server saves; cold alone compares the programs.
- Each cell is the median of {count(run['rounds'], 'round')} of {count(run['seconds'], 'second')} (twice that with the most connections). In a round all programs run,
  and each is asked once, one after the other; the order turns from round to round. "Of the yardstick" is the median of the ratios
  within a round. Cells with errors are marked with "!".
- {number(run['articles'])} made-up articles in PostgreSQL {versions['PostgreSQL']} (shared_buffers {versions['shared_buffers']}), all of them in memory. The load is wrk {versions['wrk']} with one thread, on the same
  machine as the server and PostgreSQL.
- CPU is user and system time for 1,000 answers: of the server's processes (of pgbench itself in its rows), of PostgreSQL's, and of both together.
  Memory is the proportional set size of the server's processes, the highest of three samples under load. "-" is what was not measured.
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
    return ("Requests a second at 64 connections (pgbench: four) with the statements for the base tables (articles, sections, authors, tags, "
            "related lists, joined on\nreading) and for Broadsheet's own read model (finished JSON, a row an article and a row a list); the "
            "higher one, in bold, is what the system is measured with:\n\n" + table(["system", *(names.get(way, way) for way in ways)], body))


# ---- the figures

def plots():
    return ("Requests a second, more is better, over connections; both axes are logarithmic, the panels have the same scale; pgbench is in "
            "the tables alone:\n\n![Requests a second over connections](results/peers_throughput.svg)\n\n"
            "p99 in milliseconds, less is better:\n\n![p99 over connections](results/peers_p99.svg)")


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
    """Every measure of every cell in which a peer is better, whatever the difference."""
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
        return f"Nowhere in this run, in {all_of}."
    return (f"In {number(len(lines))} of {all_of}, {number(faster)} of them in requests/s. Each is here, however small the difference. "
            "\"Both\" is the server and PostgreSQL together.\n\n"
            + table(["scenario", "connections", "peer", "measure", "peer's", "Broadsheet's", "peer's over Broadsheet's"], lines))


def is_better(theirs, ours, what):
    if theirs is None or ours is None:
        return False
    return theirs > ours if what == "more" else theirs < ours


def best_of_all(cells, run):
    """How far ahead we are of the best peer, or behind it, in requests a second."""
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
    return ("\"Times\" is Broadsheet's requests a second over those of the best peer: below 1 the peer is faster.\n\n"
            + table(["scenario", "connections", "Broadsheet's requests/s", "of the yardstick", "best peer", "its requests/s", "times"], lines))


def load_itself(cells, run):
    """What bounds the figures, and is none of the programs."""
    busiest = {}
    for (_, _, name), row in cells.items():
        if row["wrk_core"] is not None:
            busiest[name] = max(row["wrk_core"], busiest.get(name, 0))
    used = ", ".join(f"{title.strip('*')} {busiest[name]:.0%}" for name, title in titles(run).items() if name in busiest)
    text = ("### What the load itself costs\n\n"
            f"Where it was busiest, wrk's one thread used this much of a core: {used}.\nNear 100% its own speed is what was measured, and a faster "
            "server would show no more; below that, what it uses is what the server\nand PostgreSQL did not have.")
    spread = [max(row["rounds"]) / min(row["rounds"]) - 1 for row in cells.values() if min(row["rounds"]) > 0]
    if run["rounds"] == 1 or not spread:
        return text
    return text + (f"\n\nThe fastest round of a cell had {statistics.median(spread):.0%} more requests a second than its slowest one, in the "
                   f"median of all cells, and {max(spread):.0%} at most.")


def clients(connections):
    return f"{number(connections)} connection{'s' * (connections != 1)}"


def draw(cells, run):
    names = {YARDSTICK: "yardstick", OURS: "Broadsheet", **run["titles"]}
    for field, what, file in (("rps", "requests a second", "throughput"), ("p99_ms", "p99, ms", "p99")):
        panels = []
        for scenario in SCENARIOS:
            lines = {title: [(c, cells[scenario, c, name][field]) for c in connection_counts(cells, scenario) if (scenario, c, name) in cells]
                     for name, title in names.items()}
            panels.append(Panel(PANELS[scenario], {title: line for title, line in lines.items() if line}))
        plot(f"peers_{file}", panels, "connections", what, "beside")
