"""Part growth: does the cold rate last as the archive grows, and how soon is a change seen? On two databases, made here and thrown away.

Writes results/growth.json, one object a size, and results/growth.run.json, the settings. Loading 300,000 articles takes minutes.

Environment: BENCH_GROWTH_SECONDS (4) a turn, BENCH_GROWTH_ROUNDS (5), BENCH_GROWTH_ARTICLES (300000) in the larger one,
BENCH_GROWTH_CHANGES (40) of each kind."""
import atexit
import statistics
import subprocess
import time

import harness
import publishing
from harness import Program, Site, load, note, run, setting
from report import count, number, table

NAME = "growth"
SMALL = 10_000
CONNECTIONS = 64
WARM_UP_SECONDS = 3
LEAST = 0.8  # of the rate with few articles
SEEN_MS, OWN_LIST_MS = 50, 1000


# ---- measuring

def measure():
    seconds, rounds = setting("BENCH_GROWTH_SECONDS", 4), setting("BENCH_GROWTH_ROUNDS", 5)
    changes = setting("BENCH_GROWTH_CHANGES", 40)
    sizes = [SMALL, setting("BENCH_GROWTH_ARTICLES", 300_000)]
    if sizes[1] <= SMALL:
        raise harness.Failure(f"BENCH_GROWTH_ARTICLES is {sizes[1]}: it has to be more than {SMALL}, the smaller archive")
    sites, load_seconds = {}, {}
    for articles in sizes:
        began = time.monotonic()
        sites[articles] = throwaway(articles)
        load_seconds[articles] = time.monotonic() - began
    rows = {articles: [] for articles in sizes}
    for turn in range(rounds):
        for articles in sizes if turn % 2 == 0 else sizes[::-1]:
            rows[articles].append(cell(sites[articles], seconds, turn))
            note(f"growth: {articles:,} articles: {rows[articles][-1]['rps']:.0f} requests/s")
    seen = {articles: publishing.figures(publishing.measure(sites[articles], changes)) for articles in sizes}
    harness.keep(NAME, [{"articles": articles, "load_seconds": round(load_seconds[articles]), **medians(rows[articles]), "seen_ms": seen[articles]}
                        for articles in sizes])
    harness.keep(f"{NAME}.run", {"machine": harness.machine(), "versions": harness.versions(sites[SMALL]), "seconds": seconds,
                                 "rounds": rounds, "connections": CONNECTIONS, "changes": changes})


def throwaway(articles):
    """A database in a cluster of its own, so that neither takes the other's memory."""
    cluster = harness.SCRATCH / f"growth-{articles}"
    harness.SCRATCH.mkdir(parents=True, exist_ok=True)
    run("tools/cluster", "destroy", cluster)
    atexit.register(subprocess.run, [str(harness.ROOT / "tools/cluster"), "destroy", str(cluster)], check=False)
    return Site(articles, harness.start_cluster(cluster, "--throwaway"))


def cell(site, seconds, turn):
    settings = {"DATABASE_URL": site.url, "BROADSHEET_LISTEN": "127.0.0.1:0", "BROADSHEET_CACHE_MB": "0"}
    program = Program(harness.BUILT / "broadsheet", "serve", env=settings)
    try:
        load(program, CONNECTIONS, WARM_UP_SECONDS, 1_000_000 + turn, site.articles)
        return load(program, CONNECTIONS, seconds, turn, site.articles)
    finally:
        program.end()


def medians(rows):
    row = {field: round(statistics.median(r[field] for r in rows), 4) for field in ("rps", "p50_ms", "p99_ms", "cpu_s_per_1000", "rss_mb")}
    return {**row, "errors": sum(r["errors"] for r in rows), "rounds": [r["rps"] for r in rows]}


# ---- reporting

def report():
    """The section of the report, from what measure() kept."""
    rows, run_ = harness.kept(NAME), harness.kept(f"{NAME}.run")
    small, large = rows
    kept = large["rps"] / small["rps"]
    times, machine = large["articles"] / small["articles"], run_["machine"]
    heads = ["articles", "requests/s", "p50, ms", "p99, ms", "errors", "CPU s per 1,000", "memory, MB", "loaded in, s"]
    body = [[number(r["articles"]), *(number(r[field]) for field in ("rps", "p50_ms", "p99_ms", "errors", "cpu_s_per_1000", "rss_mb", "load_seconds"))]
            for r in rows]
    verdict = "met" if kept >= LEAST else "**not met**"
    return f"""## As the archive grows

Articles at random from the whole archive, no cache, {run_['connections']} connections; the median of {count(run_['rounds'], 'turn')} of {count(run_['seconds'], 'second')}, the two
archives in turn, each in a PostgreSQL of its own, with shared_buffers of {run_['versions']['shared_buffers']}. "Loaded in" is all of it: making the cluster, the
articles, the import with the related lists, and `vacuum (freeze, analyze)`.
({machine['processor']}, {machine['cores']} cores, Linux {machine['kernel']}; PostgreSQL {run_['versions']['PostgreSQL']}; {machine['date']}.)

{table(heads, body)}

With {times:.3g} times the articles, **{kept:.2f}** of the rate is left. Expected: at least {LEAST:g}, {verdict}.

### How soon a change is seen

Two servers with their caches on, each read at random by {publishing.CLIENTS} clients and asked for one article again and again: milliseconds from the
commit, as psql heard of it, until the later of the two has given the new answer, that answer included. {run_['changes']} changes of each
kind, each when the lists that the one before has touched are made (those of other articles may still wait).

{table(["change", "articles", "median, ms", "p95, ms", "worst, ms"], list(seen_rows(rows)))}

Expected: changes are seen within {SEEN_MS} ms at the median, {verdict_on(rows, ("edit", "card", "withdrawal"), "median", SEEN_MS)}; a new article has its own list within
{number(OWN_LIST_MS)} ms, {verdict_on(rows, ("own_list",), "worst", OWN_LIST_MS)}.""", run_


def seen_rows(rows):
    for change, words in publishing.CHANGES.items():
        for row in rows:
            times = row["seen_ms"][change.__name__]
            yield [words, number(row["articles"]), *(number(times[part]) for part in ("median", "p95", "worst"))]


def verdict_on(rows, changes, part, most_ms):
    return "met" if all(row["seen_ms"][change][part] <= most_ms for row in rows for change in changes) else "**not met**"
