"""bench/peer_programs.py - the peers of bench/peers/: builds them in build/peers/, and starts them."""
import os
import pathlib
import re
import shutil
import typing

import harness
from harness import Failure, Program, run

SOURCES = harness.BENCH / "peers"
STATEMENTS = SOURCES / "statements"  # a folder for each set of statements
WAYS = sorted(folder.name for folder in STATEMENTS.iterdir())
BUILT = harness.ROOT / "build" / "peers"
DEBIAN_PATH = "/usr/bin:/bin"  # without programs that a user has installed elsewhere


class Peer(typing.NamedTuple):
    name: str
    title: str
    build: typing.Callable[[], None]  # raises a Failure with the reason
    command: list
    versions: typing.Callable[[], str]


# ---- Python

PYTHON = "/usr/bin/python3"


def build_aiohttp():
    run(PYTHON, "-c", "import aiohttp, asyncpg, ujson, uvloop")


def aiohttp_versions():
    return python_versions("aiohttp", "asyncpg", "uvloop", "ujson")


def python_versions(*names):
    return ", ".join([f"Python {run(PYTHON, '--version').split()[1]}", *(f"{name} {debian(f'python3-{name}')}" for name in names)])


# ---- Node

def build_fastify():
    install("fastify")


def install(name):
    """Installs the packages of a program for Node, and returns its folder. Does not ask the registry if the same packages are
    installed already."""
    folder = copied(name)
    installed, wanted = folder / "installed", (folder / "package-lock.json").read_text()
    if not installed.exists() or installed.read_text() != wanted:
        installed.unlink(missing_ok=True)
        run("npm", "ci", "--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts", "--silent")
        installed.write_text(wanted)
    return folder


def fastify_versions():
    lock = (SOURCES / "fastify" / "package.json").read_text()
    return ", ".join([f"Node {run('node', '--version').strip().lstrip('v')}",
                      *(f"{title} {re.search(rf'{name}.: .([0-9.]+)', lock)[1]}" for name, title in
                        (("fastify", "Fastify"), ("postgres", "postgres.js")))])


# ---- Go

def build_go():
    environment = {"PATH": DEBIAN_PATH, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": "",
                   "GOCACHE": str(BUILT / "go-cache")}
    run("/usr/bin/go", "build", "-o", BUILT / "go" / "peer", "./bench/peers/go", env=environment)


def go_versions():
    return f"Go {run('/usr/bin/go', 'version').split()[2].lstrip('go')}, pgx {debian('golang-github-jackc-pgx-v4-dev')}"


# ---- Rust

def build_rust():
    """All crates come from Debian. The lock file of cargo names their versions on this machine."""
    folder = copied("rust")
    environment = {"PATH": DEBIAN_PATH, "CARGO_HOME": str(folder / ".cargo"), "CARGO_TARGET_DIR": str(folder / "target")}
    run("/usr/bin/cargo", "build", "--release", "--quiet", "--manifest-path", folder / "Cargo.toml", env=environment)


def rust_versions():
    lock = (BUILT / "rust" / "Cargo.lock").read_text()
    return ", ".join([f"rustc {run('/usr/bin/rustc', '--version').split()[1]}",
                      *(f"{name} " + re.search(rf'name = "{name}"\nversion = "([^"]+)"', lock)[1]
                        for name in ("hyper", "tokio", "tokio-postgres", "serde_json"))])


PEERS = [
    Peer("aiohttp", "aiohttp + asyncpg", build_aiohttp, [PYTHON, SOURCES / "aiohttp" / "server.py"], aiohttp_versions),
    Peer("fastify", "Fastify + postgres.js", build_fastify, ["node", BUILT / "fastify" / "server.js"], fastify_versions),
    Peer("go", "Go + pgx", build_go, [BUILT / "go" / "peer"], go_versions),
    Peer("rust", "hyper + tokio-postgres", build_rust, [BUILT / "rust" / "target" / "release" / "peer"], rust_versions),
]


def build(peer):
    """Returns None, or the reason why it cannot be built here."""
    try:
        (BUILT / peer.name).mkdir(parents=True, exist_ok=True)
        peer.build()
    except FileNotFoundError as missing:
        return f"{missing.filename} is not installed"
    except Failure as failure:
        return str(failure).strip()
    return None


def start(peer, url, way):
    """way: a folder of STATEMENTS."""
    return Program(*peer.command, env={"DATABASE_URL": url, "PEER_LISTEN": "127.0.0.1:0",
                                       "PEER_STATEMENTS": str(STATEMENTS / way), "NODE_ENV": "production"})


def copied(name):
    """Returns a folder to build in. Equal files keep their times, because compilers check these."""
    for source in SOURCES.joinpath(name).rglob("*"):
        copy = BUILT / name / source.relative_to(SOURCES / name)
        if source.is_file() and not (copy.exists() and copy.read_bytes() == source.read_bytes()):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy)
    return BUILT / name


def debian(package):
    return re.match(r"(?:\d+:)?([\d.]+)", run("dpkg-query", "-W", "-f", "${Version}", package))[1]


if __name__ == "__main__":  # prints which peers can be built here
    for one in PEERS:
        print(one.title + ":", build(one) or pathlib.Path(os.fspath(one.command[-1])))
