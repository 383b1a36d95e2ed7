"""bench/pgbench.py - PostgreSQL alone with the two statements for one article at a time: no HTTP, no JSON, no merge."""
import pathlib
import resource
import statistics
import subprocess
import tempfile

import harness
import peer_programs
from harness import Process

STYLES = {"pgbench": 1, "pgbench-pipelined": 8}  # articles at the same time on a connection
WARM_UP_SECONDS = 1
CONNECTIONS = [1, 64]  # each is a backend; more cannot be compared with a server that has a pool


def cell(site, style, way, connections, seconds):
    """Returns figures like those of harness.load. A request is both statements for one article. The time of a pipeline is that of its last answer."""
    depth = STYLES[style]
    harness.SCRATCH.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=harness.SCRATCH) as folder:
        script = pathlib.Path(folder) / "script.sql"
        script.write_text(script_text(way, depth, site.articles))
        server = site.server_pid()
        before = harness.family_cpu_seconds(server) if server else 0
        own = used_by_children()
        pgbench = Process("pgbench", "-n", "-M", "prepared", "-j", 2 if connections > 1 else 1, "-c", connections,
                          "-T", seconds + WARM_UP_SECONDS, "-f", script, "-l", "--log-prefix", f"{folder}/log",
                          env={**site.environment(), "PGOPTIONS": "-c jit=off -c plan_cache_mode=force_generic_plan"},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output = pgbench.popen.communicate(timeout=seconds + 120)[0]
        pgbench.end()
        if pgbench.popen.returncode != 0:
            raise harness.Failure(f"pgbench failed:\n{output.strip()}")
        lines = [line.split() for log in pathlib.Path(folder).glob("log*") for line in log.read_text().splitlines()]
    database = harness.family_cpu_seconds(server) - before if server else None
    thousands = len(lines) * depth / 1000
    times_ms = sorted(last_times_ms(lines, seconds))
    return {"connections": connections, "rps": len(times_ms) * depth / seconds, "errors": 0, "rss_mb": None,
            "wrk_core": None, "p50_ms": statistics.median(times_ms) if times_ms else None,
            "p99_ms": times_ms[len(times_ms) * 99 // 100] if times_ms else None,
            "cpu_s_per_1000": (used_by_children() - own) / thousands if lines else None,
            "database_cpu_s_per_1000": database / thousands if lines and server else None}


def last_times_ms(lines, seconds):
    """Of the transactions that ended in the last seconds. Before, each connection prepares its statements."""
    ended = [int(line[4]) + int(line[5]) / 1e6 for line in lines]
    first = max(ended, default=0) - seconds
    return [int(line[2]) / 1000 for line, end in zip(lines, ended) if end > first]


def script_text(way, depth, articles):
    statements = [(peer_programs.STATEMENTS / way / f"{name}.sql").read_text() for name in ("article", "related")]
    lines = [f"\\set id{i} random(1, {articles})" for i in range(depth)]
    if depth > 1:
        lines.append("\\startpipeline")
    for i in range(depth):
        lines += [statement.strip().replace("$1", f":id{i}") + ";" for statement in statements]
    if depth > 1:
        lines.append("\\endpipeline")
    return "\n".join(lines) + "\n"


def used_by_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def try_ways(site, style, seconds):
    """Returns {way: articles per second}, of two turns each."""
    rates = {way: [] for way in peer_programs.WAYS}
    for _ in range(2):
        for way in peer_programs.WAYS:
            rates[way].append(cell(site, style, way, 4, seconds)["rps"])
    return {way: statistics.median(rows) for way, rows in rates.items()}
