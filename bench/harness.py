"""bench/harness.py - the functions that all parts of the benchmark use.

    Site: a database with a corpus --> Program, Relay: processes that end with ours --> load: wrk --> figures

All programs listen on 127.0.0.1. When the run ends, also by Ctrl-C or a failure, it ends each process that it has
started, by the process id."""
import atexit
import datetime
import hashlib
import http.client
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
BENCH = ROOT / "bench"
RESULTS = BENCH / "results"
BUILT = ROOT / "build" / "release"
SCRATCH = ROOT / ".local" / "bench"

START_SECONDS = 30  # within this time a program must listen
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class Failure(Exception):
    """A message for the user."""


class NotMeasured(Failure):
    """There are no figures yet."""


def note(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def setting(name, default, kind=int):
    """Returns the number in an environment variable, or the default."""
    text = os.environ.get(name, "")
    try:
        return kind(text) if text else default
    except ValueError:
        raise Failure(f"{name} is \"{text}\", which is not a number") from None


def run(*command, **kw):
    """Returns the output of a command. The command must succeed."""
    p = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False, **kw)
    if p.returncode != 0:
        tail = "\n".join(p.stderr.strip().splitlines()[-10:])
        raise Failure(f"{pathlib.Path(str(command[0])).name} failed with status {p.returncode}:\n{tail}")
    return p.stdout


# ---- processes

_started = []


def _end_all():
    for process in reversed(_started):
        process.end()


