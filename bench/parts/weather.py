"""Part weather: how long it takes until the weather of many cities is there. A blocking loop (bench/weather_before.c), broadsheet weather,
aiohttp and undici fetch from the same endpoints (bench/weather_endpoints.c), each city at a host of its own, 127.x.y.z.

Writes results/weather.json, one object for each cell and program, and results/weather.run.json: the settings, the articles that are
served meanwhile, and the cost of a round in the server.

Environment: BENCH_ENDPOINTS (1000), the largest number of endpoints; BENCH_TIMES (5), how often each cell is measured."""
import json
import os
import pathlib
import statistics
import tempfile
import time

import harness
import peer_programs
from harness import Failure, Program, Site, load, note, setting
from report import Panel, number, plot, table

NAME = "weather"
ENDPOINTS = [1, 10, 100, 1000]
DELAYS_MS = [20, 200, 1000]
LONGEST_S = 120      # a cell that would take longer is left out
LONG_S = 10          # one that takes longer than this is measured once
BESIDE_S = 4         # load beside the fetches
BESIDE_ENDPOINTS = 450
ROUND_CITIES = 1000
PROGRAMS = {"before": "one after the other", "broadsheet": "Broadsheet", "aiohttp": "aiohttp, gather", "undici": "undici, allSettled"}


# ---- measuring

def measure():
    most, times = setting("BENCH_ENDPOINTS", 1000), setting("BENCH_TIMES", 5)
    undici = peer_programs.install("undici")
    port = Program(harness.BUILT / "bench" / "weather_endpoints", "0.0.0.0:0").address.rpartition(":")[2]
    rows, left_out = [], []
    with tempfile.TemporaryDirectory() as folder:
        for endpoints in [n for n in ENDPOINTS if n <= most]:
            for delay in DELAYS_MS:
                cities = write_cities(pathlib.Path(folder) / "cities.json", port, endpoints, delay)
                commands = commands_for(cities, undici)
                if endpoints * delay / 1000 > LONGEST_S:
                    del commands["before"]
                    left_out.append([endpoints, delay])
                for name, figures in cell(commands, endpoints, delay, times).items():
                    rows.append({"program": name, "endpoints": endpoints, "delay_ms": delay, **figures})
                    note(f"{endpoints} endpoints of {delay} ms, {PROGRAMS[name]}: {figures['seconds']:.3f} s, {figures['cpu_s']:.3f} s of "
                         f"CPU, {figures['memory_mb']:.0f} MB")
        run = {"machine": harness.machine(), "times": times, "left_out": left_out, "versions": versions(undici),
               **beside(port, pathlib.Path(folder), min(most, BESIDE_ENDPOINTS), undici),
               "round": one_round(port, pathlib.Path(folder), min(most, ROUND_CITIES))}
    harness.keep(NAME, rows)
    harness.keep(f"{NAME}.run", run)


def write_cities(path, port, endpoints, delay):
    path.write_text(json.dumps([
        {"name": f"c-{i}", "latitude": 1, "longitude": 2, "url": f"http://127.1.{i // 250}.{i % 250 + 1}:{port}/c-{i}?delay_ms={delay}"}
        for i in range(endpoints)]))
    return path


def commands_for(cities, undici):
    return {"before": [harness.BUILT / "bench" / "weather_before", cities],
            "broadsheet": [harness.BUILT / "broadsheet", "weather"],
            "aiohttp": [peer_programs.PYTHON, peer_programs.SOURCES / "aiohttp" / "weather.py", cities],
            "undici": ["node", undici / "weather.js", cities]}


def environment(cities):
    return {**os.environ, "BROADSHEET_WEATHER_CITIES": str(cities), "BROADSHEET_WEATHER_PARALLEL": "1000", "DATABASE_URL": "",
            "NODE_ENV": "production", "no_proxy": "*"}


def cell(commands, endpoints, delay, times):
    """The medians of several runs. The programs take turns."""
    runs = {name: [] for name in commands}
    for _ in range(times):
        for name, command in commands.items():
            is_long = name == "before" and endpoints * delay / 1000 > LONG_S
            if not runs[name] or not is_long:
                runs[name].append(one_run(command, environment(command[-1] if name != "broadsheet" else commands["aiohttp"][-1]), endpoints))
    return {name: {key: round(statistics.median(r[key] for r in found), 4) for key in found[0]} for name, found in runs.items()}


