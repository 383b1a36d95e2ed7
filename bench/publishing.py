"""bench/publishing.py - how long until readers see what was committed?

    psql: commit --> two servers, each under load and each asked again and again --> the first new answer of both

The time runs from when psql has heard of its commit until the later of the two has answered anew, that answer included."""
import http.client
import json
import statistics
import subprocess
import threading
import time

import harness
from harness import Process, Program

CLIENTS = 16  # that read at random from each server meanwhile
LOAD_SECONDS = 900  # at most
DEADLINE_SECONDS = 10
SETTLE_SECONDS = 60

# What was published, by the indexes of the queue: a backlog of others may stand in it by the ten thousand.
WAITING = """select (select count(*) from related_queue where spread and turn = 0)
    + (select count(*) from related_queue where not spread and article_id % 4 in (0, 1, 2, 3) and turn = 0)"""


def measure(site, rounds):
    """{change: [ms, ...]}, a figure a round."""
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
            raise harness.Failure(f"the load has ended before the measuring, within {LOAD_SECONDS} s")
        return times
    finally:
        for process in (*clients, editor.process, *servers):
            process.end()


class Editor:
    """A psql that stays."""

    def __init__(self, site):
        self.process = Process("psql", "-XAtqw", "-v", "ON_ERROR_STOP=1", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               env=site.environment())

    def commit(self, sql):
        """Runs it, as one transaction. Returns its first line, and the time at which it was committed."""
        said = []
        try:
            self.process.popen.stdin.write(f"begin; {sql}; commit;\n\\echo .\n")
            self.process.popen.stdin.flush()
            for line in self.process.popen.stdout:
                if line == ".\n":
                    return (said or [""])[0], time.monotonic()
                said.append(line.rstrip("\n"))
        except BrokenPipeError:
            pass
        raise harness.Failure(f"psql has ended at: {sql}")


def settle(site):
    """Waits until the lists of what was changed are made; those of others may wait still."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while int(site.query(WAITING)) > 0:
        if time.monotonic() > deadline:
            raise harness.Failure(f"the queue of related lists has not been worked off in {SETTLE_SECONDS} s")
        time.sleep(0.1)


def seen(servers, path, is_new, since):
    """Milliseconds from `since` until each server has given a new answer."""
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
        raise harness.Failure(f"{path} is as it was {DEADLINE_SECONDS} s after a change")
    return round((max(times) - since) * 1000, 2)


# ---- what is changed

def edit(editor, servers, site, n):
    """A title, in the article's own answer."""
    article, title = 1 + n * 7919 % site.articles, f"Edited {n}"
    warm(servers, article)
    _, since = editor.commit(f"update articles set title = '{title}', version = version + 1 where id = {article}")
    return seen(servers, f"/articles/{article}", lambda status, a: status == 200 and a["article"]["title"] == title, since)


def card(editor, servers, site, n):
    """A title, in the answer of another article that shows it."""
    article, shown = shown_beside(servers, site, n)
    title = f"Shown {n}"
    _, since = editor.commit(f"update articles set title = '{title}', version = version + 1 where id = {shown}")
    return seen(servers, f"/articles/{article}",
                lambda status, a: status == 200 and title in (c["title"] for c in a["related_articles"]), since)


def withdrawal(editor, servers, site, n):
    """From the answer of another article that shows it."""
    article, shown = shown_beside(servers, site, 1000 + n)
    _, since = editor.commit(f"update articles set status = 'withdrawn' where id = {shown}")
    took = seen(servers, f"/articles/{article}",
                lambda status, a: status == 200 and shown not in (c["id"] for c in a["related_articles"]), since)
    editor.commit(f"update articles set status = 'published' where id = {shown}")
    return took


def shown_beside(servers, site, n):
    """An article and the first of its list."""
    article, cards = n * 6007 % site.articles, []
    while not cards:
        article = article % site.articles + 1
        cards = warm(servers, article)["related_articles"]
    return article, cards[0]["id"]


def own_list(editor, servers, site, n):
    """A new article, until its related list is there too."""
    like = 1 + n * 3001 % site.articles
    article, since = editor.commit(
        "with new as (insert into articles (slug, section_id, published_at, title, summary, body)"
        f" select 'published-{time.time_ns()}', a.section_id, now(), a.title || ' again', a.summary, b.body"
        f" from articles a, articles b where a.id = {like} and b.id = {like} % {site.articles} + 1"
        " returning id, published_at), tagged as (insert into article_tags"
        f" select new.id, t.tag_id, new.published_at from new, article_tags t where t.article_id = {like})"
        " select id from new")
    took = seen(servers, f"/articles/{article}", lambda status, a: status == 200 and a["related_articles"], since)
    editor.commit(f"delete from articles where id = {article}")
    return took


def warm(servers, article):
    """So that both have it in memory. Its answer."""
    for server in servers:
        answer = json.loads(server.get([f"/articles/{article}"])[0][1])
    return answer


CHANGES = {edit: "an edit, in the article", card: "an edit, in the list of another article",
           withdrawal: "a withdrawal, in the list of another article", own_list: "a new article, until it has its own list"}


# ---- figures

def figures(times):
    """{change: {"median", "p95", "worst"}} in milliseconds."""
    return {change: {"median": round(statistics.median(ms), 2), "p95": round(statistics.quantiles(ms, n=20, method="inclusive")[-1], 2), "worst": max(ms)}
            for change, ms in times.items()}
