"""bench/publishing.py - the time from a commit until readers see the change.

    psql: commit --> two servers, each under load, each with a client that repeats its request --> the first new answer of both

The time begins when psql has the result of its commit. It ends when both servers have sent the new answer."""
import http.client
import json
import statistics
import subprocess
import threading
import time

import harness
from harness import Process, Program

CLIENTS = 16  # of each server; they request random articles meanwhile
LOAD_SECONDS = 900  # at most
DEADLINE_SECONDS = 10
SETTLE_SECONDS = 60

# Only articles that were published (turn 0), by the indexes of the queue: it may also hold ten thousand others.
WAITING = """select (select count(*) from related_queue where needs_reading and turn = 0)
    + (select count(*) from related_queue where not needs_reading and article_id % 4 in (0, 1, 2, 3) and turn = 0)"""


def measure(site, rounds):
    """Returns {change: [ms, ...]}, with a figure for each round."""
    env = {"DATABASE_URL": site.url, "BROADSHEET_LISTEN": "127.0.0.1:0"}
    servers = [Program(harness.BUILT / "broadsheet", "serve", env=env) for _ in range(2)]
    clients = [Process("wrk", "-t1", f"-c{CLIENTS}", f"-d{LOAD_SECONDS}s", "-s", harness.BENCH / "load.lua", f"http://{server.address}",
                       "--", seed, site.articles, stdout=subprocess.DEVNULL) for seed, server in enumerate(servers)]
    editor = Editor(site)
    try:
        times = {}
        for change in CHANGES:
            times[change.__name__] = []
            for n in range(rounds):
                settle(site)
                times[change.__name__].append(change(editor, servers, site, n))
        if any(client.popen.poll() is not None for client in clients):
            raise harness.Failure(f"the load ended after {LOAD_SECONDS} s, before the measurement did")
        return times
    finally:
        for process in (*clients, editor.process, *servers):
            process.end()


class Editor:
    """A psql that keeps its connection."""

    def __init__(self, site):
        self.process = Process("psql", "-XAtqw", "-v", "ON_ERROR_STOP=1", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               env=site.environment())

    def commit(self, sql):
        """Runs sql as one transaction. Returns the first line of the result, and the time of the commit."""
        lines = []
        try:
            self.process.popen.stdin.write(f"begin; {sql}; commit;\n\\echo .\n")
            self.process.popen.stdin.flush()
            for line in self.process.popen.stdout:
                if line == ".\n":
                    return (lines or [""])[0], time.monotonic()
                lines.append(line.rstrip("\n"))
        except BrokenPipeError:
            pass
        raise harness.Failure(f"psql has ended at: {sql}")


def settle(site):
    """Waits until the lists of the changed articles are made. Lists of other articles may still wait."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while int(site.query(WAITING)) > 0:
        if time.monotonic() > deadline:
            raise harness.Failure(f"the queue of related lists has not been processed in {SETTLE_SECONDS} s")
        time.sleep(0.1)


def seen(servers, path, is_new, since):
    """Returns the milliseconds from `since` until both servers have sent a new answer."""
    times = [None] * len(servers)

    def ask(n):
        connection = http.client.HTTPConnection(servers[n].address, timeout=DEADLINE_SECONDS)
        while times[n] is None and time.monotonic() < since + DEADLINE_SECONDS:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            if answer.getheader("Related-Status", "ok") == "ok" and is_new(answer.status, json.loads(body)):
                times[n] = time.monotonic()
        connection.close()

    threads = [threading.Thread(target=ask, args=(n,), daemon=True) for n in range(len(servers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if None in times:
        raise harness.Failure(f"{path} has not changed {DEADLINE_SECONDS} s after a change")
    return round((max(times) - since) * 1000, 2)


# ---- the changes

def edit(editor, servers, site, n):
    """A title changes; seen in the answer of the article."""
    article, title = 1 + n * 7919 % site.articles, f"Edited {n}"
    warm(servers, article)
    _, since = editor.commit(f"update articles set title = '{title}', version = version + 1 where id = {article}")
    return seen(servers, f"/articles/{article}", lambda status, a: status == 200 and a["article"]["title"] == title, since)


def card(editor, servers, site, n):
    """A title changes; seen in the answer of another article that shows the card."""
    article, shown = shown_beside(servers, site, n)
    title = f"Shown {n}"
    _, since = editor.commit(f"update articles set title = '{title}', version = version + 1 where id = {shown}")
    return seen(servers, f"/articles/{article}",
                lambda status, a: status == 200 and title in (c["title"] for c in a["related_articles"]), since)


def withdrawal(editor, servers, site, n):
    """An article is withdrawn; seen in the answer of another article that showed the card."""
    article, shown = shown_beside(servers, site, 1000 + n)
    _, since = editor.commit(f"update articles set status = 'withdrawn' where id = {shown}")
    time_ms = seen(servers, f"/articles/{article}",
                lambda status, a: status == 200 and shown not in (c["id"] for c in a["related_articles"]), since)
    editor.commit(f"update articles set status = 'published' where id = {shown}")
    return time_ms


def shown_beside(servers, site, n):
    """Returns an article and the first article of its list."""
    article, cards = n * 6007 % site.articles, []
    while not cards:
        article = article % site.articles + 1
        cards = warm(servers, article)["related_articles"]
    return article, cards[0]["id"]


def own_list(editor, servers, site, n):
    """A new article; seen when its answer has its related list."""
    like = 1 + n * 3001 % site.articles
    article, since = editor.commit(
        "with new as (insert into articles (slug, section_id, published_at, title, summary, body)"
        f" select 'published-{time.time_ns()}', a.section_id, now(), a.title || ' again', a.summary, b.body"
        f" from articles a, articles b where a.id = {like} and b.id = {like} % {site.articles} + 1"
        " returning id, published_at), tagged as (insert into article_tags"
        f" select new.id, t.tag_id, new.published_at from new, article_tags t where t.article_id = {like})"
        " select id from new")
    time_ms = seen(servers, f"/articles/{article}", lambda status, a: status == 200 and a["related_articles"], since)
    editor.commit(f"delete from articles where id = {article}")
    return time_ms


def warm(servers, article):
    """Puts the article into the memory of both servers. Returns its answer."""
    for server in servers:
        answer = json.loads(server.get([f"/articles/{article}"])[0][1])
    return answer


CHANGES = {edit: "an edit, in the article", card: "an edit, in the list of another article",
           withdrawal: "a withdrawal, in the list of another article", own_list: "a new article, until it has its own list"}


# ---- figures

def figures(times):
    """Returns {change: {"median", "p95", "worst"}} in milliseconds."""
    return {change: {"median": round(statistics.median(ms), 2), "p95": round(statistics.quantiles(ms, n=20, method="inclusive")[-1], 2), "worst": max(ms)}
            for change, ms in times.items()}
