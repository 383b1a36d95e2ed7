"""bench/peer_answers.py - compares the answers of all programs before anything is measured."""
import gzip
import http.client
import json
import random
import statistics
import time

import peer_programs
from harness import Failure, note

COMPARED = 300  # articles
SETTLE_SECONDS = 60


def compare(site, peers, start_ours):
    """Every peer, with each set of statements, gives the status, the media type and the JSON that Broadsheet gives: once
    while nothing is marked, and once while some documents and lists are. Returns the mean size of an answer as Broadsheet
    sends it: {"identity": bytes, "gzip": bytes}."""
    generator = random.Random(1)
    ids = [generator.randint(1, site.articles) for _ in range(COMPARED)]
    unpublished = add_unpublished(site)
    paths = [f"/articles/{i}" for i in [*ids, *unpublished, unpublished[-1] + 1, 0, -1, 2**63]]
    settle(site)
    try:
        program = start_ours(site, 64)
        ours, sizes = fetch(program, paths), mean_sizes(program, paths[:COMPARED])
        program.end()
        check_ours(ours, len(ids))
        for peer in peers:
            for way in peer_programs.WAYS:
                compare_one(peer, way, site, paths, ours)
        mark(site, ids[::3])
        for peer in peers:
            compare_one(peer, "read-model", site, paths, ours)
    finally:
        site.query(f"delete from articles where id in ({unpublished[0]}, {unpublished[1]})")
        settle(site)
    note(f"peers: {len(paths)} answers compared: all programs give the same; an answer has {sizes['identity']} bytes, "
         f"{sizes['gzip']} as gzip")
    return sizes


def compare_one(peer, way, site, paths, ours):
    program = peer_programs.start(peer, site.url, way)
    try:
        for encoding in ("identity", "gzip"):
            for path, expected, got in zip(paths, ours, fetch(program, paths, encoding)):
                if got != expected:
                    raise Failure(f"{path} ({encoding}): {peer.name} ({way}) gives another answer than Broadsheet: nothing is "
                                  f"measured\nBroadsheet: {expected}\n{peer.name}: {got}")
    finally:
        program.end()


def add_unpublished(site):
    """Adds a withdrawn article and a draft. Returns their ids, which are above all others."""
    ids = [site.articles + 1, site.articles + 2]
    for i, status in zip(ids, ("withdrawn", "draft")):
        site.query("insert into articles (id, slug, status, section_id, published_at, title, body) "
                   f"select {i}, 'bench-{status}', '{status}', min(id), now(), 'Not visible', 'Not visible either' from sections")
    return ids


def mark(site, ids):
    """Marks the list of each of these articles, and the document of every second one. No server runs that could write
    them anew."""
    lists = ", ".join(f"list_key({i})" for i in ids)
    documents = ", ".join(f"document_key({i})" for i in ids[::2])
    site.query(f"select mark_stale(array[{lists}, {documents}])")


def settle(site):
    """Processes the queue of related lists and all marks. Then the gates close, and no program looks for marks."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while site.query("select done from related_work(1000)") != "0" or site.query(
            "select exists (select from (select distinct on (gate) is_open from stale_gates order by gate, id desc) g where is_open)") == "t":
        if time.monotonic() > deadline:
            raise Failure(f"the queue of related lists or the marks have not been processed in {SETTLE_SECONDS} s")
    site.query("vacuum stale_marks")


def check_ours(answers, published):
    """Broadsheet's own answers have the right statuses."""
    statuses = [status for status, _, _ in answers]
    if statuses != [200] * published + [410, 404, 404, 400, 400, 400]:
        raise Failure(f"Broadsheet's answers are wrong: {statuses[published:]} for the last paths, and "
                      f"{sum(s != 200 for s in statuses[:published])} of {published} articles are absent")


def fetch(program, paths, encoding="identity"):
    """[(status, media type, JSON)]"""
    return [(status, kind, json.loads(body)) for status, kind, body, _ in read(program, paths, encoding)]


def mean_sizes(program, paths):
    return {encoding: round(statistics.mean(size for *_, size in read(program, paths, encoding)))
            for encoding in ("identity", "gzip")}


def read(program, paths, encoding):
    """Yields (status, media type, body, bytes that were sent)."""
    connection = http.client.HTTPConnection(program.address, timeout=30)
    for path in paths:
        connection.request("GET", path, headers={"Accept-Encoding": encoding})
        answer = connection.getresponse()
        sent = answer.read()
        is_packed = answer.headers.get("Content-Encoding") == "gzip"
        if encoding == "gzip" and len(sent) >= 1024 and not is_packed:
            raise Failure(f"{program.address}{path} is not sent as gzip")
        yield answer.status, answer.headers.get_content_type(), gzip.decompress(sent) if is_packed else sent, len(sent)
    connection.close()
