"""bench/peer_answers.py - do all programs answer alike? Asked before anything is measured."""
import gzip
import http.client
import json
import random
import statistics

import peer_programs
from harness import Failure, note

COMPARED = 300  # articles


def compare(site, peers, start_ours):
    """Every peer, with each way to ask, gives the status, the media type and the JSON that Broadsheet gives, from lists that
    are finished and from some that are stale. Returns the mean size of an answer, {"identity": bytes, "gzip": bytes} as
    Broadsheet sends it."""
    chance = random.Random(1)
    ids = [chance.randint(1, site.articles) for _ in range(COMPARED)]
    gone = add_unpublished(site)
    paths = [f"/articles/{i}" for i in [*ids, *gone, gone[-1] + 1, 0, -1, 2**63]]
    settle(site)
    try:
        program = start_ours(site, 64)
        ours, sizes = fetch(program, paths), mean_sizes(program, paths[:COMPARED])
        program.end()
        check_ours(ours, len(ids))
        for peer in peers:
            for way in peer_programs.WAYS:
                compare_one(peer, way, site, paths, ours)
        site.query(f"insert into related_stale (article_id) values {', '.join(f'({i})' for i in ids[::3])}")
        for peer in peers:
            compare_one(peer, "read-model", site, paths, ours)
    finally:
        site.query(f"delete from articles where id in ({gone[0]}, {gone[1]})")
        settle(site)
    note(f"peers: {len(paths)} answers compared: all programs answer alike; an answer has {sizes['identity']} bytes, "
         f"{sizes['gzip']} as gzip")
    return sizes


def compare_one(peer, way, site, paths, ours):
    program = peer_programs.start(peer, site.url, way)
    try:
        for encoding in ("identity", "gzip"):
            for path, expected, got in zip(paths, ours, fetch(program, paths, encoding)):
                if got != expected:
                    raise Failure(f"{path} ({encoding}) is not answered alike by {peer.name} ({way}): nothing is measured\n"
                                  f"Broadsheet: {expected}\n{peer.name}: {got}")
    finally:
        program.end()


def add_unpublished(site):
    """A withdrawn article and a draft, after all others; the ids."""
    ids = [site.articles + 1, site.articles + 2]
    for i, status in zip(ids, ("withdrawn", "draft")):
        site.query("insert into articles (id, slug, status, section_id, published_at, title, body) "
                   f"select {i}, 'bench-{status}', '{status}', min(id), now(), 'Not to be seen', 'Nor this' from sections")
    return ids


def settle(site):
    """Works off what waits for the related lists: where nothing is stale, nobody looks whether a list is."""
    while site.query("select related_refresh(1000)") != "0":
        pass
    site.query("vacuum related_stale")


def check_ours(answers, published):
    """What the others are compared with is what it should be."""
    statuses = [status for status, _, _ in answers]
    if statuses != [200] * published + [410, 404, 404, 400, 400, 400]:
        raise Failure(f"Broadsheet does not answer as it should: {statuses[published:]} for the last paths, "
                      f"{sum(s != 200 for s in statuses[:published])} of {published} articles are not there")


def fetch(program, paths, encoding="identity"):
    """[(status, media type, JSON)]"""
    return [(status, kind, json.loads(body)) for status, kind, body, _ in read(program, paths, encoding)]


def mean_sizes(program, paths):
    return {encoding: round(statistics.mean(size for *_, size in read(program, paths, encoding)))
            for encoding in ("identity", "gzip")}


def read(program, paths, encoding):
    """(status, media type, body, bytes that were sent)"""
    connection = http.client.HTTPConnection(program.address, timeout=30)
    for path in paths:
        connection.request("GET", path, headers={"Accept-Encoding": encoding})
        answer = connection.getresponse()
        sent = answer.read()
        is_packed = answer.headers.get("Content-Encoding") == "gzip"
        if encoding == "gzip" and len(sent) >= 1024 and not is_packed:
            raise Failure(f"{program.address}{path} is not sent as gzip where it should be")
        yield answer.status, answer.headers.get_content_type(), gzip.decompress(sent) if is_packed else sent, len(sent)
    connection.close()
