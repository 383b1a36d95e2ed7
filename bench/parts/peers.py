"""Part peers: the same answers from Broadsheet and from programs in other languages (bench/peers/), compared also with pgbench
(PostgreSQL alone) and with libh2o's answers from memory (bench/yardstick.c).

    build --> compare the answers --> choose the faster statements for each peer --> rounds: each scenario, each number of
                                                                                     connections, each system --> medians

Writes results/peers.json, one object for each cell, and results/peers.run.json, the settings.

Environment: BENCH_PEERS_SECONDS (2) for each cell, BENCH_PEERS_ROUNDS (4), BENCH_PEERS_ARTICLES (100000), DATABASE_URL."""
import statistics
import time
import typing

import harness
import peer_answers
import peer_programs
import peer_report
import pgbench
from harness import Program, Site, load, note, setting

NAME = "peers"
CONNECTIONS = [1, 64, 256, 1000]
HOT_ARTICLES = 1000  # all requests are for these
YARDSTICK, OURS = "yardstick", "broadsheet"


class Scenario(typing.NamedTuple):
    articles: int  # that are requested; 0: all
    cache_mb: int
    headers: tuple


SCENARIOS = {"cold": Scenario(0, 0, ()), "hot": Scenario(HOT_ARTICLES, 64, ()),
             "gzip": Scenario(HOT_ARTICLES, 64, ("Accept-Encoding: gzip",))}


# ---- measuring

def measure():
    seconds, rounds = setting("BENCH_PEERS_SECONDS", 2), setting("BENCH_PEERS_ROUNDS", 4)
    peers, missing = build()
    site = Site(setting("BENCH_PEERS_ARTICLES", 100_000))
    sizes = peer_answers.compare(site, peers, start_ours)
    trial = {peer.name: try_ways(site, peer, seconds) for peer in peers}
    trial.update({name: pgbench.try_ways(site, name, seconds) for name in pgbench.STYLES})
    ways = {name: max(rates, key=rates.get) for name, rates in trial.items()}
    run = {"machine": harness.machine(), "articles": site.articles, "seconds": seconds, "rounds": rounds,
           "answer_bytes": sizes, "missing": missing, "trial": trial, "ways": ways, "hot_articles": HOT_ARTICLES,
           "compared": peer_answers.COMPARED, "titles": {p.name: p.title for p in peer_programs.PEERS},
           "versions": {**harness.versions(site), **{p.name: p.versions() for p in peers}}}
    cells, began = {}, time.monotonic()
    for number in range(rounds):
        for scenario in SCENARIOS:
            one_round(site, peers, run, scenario, number, cells)
        left = (time.monotonic() - began) / (number + 1) * (rounds - number - 1)
        note(f"peers: round {number + 1} of {rounds} is done; {left / 60:.1f} minutes left")
    harness.keep(NAME, [summary(key, rows, cells) for key, rows in cells.items()])
    harness.keep(f"{NAME}.run", run)


def build():
    """Returns (the peers that can be built here, {name of another peer: the reason})."""
    note("building the peers: the first time takes minutes")
    missing = {peer.name: reason for peer in peer_programs.PEERS if (reason := peer_programs.build(peer))}
    for name, reason in missing.items():
        note(f"the peer {name} is left out: {reason}")
    return [peer for peer in peer_programs.PEERS if peer.name not in missing], missing


def start_ours(site, cache_mb):
    settings = {"DATABASE_URL": site.url, "BROADSHEET_LISTEN": "127.0.0.1:0", "BROADSHEET_CACHE_MB": str(cache_mb)}
    return Program(harness.BUILT / "broadsheet", "serve", env=settings)


def try_ways(site, peer, seconds):
    """Returns {way: requests per second}, of two turns each. A peer is measured with the faster statements."""
    rates = {way: [] for way in peer_programs.WAYS}
    for turn in range(2):
        for way in peer_programs.WAYS:
            program = peer_programs.start(peer, site.url, way)
            warm_up(program, site.articles, turn)
            rates[way].append(load(program, 64, seconds, turn, site.articles)["rps"])
            program.end()
    return {way: statistics.median(rows) for way, rows in rates.items()}


def warm_up(program, articles, seed, headers=()):
    load(program, 64, 1, 1_000_000 + seed, articles, headers)


# ---- a round

def one_round(site, peers, run, scenario, number, cells):
    """All programs run during the round, and one at a time has load. They take turns to be first."""
    articles, cache_mb, headers = SCENARIOS[scenario]
    articles = min(articles or site.articles, site.articles)
    size = run["answer_bytes"]["gzip" if headers else "identity"]
    programs = {YARDSTICK: Program(harness.BUILT / "bench" / "yardstick", "127.0.0.1:0", size),
                OURS: start_ours(site, cache_mb)}
    for peer in peers:
        programs[peer.name] = peer_programs.start(peer, site.url, run["ways"][peer.name])
    try:
        for program in programs.values():
            warm_up(program, articles, number, headers)
        for connections in CONNECTIONS:
            seconds = run["seconds"] * (2 if connections == max(CONNECTIONS) else 1)  # they include the time to connect
            for name in turned(list(programs), number):
                row = cell(site, programs[name], connections, seconds, number, articles, headers)
                cells.setdefault((scenario, connections, name), []).append(row)
            for name in pgbench.STYLES if scenario == "cold" and connections in pgbench.CONNECTIONS else []:
                row = pgbench.cell(site, name, run["ways"][name], connections, run["seconds"])
                cells.setdefault((scenario, connections, name), []).append(row)
    finally:
        for program in programs.values():
            program.end()


def turned(names, number):
    number %= len(names)
    return names[number:] + names[:number]


def cell(site, program, connections, seconds, number, articles, headers):
    server = site.server_pid()
    before = harness.family_cpu_seconds(server) if server else 0
    row = load(program, connections, seconds, number * 10_000 + connections, articles, headers)
    used = harness.family_cpu_seconds(server) - before if server else None
    answered = row["rps"] * seconds
    row["database_cpu_s_per_1000"] = round(used * 1000 / answered, 4) if answered and server else None
    if not answered:
        row["p50_ms"] = row["p99_ms"] = None  # no request was answered
    return row


def summary(key, rows, cells):
    """Returns the medians of a cell's rounds, the sum of its errors, and its ratio to the yardstick in each round."""
    scenario, connections, name = key
    row = {"scenario": scenario, "connections": connections, "system": name}
    for field in ("rps", "p50_ms", "p99_ms", "cpu_s_per_1000", "database_cpu_s_per_1000", "rss_mb", "wrk_core"):
        values = [r[field] for r in rows if r[field] is not None]
        row[field] = round(statistics.median(values), 4) if values else None
    row["errors"] = sum(r["errors"] for r in rows)
    yardstick = cells[scenario, connections, YARDSTICK]
    row["ratio"] = round(statistics.median(r["rps"] / y["rps"] for r, y in zip(rows, yardstick)), 4)
    row["rounds"] = [r["rps"] for r in rows]
    return row


def report():
    """Returns the section of the report, from the figures of measure()."""
    return peer_report.report(harness.kept(NAME), harness.kept(f"{NAME}.run"))
