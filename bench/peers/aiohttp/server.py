#!/usr/bin/env python3
"""bench/peers/aiohttp/server.py - the peer written in Python: aiohttp, asyncpg, uvloop; a process per core.

    parent --fork--> process per core: loop, listener (SO_REUSEPORT), pool --both queries at the same time--> JSON

Settings: bench/peers/README.md."""
import asyncio
import gc
import gzip
import json
import os
import pathlib
import signal
import socket
import sys

import asyncpg
import ujson
import uvloop
from aiohttp import web

STATEMENTS = pathlib.Path(os.environ["PEER_STATEMENTS"])  # a folder
ARTICLE = (STATEMENTS / "article.sql").read_text()
RELATED = (STATEMENTS / "related.sql").read_text()
IS_READ_MODEL = STATEMENTS.name == "read-model"  # the rows hold finished JSON
PROCESSES = int(os.environ.get("PEER_PROCESSES") or os.cpu_count())
CONNECTIONS = int(os.environ.get("PEER_CONNECTIONS") or 4)  # of a process


class Connection(asyncpg.Connection):
    """After two SELECTs the pool's RESET is not needed. It would cost a round trip for each query."""

    async def reset(self, *, timeout=None):
        pass


# ---- the parent: it binds, forks, and ends its children

def main():
    host, _, port = os.environ.get("PEER_LISTEN", "127.0.0.1:0").rpartition(":")
    placeholder = listener(host, int(port))  # reserves the port until all children listen on it
    address = placeholder.getsockname()
    parent_is_alive, is_alive = os.pipe()  # children read its end when the parent ends in any way
    ready, is_ready = os.pipe()
    children = []
    for _ in range(PROCESSES):
        pid = os.fork()
        if pid == 0:
            os.close(is_alive)
            uvloop.install()
            asyncio.run(serve(address, parent_is_alive, is_ready))
            os._exit(0)
        children.append(pid)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    for _ in range(PROCESSES):
        os.read(ready, 1)
    placeholder.close()
    print(json.dumps({"event": "listening", "address": "%s:%d" % address}), file=sys.stderr, flush=True)
    try:
        os.wait()  # no child ends by itself
    finally:
        for pid in children:
            os.kill(pid, signal.SIGTERM)


def listener(host, port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind((host, port))
    return sock


# ---- a child

async def serve(address, parent_is_alive, is_ready):
    pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=CONNECTIONS, max_size=CONNECTIONS,
                                     connection_class=Connection, max_inactive_connection_lifetime=0,
                                     server_settings={"jit": "off", "plan_cache_mode": "force_generic_plan"})
    app = web.Application()
    app["pool"] = pool
    app.router.add_get("/articles/{id}", article_get)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.SockSite(runner, listener(*address), backlog=1024).start()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(parent_is_alive, ended.set)
    gc.freeze()  # these objects are never freed: the collector need not visit them
    gc.set_threshold(20_000, 20, 20)
    os.write(is_ready, b"1")
    await ended.wait()


async def article_get(request):
    text = request.match_info["id"]
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 19 else 0
    if not 0 < number < 2**63:
        return problem(request, 400, "bad-article-id", "Bad article id",
                       "An article is named by its id, a positive number of 64 bits, or by its slug.")
    pool = request.app["pool"]
    article, cards = await asyncio.gather(pool.fetchrow(ARTICLE, number), pool.fetch(RELATED, number))
    if article is None or article["status"] == "draft":
        return problem(request, 404, "no-such-article", "No such article", "There is no article with this id.")
    if article["status"] == "withdrawn":
        return problem(request, 410, "article-withdrawn", "Article withdrawn", "This article was withdrawn.")
    if IS_READ_MODEL:
        return answer(request, '{"article":%s,"related_articles":[%s]}' % (article[1], cards[0][0] or ""))
    return answer(request, encode({"article": article_json(article), "related_articles": [card_json(c) for c in cards]}))


# ---- JSON

def article_json(row):
    (number, _, slug, title, summary, body, *image, section_slug, section_name, author_slugs, author_names,
     tag_slugs, tag_names, language, corrections, published_at, updated_at, version) = row
    return {"id": number, "slug": slug, "title": title, "summary": summary, "body": body,
            "image": image_json(*image), "section": {"slug": section_slug, "name": section_name},
            "authors": [{"slug": s, "name": n} for s, n in zip(author_slugs, author_names)],
            "tags": [{"slug": s, "name": n} for s, n in zip(tag_slugs, tag_names)],
            "language": language,
            "corrections": [{"text": c["text"], "at": c["at"]} for c in ujson.loads(corrections)],
            "published_at": time_json(published_at), "updated_at": time_json(updated_at), "version": version}


def card_json(row):
    number, slug, title, summary, *image, section_slug, section_name, published_at = row
    return {"id": number, "slug": slug, "title": title, "summary": summary,
            "image": image_json(*image), "section": {"slug": section_slug, "name": section_name}, "published_at": time_json(published_at)}


def image_json(url, alt, credit, width, height):
    return url and {"url": url, "alt": alt, "credit": credit, "width": width, "height": height}


def time_json(time):
    """RFC 3339. The fraction has no digit, three or six: as many as the time needs."""
    us = time.microsecond
    return time.isoformat(timespec="seconds" if us == 0 else "microseconds" if us % 1000 else "milliseconds")[:-6] + "Z"


def encode(value):
    return ujson.dumps(value, ensure_ascii=False, escape_forward_slashes=False)


def answer(request, text, status=200, content_type="application/json"):
    body = text.encode()
    headers = {"Content-Type": content_type}
    if len(body) >= 1024 and "gzip" in request.headers.get("Accept-Encoding", ""):
        body = gzip.compress(body, compresslevel=1, mtime=0)
        headers["Content-Encoding"], headers["Vary"] = "gzip", "Accept-Encoding"
    return web.Response(body=body, status=status, headers=headers)


def problem(request, status, name, title, detail):
    document = {"type": f"urn:broadsheet:problem:{name}", "title": title, "status": status, "detail": detail,
                "instance": request.path}
    return answer(request, encode(document), status, "application/problem+json")


main()