def end_with_us():
    """Makes signals end the run like an exit, so that functions registered with atexit run. Call it once, first."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # for wrk: each connection is a file
    atexit.register(_end_all)

    def on_signal(number, _):
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)


class Process:
    """A process that ends with this one: by its id at exit, and by the kernel if this one is killed."""

    def __init__(self, *command, env=None, **kw):
        command = ["setpriv", "--pdeathsig=TERM", *map(str, command)]
        self.popen = subprocess.Popen(command, cwd=ROOT, text=True, env={**os.environ, **(env or {})},
                                      **{"stdin": subprocess.DEVNULL, **kw})
        self.pid = self.popen.pid
        _started.append(self)

    def end(self):
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(10)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        if self in _started:
            _started.remove(self)


class Program(Process):
    """A server that logs {"event":"listening","address":...} on stderr."""

    def __init__(self, *command, env=None):
        super().__init__(*command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.address, self.last_lines = None, []
        self.is_up = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()
        if not self.is_up.wait(START_SECONDS) or not self.address:
            raise Failure(f"{pathlib.Path(str(command[0])).name} does not listen:\n" + "\n".join(self.last_lines))

    def _read(self):
        for line in self.popen.stderr:
            self.last_lines = [*self.last_lines[-9:], line.rstrip()]
            if '"listening"' in line and not self.address:
                self.address = json.loads(line)["address"]
                self.is_up.set()
        self.is_up.set()  # it has ended

    def pids(self):
        """Returns the ids of its process and of the processes that it has forked."""
        pids = [self.pid]
        for pid in pids:
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                pids += map(int, (task / "children").read_text().split())
        return pids

    def cpu_seconds(self):
        """User and system time of all threads of all its processes."""
        return sum(cpu_seconds(pid) for pid in self.pids())

    def memory_mb(self):
        """Proportional set size: pages that processes share count once."""
        kb = 0
        for pid in self.pids():
            kb += int(re.search(r"^Pss:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)[1])
        return kb / 1024

    def get(self, paths):
        """Returns [(status, body)] of GETs, in sequence on one connection."""
        connection = http.client.HTTPConnection(self.address, timeout=30)
        answers = []
        for path in paths:
            connection.request("GET", path)
            answer = connection.getresponse()
            answers.append((answer.status, answer.read()))
        connection.close()
        return answers


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def family_cpu_seconds(pid):
    """Of a process and of its children, also of those that have ended."""
    used = cpu_seconds(pid)
    for child in map(int, pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
        try:
            used += cpu_seconds(child)
        except (FileNotFoundError, ProcessLookupError):
            pass  # it has just ended, and is counted below
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return used + (int(fields[13]) + int(fields[14])) / CLOCK_TICKS


class Relay(Process):
    """The same database at self.url, with delay_ms added to each round trip."""

    def __init__(self, site, delay_ms):
        super().__init__(BUILT / "bench" / "relay", 0, site.port, delay_ms, stdout=subprocess.PIPE)
        found = re.search(r"127\.0\.0\.1:(\d+) is", self.popen.stdout.readline())
        if not found:
            raise Failure("the relay has not started")
        self.url = site.url_at(int(found[1]))


# ---- the database

class Site:
    """A database with `articles` made-up articles: the one of url or of DATABASE_URL, or a private one."""

    def __init__(self, articles, url=""):
        self.articles = articles
        self.url = url or os.environ.get("DATABASE_URL", "")
        is_private, is_filled = not self.url, False
        if not self.url:
            is_filled = self._start_cluster()
        self._parts = urllib.parse.urlsplit(self.url)
        if self._parts.scheme not in ("postgresql", "postgres") or self._parts.hostname not in ("127.0.0.1", "localhost"):
            raise Failure("DATABASE_URL must have the form postgresql://USER:PASSWORD@127.0.0.1:PORT/DATABASE here: the load "
                          "stays on this machine, and a relay simulates the distance of the database")
        self.port = self._parts.port or 5432
        if not is_filled:
            note(f"loading {articles:,} made-up articles")
            run("./dev", "corpus", articles, env={**os.environ, "DATABASE_URL": self.url})
            if is_private:
                CORPUS_MADE_OF.write_text(made_of(articles))
        # Reads all into memory, as on a site in use: PostgreSQL reads the whole text to count its characters.
        for column, relation in (("document", "article_views"), ("cards", "related_views"), ("body", "articles")):
            self.query(f"select sum(length({column})) from {relation}")

    def _start_cluster(self):
        """Returns true if it already holds the corpus that the present sources would make."""
        cluster = SCRATCH / "cluster"
        SCRATCH.mkdir(parents=True, exist_ok=True)
        is_filled = CORPUS_MADE_OF.exists() and CORPUS_MADE_OF.read_text() == made_of(self.articles)
        if not is_filled:
            CORPUS_MADE_OF.unlink(missing_ok=True)
            run("tools/cluster", "destroy", cluster)
        note("starting a private PostgreSQL")
        self.url = start_cluster(cluster)
        atexit.register(subprocess.run, [str(ROOT / "tools/cluster"), "stop", str(cluster)], check=False)
        return is_filled

    def url_at(self, port):
        credentials = self._parts.netloc.rpartition("@")[0]
        netloc = f"{credentials}@127.0.0.1:{port}" if credentials else f"127.0.0.1:{port}"
        return urllib.parse.urlunsplit(self._parts._replace(netloc=netloc))

    def query(self, sql):
        """Returns the result as psql prints it."""
        return run("psql", "-XAtqw", "-v", "ON_ERROR_STOP=1", "-c", sql, env=self.environment()).strip()

    def environment(self):
        return environment_of(self.url)

    def server_pid(self):
        """Returns the id of PostgreSQL's first process, or None if it is not visible, as in a container."""
        pid = self.query("select pid from pg_stat_activity where backend_type = 'checkpointer'")
        try:
            name, _, rest = pathlib.Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
        except FileNotFoundError:
            return None
        return int(rest.split()[1]) if name == "postgres" else None


def environment_of(url):
    """Returns the environment that gives psql, pgbench and similar programs the address, because every user of the machine
    can read a command line. The URL names a database on this machine, as Site requires."""
    parts = urllib.parse.urlsplit(url)
    return {**os.environ, "DATABASE_URL": url, "PGHOST": "127.0.0.1", "PGPORT": str(parts.port or 5432), "PGCONNECT_TIMEOUT": "10",
            "PGUSER": urllib.parse.unquote(parts.username or ""), "PGDATABASE": parts.path.strip("/"),
            "PGPASSWORD": urllib.parse.unquote(parts.password or "")}


def start_cluster(folder, *options):
    """Returns its URL. PostgreSQL gets a quarter of the memory, as its manual advises, and a gigabyte at most."""
    quarter_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**22
    return run("tools/cluster", "start", *options, "--memory", max(64, min(quarter_mb, 1024)), folder).splitlines()[-1]


CORPUS_MADE_OF = SCRATCH / "corpus"  # made_of() the corpus in the private cluster


