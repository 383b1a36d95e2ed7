"""Part related: the quality of the related lists, compared with the links that authors have set.

    bench/run related CORPUS LINKS      CORPUS: articles for `broadsheet import`; the first line has the id 1, and so on;
                                        LINKS: in each line {"id": 5, "links": [8, 21]}, with those ids

Imports the corpus into a database of its own, reads the lists, and removes the database.

recall@6 is the share of the linked articles (of six at most) that are on the list. MRR@6 is 1 divided by the rank of the first of them.
Both are means over the articles that have links. Two articles are near-duplicates here if each has at least 0.8 of the different
pairs of neighbouring words of the other. This is counted on whole texts, not by the method that makes the lists. The age of a card is its
age when the article was published: negative for a card of a later article."""
import json
import os
import pathlib
import re
import statistics
import subprocess
import time

import harness
from harness import Failure, NotMeasured, note

NAME = "related"
DATA = harness.ROOT.parent / "shared" / "data"
DEFAULTS = (DATA / "digitalgov.ndjson", DATA / "digitalgov-links.ndjson")
NEAR_DUPLICATE = 0.8
DAY_SECONDS = 86400


# ---- measuring

def measure():
    if not all(path.exists() for path in DEFAULTS):
        note("related: there is no corpus; name one: ./dev bench related CORPUS LINKS")
        return
    harness.keep(NAME, [figures(*DEFAULTS)])


def look_at(arguments):
    if len(arguments) != 2:
        raise Failure("related takes two files: ./dev bench related CORPUS LINKS")
    for name, value in figures(*map(pathlib.Path, arguments)).items():
        print(f"{LABELS[name]:44} {value:,}")


LABELS = {
    "articles": "articles",
    "linking": "articles with links",
    "seconds": "seconds of import, lists included",
    "recall": "recall@6",
    "mrr": "MRR@6",
    "empty": "share of articles with an empty list",
    "near_duplicates": "share of lists with near-duplicates",
    "age_days": "median age difference of cards, days",
}


def figures(corpus, links):
    articles = read(corpus)
    linked = {row["id"]: set(row["links"]) for row in read(links)}
    if not articles or not linked:
        raise Failure(f"{corpus if not articles else links} is empty")
    lists, times, seconds = lists_of(corpus)
    recalls, ranks = [], []
    for article, wanted in linked.items():
        hits = [rank for rank, card in enumerate(lists.get(article, []), 1) if card in wanted]
        recalls.append(len(hits) / min(6, len(wanted)))
        ranks.append(1 / hits[0] if hits else 0)
    texts = {number: pairs_of(article) for number, article in enumerate(articles, 1)}
    ages = [(times[article] - times[card]) / DAY_SECONDS for article, cards in lists.items() for card in cards]
    return {"articles": len(articles), "linking": len(linked), "seconds": round(seconds, 1),
            "recall": round(statistics.mean(recalls), 3), "mrr": round(statistics.mean(ranks), 3),
            "empty": round(1 - len(lists) / len(times), 4),
            "near_duplicates": round(sum(has_near_duplicates([a, *cards], texts) for a, cards in lists.items()) / max(1, len(lists)), 4),
            "age_days": round(statistics.median(ages)) if ages else 0}


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
        row = harness.kept(NAME)[0]
    except (FileNotFoundError, Failure):
        raise NotMeasured("related lists (./dev bench related CORPUS LINKS)") from None
    lines = "\n".join(f"| {LABELS[key]} | {value:,} |" for key, value in row.items())
    return f"""## The quality of related lists

The lists of a corpus, compared with the links that its authors have set from article to article (`bench/parts/related.py` explains the
method). `./dev bench related CORPUS LINKS` measures another corpus.

| figure | |
|---|---|
{lines}""", row
