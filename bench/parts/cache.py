"""Part cache: the share of the requests that a cache answers, for some policies (bench/cache_replay.c): with made-up logs,
and with a log that the user names.

Writes results/cache.json, one object for each log and size of the cache: hits in percent of the readers' requests."""
import itertools
import pathlib
import random

import harness
from harness import Failure, note
from report import in_words, table

NAME = "cache"
ARTICLES = 20_000
MINUTES = 10
A_MINUTE = 60_000  # requests of readers
EXPONENT = 0.9
NEWS_A_MINUTE = 200  # new articles; each gets one of the first so many ranks, and the last in rank leaves
OURS, BOUND = "S3-FIFO", "Belady"


# ---- measuring

def measure():
    rows = []
    harness.SCRATCH.mkdir(parents=True, exist_ok=True)
    for name, make in LOGS.items():
        log = harness.SCRATCH / f"cache.{name}.log"
        log.write_text("\n".join(make()) + "\n")
        rows += [{"log": name, **row} for row in read(replay(log))]
        log.unlink()
        note(f"cache: replayed {name}")
    harness.keep(NAME, rows)


def look_at(arguments):
    """`./dev bench cache LOG`: prints the table for this log."""
    if len(arguments) != 1 or not pathlib.Path(arguments[0]).is_file():
        raise Failure("usage: ./dev bench cache LOG, where LOG is a file with a request in each line: ids, or an access log")
    print(replay(pathlib.Path(arguments[0]).resolve()), end="")


def replay(log):
    return harness.run(harness.BUILT / "bench" / "cache_replay", log)


def read(text):
    """Yields the lines of cache_replay as objects."""
    _, heads, *lines = text.splitlines()
    for line in lines:
        values = dict(zip(heads.split(), line.split()))
        yield {"percent": float(values.pop("size").rstrip("%")), "answers": int(values.pop("answers")),
               "hits": {policy: float(hits) for policy, hits in values.items()}}


# ---- the logs

def readers():
    """Requests that follow Zipf's law. Popular articles are anywhere in the archive."""
    generator = random.Random(1)
    ids = list(range(1, ARTICLES + 1))
    generator.shuffle(ids)
    for _ in range(MINUTES):
        yield from map(str, ask(generator, ids, A_MINUTE))


def crawled():
    """The same requests, and a crawler that requests each article once per minute, from the first to the last."""
    every = A_MINUTE // ARTICLES
    for i, line in enumerate(readers()):
        yield line
        if i % every == 0:
            yield f"-{i // every % ARTICLES + 1}"


def news():
    """New articles become popular. Each moves the articles below it down by one rank."""
    generator = random.Random(2)
    ids = list(range(1, ARTICLES + 1))
    for _ in range(MINUTES * 10):
        for _ in range(NEWS_A_MINUTE // 10):
            ids.insert(generator.randrange(NEWS_A_MINUTE), ids.pop() + ARTICLES)  # another id than the one that leaves
        yield from map(str, ask(generator, ids, A_MINUTE // 10))


def ask(generator, ids, n):
    return generator.choices(ids, cum_weights=WEIGHTS, k=n)


WEIGHTS = list(itertools.accumulate((rank + 1) ** -EXPONENT for rank in range(ARTICLES)))
LOGS = {"readers": readers, "crawled": crawled, "news": news}


# ---- reporting

def report():
    """Returns the section of the report, from the figures of measure()."""
    rows = harness.kept(NAME)
    hits = {(r["log"], r["percent"]): r["hits"] for r in rows}
    sizes = sorted({r["percent"] for r in rows})
    minutes, a_minute = in_words(MINUTES), f"{A_MINUTE:,}"
    sections = [f"""## The policy of the cache

The policy of the cache is S3-FIFO (`cache/cache.h`). Its own code, not a model of it, is compared with other policies. The figures are
hits in percent of the readers' requests. The caches have room for a part of all answers, and all answers have the same size. Belady's policy
knows all later requests: it is the upper limit. The logs have {minutes} minutes of {a_minute} requests for {ARTICLES:,} articles, with frequencies that
follow Zipf's law ({EXPONENT}). The caches are empty at first. `./dev bench cache LOG` does the same with a log of your own."""]
    for name, title in (("readers", "Readers alone"), ("crawled", "The same readers, and a crawler that requests every article once per minute"),
                        ("news", f"News: {NEWS_A_MINUTE} new articles per minute become some of the {NEWS_A_MINUTE} most popular")):
        sections.append(f"### {title}\n\n{hit_table([r for r in rows if r['log'] == name])}")
    sections.append("\n".join(["Expected:\n", expected_of_crawler(hits, sizes), expected_of_readers(hits, sizes)]))
    return "\n\n".join(sections), rows


def hit_table(rows):
    policies = list(rows[0]["hits"])
    heads = ["room for", "answers"] + [f"**{p}**" if p == OURS else p for p in policies]
    return table(heads, [[f"{r['percent']:g}%", f"{r['answers']:,}"] + [
        f"**{r['hits'][p]:.1f}**" if p == OURS else f"{r['hits'][p]:.1f}" for p in policies] for r in rows])


def expected_of_crawler(hits, sizes):
    """For the sizes that a site would choose."""
    sizes = [s for s in sizes if s >= 1]

    def lost(policy):
        return max(hits["readers", s][policy] - hits["crawled", s][policy] for s in sizes)

    return (f"- with a crawler, the hits of the readers are at most one point lower, at {sizes[0]:g}% and above: {max(0, lost(OURS)):.1f} points, "
            f"{verdict(lost(OURS) <= 1)}; LRU loses up to {lost('LRU'):.1f}.")


def expected_of_readers(hits, sizes):
    worst = max(max(h for p, h in hits[log, s].items() if p != BOUND) - hits[log, s][OURS] for log in LOGS for s in sizes)
    where = "it is the best in every row" if worst <= 0 else f"{worst:.1f} points at most"
    return f"- its hits are at most two points lower than those of the best other policy: {where}, {verdict(worst <= 2)}."


def verdict(is_met):
    return "met" if is_met else "**not met**"
