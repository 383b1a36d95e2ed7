"""Part related: the quality of the related lists of whole archives.

    bench/run related CORPUS [LINKS]    CORPUS: articles for `broadsheet import`; the first line has the id 1, and so on;
                                        LINKS: in each line {"id": 5, "links": [8, 21]}, with those ids

Without arguments: the archive that lies beside the checkout, if there is one, and Debian's installation guide in its 19 languages, where
each page is an article, and the pages of the same chapter count as its links (bench/manuals.py).

Imports the corpus into a database of its own, reads the lists, and removes the database.

recall@6 is the share of the linked articles (of six at most) that are on the list. MRR@6 is 1 divided by the rank of the first of them.
Both are means over the articles that have links. Two articles are near-duplicates here if each has at least 0.8 of the different
pairs of neighbouring words of the other. This is counted on whole texts, not by the method that makes the lists. The language of an
article is the one that its corpus gives ("language", or "written_in", which the import ignores), or English. The busiest days are the tenth of the days with the most articles."""
import collections
import json
import os
import pathlib
import re
import statistics
import subprocess
import time

import harness
import manuals
from harness import Failure, NotMeasured, note

NAME = "related"
DATA = harness.ROOT.parent / "shared" / "data"
ARCHIVE = (DATA / "digitalgov.ndjson", DATA / "digitalgov-links.ndjson")
NEAR_DUPLICATE = 0.8
DAY_SECONDS = 86400
BEFORE = ", before"


# ---- measuring

def measure():
    rows = []
    if all(path.exists() for path in ARCHIVE):
        rows.append(figures("digitalgov, English", *ARCHIVE))
    else:
        note("related: there is no archive beside the checkout")
    try:
        rows.append(figures("installation guide, 19 languages", *manuals.make(harness.SCRATCH / "manuals")))
    except Failure as error:
        note(f"related: the installation guide is left out: {error}")
    if rows:
        harness.keep(NAME, earlier() + rows)


def earlier():
    """Returns the figures of a method that is gone, which no measurement replaces."""
    try:
        return [row for row in harness.kept(NAME) if row["corpus"].endswith(BEFORE)]
    except NotMeasured:
        return []


def look_at(arguments):
    if len(arguments) not in (1, 2):
        raise Failure("related takes one or two files: ./dev bench related CORPUS [LINKS]")
    for name, value in figures(*arguments[:1], *map(pathlib.Path, arguments)).items():
        print(f"{LABELS[name]:60} {value if isinstance(value, str) else format(value, ',')}")


LABELS = {
    "corpus": "archive",
    "articles": "articles",
    "seconds": "seconds of import, lists included",
    "linking": "articles with links",
    "recall": "recall@6",
    "mrr": "MRR@6",
    "cards": "cards of a list, mean",
    "empty": "share of articles with an empty list",
    "language": "share of cards in the article's language",
    "near_duplicates": "share of lists with near-duplicates",
    "most_shown": "share of lists that have the article that is shown most",
    "never_shown": "share of articles that are never shown",
    "age_days": "days between article and card, median",
    "same_week": "share of cards within a week, for articles of the busiest days",
}