def one_run(command, env, endpoints):
    """Seconds from the start of the program to its end, its CPU seconds, and its peak of memory."""
    read, write = os.pipe()
    began = time.monotonic()
    pid = os.posix_spawnp(str(command[0]), [str(word) for word in command], env,
                          file_actions=[(os.POSIX_SPAWN_DUP2, write, 1), (os.POSIX_SPAWN_CLOSE, read)])
    os.close(write)
    with os.fdopen(read) as pipe:
        output = pipe.read()
    _, status, used = os.wait4(pid, 0)
    seconds = time.monotonic() - began
    found = json.loads(output) if status == 0 else {}
    good = found.get("good", sum("temperature_c" in city for city in found.get("weather", {}).values()))
    if good != endpoints:
        raise Failure(f"{pathlib.Path(str(command[-1])).name}: {good} of {endpoints} answers are good")
    return {"seconds": seconds, "fetching_s": found.get("seconds", seconds), "cpu_s": used.ru_utime + used.ru_stime,
            "memory_mb": used.ru_maxrss / 1024}


def beside(port, folder, endpoints, undici):
    """Articles that a server serves: without fetches, while it fetches itself, and while another program fetches beside it."""
    site = Site(setting("BENCH_ARTICLES", 20_000))
    cities = write_cities(folder / "beside.json", port, endpoints, 1000)
    rows = {}
    for name in ["nothing", "broadsheet", "aiohttp", "undici"]:
        settings = {"DATABASE_URL": site.url, "BROADSHEET_LISTEN": "127.0.0.1:0", "no_proxy": "*"}
        if name == "broadsheet":
            settings |= {"BROADSHEET_WEATHER_CITIES": str(cities), "BROADSHEET_WEATHER_EVERY_S": "1", "BROADSHEET_WEATHER_PARALLEL": "450"}
        program = Program(harness.BUILT / "broadsheet", "serve", env=settings)
        other = None
        try:
            load(program, 8, 1, 1, site.articles)
            if name in ("aiohttp", "undici"):
                command = commands_for(cities, undici)[name]
                other = harness.Process("sh", "-c", 'while "$@" >/dev/null; do :; done', "sh", *command, env={"no_proxy": "*"})
            rows[name] = [load(program, 32, BESIDE_S, seed, site.articles) for seed in range(3)]
        finally:
            if other:
                other.end()
            program.end()
    found = {name: {key: statistics.median(r[key] for r in rounds) for key in ("rps", "p99_ms", "errors")} for name, rounds in rows.items()}
    for name, figures in found.items():
        note(f"articles beside the fetches of {name}: {figures['rps']:.0f} requests/s, p99 {figures['p99_ms']:.1f} ms")
    return {"beside": found, "beside_endpoints": endpoints}


def one_round(port, folder, n):
    """The cost of a round in a server that does nothing else: CPU seconds, and memory before and after."""
    cities = write_cities(folder / "round.json", port, n, 200)
    settings = {"DATABASE_URL": "postgresql://127.0.0.1:1/none", "BROADSHEET_LISTEN": "127.0.0.1:0", "no_proxy": "*"}
    figures = {}
    for name, more in (("without", {}), ("with", {"BROADSHEET_WEATHER_CITIES": str(cities)})):
        program = Program(harness.BUILT / "broadsheet", "serve", env=settings | more)
        try:
            end = time.monotonic() + 30
            while more and not any('"weather_round"' in line for line in program.last_lines) and time.monotonic() < end:
                time.sleep(0.05)
            time.sleep(1)
            figures[name] = {"cpu_s": program.cpu_seconds(), "memory_mb": program.memory_mb()}
        finally:
            program.end()
    cost = {"cities": n, "cpu_s": round(figures["with"]["cpu_s"] - figures["without"]["cpu_s"], 3),
            "memory_mb": round(figures["with"]["memory_mb"] - figures["without"]["memory_mb"], 1)}
    note(f"a round of {n} cities costs {cost['cpu_s']} s of CPU and {cost['memory_mb']} MB")
    return cost


