"""Part cache: what share of the requests a cache answers, by what it chooses to keep (bench/cache_replay.c): on logs made
here, and on a log that is given.

Writes results/cache.json, one object a log and size of the cache: hits in percent of the readers' requests."""
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
NEWS_A_MINUTE = 200  # new articles, among the first so many; the oldest in rank fall out
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
    """`./dev bench cache LOG`: the table of somebody's own log."""
    if len(arguments) != 1 or not pathlib.Path(arguments[0]).is_file():
        raise Failure("usage: ./dev bench cache LOG, where LOG is a file with a line a request: ids, or an access log")
    print(replay(pathlib.Path(arguments[0]).resolve()), end="")


def replay(log):
    return harness.run(harness.BUILT / "bench" / "cache_replay", log)


def read(text):
    """The lines of cache_replay as objects."""
    _, heads, *lines = text.splitlines()
    for line in lines:
        values = dict(zip(heads.split(), line.split()))
        yield {"percent": float(values.pop("size").rstrip("%")), "answers": int(values.pop("answers")),
               "hits": {policy: float(hits) for policy, hits in values.items()}}


# ---- the logs

def readers():
    """Readers who ask for articles as by Zipf; the popular ones are anywhere in the archive."""
    chance = random.Random(1)
    ids = list(range(1, ARTICLES + 1))
    chance.shuffle(ids)
    for _ in range(MINUTES):
        yield from map(str, ask(chance, ids, A_MINUTE))


def crawled():
    """The same readers, and one that asks for each article once a minute, from the first to the last."""
    every = A_MINUTE // ARTICLES
    for i, line in enumerate(readers()):
        yield line
        if i % every == 0:
            yield f"-{i // every % ARTICLES + 1}"


def news():
    """Readers of what is new: what was popular falls back, a rank for each new article above it."""
    chance = random.Random(2)
    ids = list(range(1, ARTICLES + 1))
    for _ in range(MINUTES * 10):
        for _ in range(NEWS_A_MINUTE // 10):
            ids.insert(chance.randrange(NEWS_A_MINUTE), ids.pop() + ARTICLES)  # another id than the one that falls out
        yield from map(str, ask(chance, ids, A_MINUTE // 10))


def ask(chance, ids, n):
    return chance.choices(ids, cum_weights=WEIGHTS, k=n)


WEIGHTS = list(itertools.accumulate((rank + 1) ** -EXPONENT for rank in range(ARTICLES)))
LOGS = {"readers": readers, "crawled": crawled, "news": news}


# ---- reporting

def report():
    """The section of the report, from what measure() kept."""
    rows = harness.kept(NAME)
    hits = {(r["log"], r["percent"]): r["hits"] for r in rows}
    sizes = sorted({r["percent"] for r in rows})
    minutes, a_minute = in_words(MINUTES), f"{A_MINUTE:,}"
    sections = [f"""## What the cache keeps

The cache keeps what S3-FIFO says (`cache/cache.h`). Here its own code, not a model of it, answers requests beside other policies:
hits in percent of the readers' requests, at caches with room for a part of all answers, which are of one size. Belady's is what one
could do who knew the future. {minutes.capitalize()} minutes of {a_minute} requests for {ARTICLES:,} articles as by Zipf ({EXPONENT}), from an empty cache.
`./dev bench cache LOG` does the same with a log of one's own."""]
    for name, title in (("readers", "Readers alone"), ("crawled", "The same readers, while a crawler asks for every article once a minute"),
                        ("news", f"News: {NEWS_A_MINUTE} new articles a minute enter among the {NEWS_A_MINUTE} most read")):
        sections.append(f"### {title}\n\n{hit_table([r for r in rows if r['log'] == name])}")
    sections.append("\n".join(["What was expected of it:\n", expected_of_crawler(hits, sizes), expected_of_readers(hits, sizes)]))
    return "\n\n".join(sections), rows


def hit_table(rows):
    policies = list(rows[0]["hits"])
    heads = ["room for", "answers"] + [f"**{p}**" if p == OURS else p for p in policies]
    return table(heads, [[f"{r['percent']:g}%", f"{r['answers']:,}"] + [
        f"**{r['hits'][p]:.1f}**" if p == OURS else f"{r['hits'][p]:.1f}" for p in policies] for r in rows])


def expected_of_crawler(hits, sizes):
    """Of the sizes that a site would choose."""
    sizes = [s for s in sizes if s >= 1]

    def lost(policy):
        return max(hits["readers", s][policy] - hits["crawled", s][policy] for s in sizes)

    return (f"- a crawler costs the readers at most one point, at {sizes[0]:g}% and above: {max(0, lost(OURS)):.1f} points, "
            f"{verdict(lost(OURS) <= 1)}; LRU loses up to {lost('LRU'):.1f}.")


def expected_of_readers(hits, sizes):
    worst = max(max(h for p, h in hits[log, s].items() if p != BOUND) - hits[log, s][OURS] for log in LOGS for s in sizes)
    where = "it is the best of these in every row" if worst <= 0 else f"{worst:.1f} points behind where it is furthest"
    return f"- never more than two points behind the best of the others: {where}, {verdict(worst <= 2)}."


def verdict(is_met):
    return "met" if is_met else "**not met**"
