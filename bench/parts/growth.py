"""Part growth: the cold rate of a small and of a large archive, and the time until readers see a change. It makes two databases and
removes them at its end.

Writes results/growth.json, one object for each size, and results/growth.run.json, the settings. Loading 300,000 articles takes minutes.

Environment: BENCH_GROWTH_SECONDS (4) for each turn, BENCH_GROWTH_ROUNDS (5), BENCH_GROWTH_ARTICLES (300000) in the larger one,
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
        raise harness.Failure(f"BENCH_GROWTH_ARTICLES is {sizes[1]}: it must be more than {SMALL}, the size of the smaller archive")
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
    """Makes a database in a cluster of its own, so that the two do not share memory."""
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
    """Returns the section of the report, from the figures of measure()."""
    rows, run_ = harness.kept(NAME), harness.kept(f"{NAME}.run")
    small, large = rows
    kept = large["rps"] / small["rps"]
    times, machine = large["articles"] / small["articles"], run_["machine"]
    heads = ["articles", "requests/s", "p50, ms", "p99, ms", "errors", "CPU s per 1,000", "memory, MB", "loaded in, s"]
    body = [[number(r["articles"]), *(number(r[field]) for field in ("rps", "p50_ms", "p99_ms", "errors", "cpu_s_per_1000", "rss_mb", "load_seconds"))]
            for r in rows]
    verdict = "met" if kept >= LEAST else "**not met**"
    return f"""## A growing archive

Requests for random articles of the whole archive, without a cache, from {run_['connections']} connections: the median of {count(run_['rounds'], 'turn')} of {count(run_['seconds'], 'second')}. The two
archives take turns. Each has its own PostgreSQL, with shared_buffers of {run_['versions']['shared_buffers']}. "Loaded in" is the whole time: for the cluster, the
articles, the import with the related lists, and `vacuum (freeze, analyze)`.
({machine['processor']}, {machine['cores']} cores, Linux {machine['kernel']}; PostgreSQL {run_['versions']['PostgreSQL']}; {machine['date']}.)

{table(heads, body)}

With {times:.3g} times the articles, the rate is **{kept:.2f}** of that with few. Expected: at least {LEAST:g}, {verdict}.

### The time until readers see a change

There are two servers with their caches on. {publishing.CLIENTS} clients of each request random articles, and one more client requests the same article again
and again. The figures are the milliseconds from the commit, when psql has its result, until both servers have sent the new answer.
There are {run_['changes']} changes of each kind. Each is made when the lists that the one before has changed are made; lists of other articles may still wait.

{table(["change", "articles", "median, ms", "p95, ms", "worst, ms"], list(seen_rows(rows)))}

Expected: the median of the changes is at most {SEEN_MS} ms, {verdict_on(rows, ("edit", "card", "withdrawal"), "median", SEEN_MS)}; a new article has its own list within
{number(OWN_LIST_MS)} ms, {verdict_on(rows, ("own_list",), "worst", OWN_LIST_MS)}.""", run_


def seen_rows(rows):
    for change, words in publishing.CHANGES.items():
        for row in rows:
            times = row["seen_ms"][change.__name__]
            yield [words, number(row["articles"]), *(number(times[part]) for part in ("median", "p95", "worst"))]


def verdict_on(rows, changes, part, most_ms):
    return "met" if all(row["seen_ms"][change][part] <= most_ms for row in rows for change in changes) else "**not met**"