def made_of(articles):
    """Returns a text that is another one if the corpus would be."""
    sources = [ROOT / "bench" / name for name in ("make_articles.c", "made_article.c", "random.c", "template.c", "words.h")]
    for folder in ("migrations", "import", "lists", "related"):
        sources += sorted(p for p in (ROOT / folder).rglob("*") if p.is_file())
    digest = hashlib.sha256(str(articles).encode())
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()


# ---- load

def load(program, connections, seconds, seed, articles, headers=()):
    """`connections` clients request random articles; each sends its next request when it has its answer. Returns the
    figures of wrk (load.lua), and the processor time and memory that the program used meanwhile."""
    wrk = Process("wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "--latency",
                  *(word for header in headers for word in ("-H", header)), "-s", BENCH / "load.lua", f"http://{program.address}", "--", seed, articles,
                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    before, memory, own = program.cpu_seconds(), [], []
    began = time.monotonic()
    try:
        for share in (0.5, 0.75, 0.95):
            time.sleep(max(0, began + share * seconds - time.monotonic()))
            memory.append(program.memory_mb())
            own.append((time.monotonic(), cpu_seconds(wrk.pid)))
        output = wrk.popen.communicate(timeout=seconds + 120)[0]
        used = program.cpu_seconds() - before
    except (FileNotFoundError, ProcessLookupError, TypeError):  # /proc has no such process
        raise Failure("the program has ended under load:\n" + "\n".join(program.last_lines)) from None
    wrk.end()
    found = re.search(r"^RESULT (\{.*\})$", output, re.M)
    if not found:
        raise Failure(f"wrk failed:\n{output.strip()}")
    result = json.loads(found[1])
    good = result["requests"] - result["bad_status"]
    return {"connections": connections, "rps": round(good / result["seconds"], 1),
            "p50_ms": result["p50_ms"], "p99_ms": result["p99_ms"],
            "errors": result["bad_status"] + result["socket_errors"],
            "cpu_s_per_1000": round(used * 1000 / good, 4) if good else None,
            "rss_mb": round(max(memory), 1),
            "wrk_core": round((own[-1][1] - own[0][1]) / (own[-1][0] - own[0][0]), 2)}  # share of a core, in the second half


# ---- the machine

def machine():
    """Returns the facts about the machine that a reader needs to judge the figures."""
    cpu = pathlib.Path("/proc/cpuinfo").read_text()
    memory = pathlib.Path("/proc/meminfo").read_text()
    system = pathlib.Path("/etc/os-release").read_text()
    return {"processor": (re.search(r"^model name\s*:\s*(.*)$", cpu, re.M) or ["", "unknown"])[1],
            "cores": os.cpu_count(),
            "memory_gb": round(int(re.search(r"^MemTotal:\s+(\d+)", memory, re.M)[1]) / 2**20, 1),
            "kernel": os.uname().release,
            "system": re.search(r'^PRETTY_NAME="?([^"\n]*)', system, re.M)[1],
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")}


def versions(site):
    def package(name):
        return re.match(r"[\d.]+", run("dpkg-query", "-W", "-f", "${Version}", name))[0]
    return {"broadsheet": run(BUILT / "broadsheet", "--version").split()[-1],
            "PostgreSQL": site.query("show server_version").split()[0], "shared_buffers": site.query("show shared_buffers"),
            "libh2o": package("libh2o-evloop-dev"), "libpq": package("libpq-dev"), "json-c": package("libjson-c-dev"),
            "gcc": run("gcc", "-dumpfullversion").strip(), "wrk": package("wrk")}


def keep(name, rows):
    """Writes results/NAME.json, with a line for each row."""
    RESULTS.mkdir(exist_ok=True)
    if isinstance(rows, list):
        text = "[\n" + ",\n".join("  " + json.dumps(row) for row in rows) + "\n]\n"
    else:
        text = json.dumps(rows, indent=2) + "\n"
    (RESULTS / f"{name}.json").write_text(text)


def kept(name):
    path = RESULTS / f"{name}.json"
    if not path.exists():
        raise NotMeasured(f"bench/results/{name}.json is missing: measure first, with ./dev bench")
    return json.loads(path.read_text())