def versions(undici):
    lock = json.loads((undici / "package.json").read_text())["dependencies"]
    return {"libcurl": peer_programs.debian("libcurl4-openssl-dev"), "aiohttp": peer_programs.aiohttp_versions(),
            "undici": f"Node {harness.run('node', '--version').strip().lstrip('v')}, undici {lock['undici']}"}


# ---- reporting

def report():
    """Returns the section of the report, from the figures of measure()."""
    rows, run = harness.kept(NAME), harness.kept(f"{NAME}.run")
    cells = {(r["program"], r["endpoints"], r["delay_ms"]): r for r in rows}
    endpoints, delays = (sorted({r[key] for r in rows}) for key in ("endpoints", "delay_ms"))
    draw(cells, endpoints, delays)
    return "\n\n".join([what_was_compared(run), *results(cells, endpoints, delays), *left_out(run), *costs(run)]), run


def what_was_compared(run):
    return f"""## Before and after: the weather of many cities

Each city has an HTTP endpoint with a host of its own ({number(run["times"])} runs of each cell, medians; the programs take turns). The
seconds are from the start of the program to its end, so they include the start of Python and Node; "fetching" is the part between the first
request and the last answer, as the program itself measures it (Broadsheet does not, so its figure is the whole program). Every program reads the same file, reads each answer as JSON, and checks it.

- **One after the other** ([weather_before.c](weather_before.c)): libcurl's blocking interface, one connection after the other.
- **Broadsheet**: `broadsheet weather`, libcurl {run["versions"]["libcurl"]} on the event loop, all fetches at the same time.
- **aiohttp** ([weather.py](peers/aiohttp/weather.py)): `asyncio.gather` over one session. {run["versions"]["aiohttp"]}.
- **undici** ([weather.js](peers/undici/weather.js)): `Promise.allSettled`. {run["versions"]["undici"]}.

![Seconds until all answers are there](results/weather.svg)"""


def results(cells, endpoints, delays):
    heads = ["endpoints", "delay, ms", "program", "seconds", "fetching", "of the delay", "CPU, s", "memory, MB"]
    for n in endpoints:
        rows = []
        for delay in delays:
            for name, title in PROGRAMS.items():
                r = cells.get((name, n, delay))
                if r:
                    rows.append([number(n), number(delay), title, number(r["seconds"]), number(r["fetching_s"]),
                                 number(r["fetching_s"] / (delay / 1000)), number(r["cpu_s"]), number(r["memory_mb"])])
        yield f"### {n:,} endpoint{'s' * (n > 1)}\n\n" + table(heads, rows)


def left_out(run):
    if run["left_out"]:
        cells = ", ".join(f"{n:,} of {delay} ms" for n, delay in run["left_out"])
        yield f"One after the other, these would take longer than {LONGEST_S} s, and are left out: {cells}."


def costs(run):
    beside = run["beside"]
    titles = {"nothing": "no fetches", "broadsheet": "Broadsheet's own, a round each second", "aiohttp": "aiohttp, again and again",
              "undici": "undici, again and again"}
    yield ("### Articles served meanwhile\n\n"
           f"A server answers 32 clients from its cache and the database, while {run['beside_endpoints']:,} endpoints of 1,000 ms are fetched:\n\n"
           + table(["fetches", "requests/s", "p99, ms", "errors"],
                   [[titles[name], number(f["rps"]), number(f["p99_ms"]), number(f["errors"])] for name, f in beside.items()]))
    cost = run["round"]
    yield (f"A round of {cost['cities']:,} cities takes {number(cost['cpu_s'])} s of CPU in the server, and {number(cost['memory_mb'])} MB of "
           "memory that stays (the cities, their readings, the report).")


def draw(cells, endpoints, delays):
    panels = [Panel(f"endpoints of {delay:,} ms",
                    {title: [(n, cells[name, n, delay]["seconds"]) for n in endpoints if (name, n, delay) in cells]
                     for name, title in PROGRAMS.items()}) for delay in delays]
    plot("weather", panels, "endpoints", "seconds until all answers are there", "beside")