def figures(name, corpus, links=None):
    articles = read(corpus)
    linked = {row["id"]: set(row["links"]) for row in read(links)} if links else {}
    if not articles:
        raise Failure(f"{corpus} is empty")
    lists, times, seconds = lists_of(corpus)
    row = {"corpus": str(name), "articles": len(articles), "seconds": round(seconds, 1), "linking": len(linked)}
    if linked:
        row |= by_links(lists, linked)
    shown = collections.Counter(card for cards in lists.values() for card in cards)
    pairs = [(article, card) for article, cards in lists.items() for card in cards]
    texts = {number: pairs_of(article) for number, article in enumerate(articles, 1)}
    languages = {number: article.get("language") or article.get("written_in") or "en" for number, article in enumerate(articles, 1)}
    apart = {pair: abs(times[pair[0]] - times[pair[1]]) / DAY_SECONDS for pair in pairs}
    busy = busiest(times)
    of_busy = [pair for pair in pairs if int(times[pair[0]] // DAY_SECONDS) in busy]
    return row | {
        "cards": round(len(pairs) / len(times), 2),
        "empty": round(1 - len(lists) / len(times), 4),
        "language": share(pairs, lambda p: languages[p[0]] == languages[p[1]]),
        "near_duplicates": share(lists.items(), lambda item: has_near_duplicates([item[0], *item[1]], texts)),
        "most_shown": round(max(shown.values(), default=0) / len(times), 4),
        "never_shown": round(1 - len(shown) / len(times), 3),
        "age_days": round(statistics.median(apart.values())) if apart else 0,
        "same_week": share(of_busy, lambda p: apart[p] <= 7),
    }


def by_links(lists, linked):
    recalls, ranks = [], []
    for article, wanted in linked.items():
        hits = [rank for rank, card in enumerate(lists.get(article, []), 1) if card in wanted]
        recalls.append(len(hits) / min(6, len(wanted)))
        ranks.append(1 / hits[0] if hits else 0)
    return {"recall": round(statistics.mean(recalls), 3), "mrr": round(statistics.mean(ranks), 3)}


def share(items, holds):
    items = list(items)
    return round(sum(map(holds, items)) / len(items), 3) if items else 0


def busiest(times):
    """Returns a tenth of the days, those with the most articles."""
    days = collections.Counter(int(when // DAY_SECONDS) for when in times.values())
    return {day for day, _ in days.most_common(max(1, len(days) // 10))}


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.strip()]
    except (OSError, ValueError) as error:
        raise Failure(f"{path}: {error}") from None


def lists_of(corpus):
    """Returns {article: its cards}, {article: the time of its publication}, and the seconds of the import."""
    cluster = harness.SCRATCH / "related-cluster"
    harness.SCRATCH.mkdir(parents=True, exist_ok=True)
    harness.run("tools/cluster", "destroy", cluster)
    url = harness.run("tools/cluster", "start", "--throwaway", cluster).splitlines()[-1]
    try:
        harness.run("tools/migrate", "up", env=harness.environment_of(url))
        began = time.monotonic()
        imported = subprocess.run([harness.BUILT / "broadsheet", "import", corpus.absolute()], stderr=subprocess.PIPE, text=True,
                                  env={**os.environ, "DATABASE_URL": url}, check=False)
        seconds = time.monotonic() - began
        if imported.returncode != 0:
            raise Failure(f"the import failed, or has bad lines:\n{imported.stderr.strip()}")
        rows = query(url, "select article_id, related_id from article_related order by article_id, rank")
        times = query(url, "select id, extract(epoch from published_at) from articles")
    finally:
        harness.run("tools/cluster", "destroy", cluster)
    lists = {}
    for article, card in rows:
        lists.setdefault(int(article), []).append(int(card))
    return lists, {int(number): float(when) for number, when in times}, seconds


def query(url, sql):
    return [line.split("|") for line in harness.run("psql", "-XAtqw", "-c", sql, env=harness.environment_of(url)).splitlines()]


def pairs_of(article):
    words = re.findall(r"\w+", " ".join(article.get(key) or "" for key in ("title", "summary", "body")).lower())
    return set(zip(words, words[1:])) or set(words)


def has_near_duplicates(numbers, texts):
    return any(are_near_duplicates(texts[a], texts[b]) for i, a in enumerate(numbers) for b in numbers[:i])


def are_near_duplicates(a, b):
    return bool(a and b) and len(a & b) >= NEAR_DUPLICATE * max(len(a), len(b))


# ---- reporting

def report():
    """Returns the section of the report, from the figures of measure()."""
    try:
        rows = harness.kept(NAME)
    except (FileNotFoundError, Failure):
        raise NotMeasured("related lists (./dev bench related CORPUS [LINKS])") from None
    names = " | ".join(row["corpus"] for row in rows)
    lines = "\n".join(f"| {label} | {' | '.join(format(row[key], ',') if key in row else '' for row in rows)} |"
                      for key, label in LABELS.items() if key != "corpus")
    return f"""## The quality of related lists

The lists of whole archives (`bench/parts/related.py` explains the method). `digitalgov` is a blog whose authors have set links from
article to article. Of the installation guide of Debian, each page is an article, and the pages of the same chapter count as its links.
"Before" are the lists that SQL made with PostgreSQL's text search. `./dev bench related CORPUS [LINKS]` measures another archive.
[docs/related.md](../docs/related.md) explains the method and its parts.

| | {names} |
|---|{'---|' * len(rows)}
{lines}""", rows[0]
