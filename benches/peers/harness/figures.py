"""What is not measured under load: memory, time to the first answer, instructions, build and size."""
import os
import re
import signal
import socket
import subprocess
import time
from itertools import product

from . import load
from .build import clean_build, fetch, tool
from .measure import quantile
from .places import BIN, LOGS
from .scenarios import POST, Scenario
from .server import Server, warn


def memory(peers, conns):
    """With idle keep-alive connections after one request each."""
    return held(peers, "http", {"conns": conns}, "/plaintext")


def ws_memory(peers, conns):
    """With idle WebSocket connections; compressed where the server can, though nothing has been sent."""
    return held(peers, "ws", {"conns": conns, "websocket": 1}, "/ws")


def held(peers, needs, options, path):
    """KiB at the start and with the connections, and how many these were."""
    rows = {}
    for peer in peers:
        if needs not in peer.can.split():
            continue
        server = None
        try:
            server = Server(peer).wait()
            time.sleep(0.3)  # until it has settled
            start = server.memory()
            with load.started("idle", server.port, path, options) as idle:
                load.expect(idle, "idle=")
                time.sleep(0.5)
                rows[peer.name] = (start, server.memory(), options["conns"])
        except (RuntimeError, OSError) as error:
            warn(f"{peer.name}: {error}")
        finally:
            if server:
                server.stop()
    return rows


def startup(peers, rounds):
    """From the start of the process to the first answer: milliseconds, and milliseconds of CPU time."""
    rows = {}
    for _ in range(rounds):
        for peer in peers:
            if "http" in peer.can.split():
                try:
                    rows.setdefault(peer.name, []).append(first_answer(peer))
                except OSError as error:
                    warn(f"{peer.name}: {error}")
    return {name: [quantile(column, 0.15) for column in zip(*taken)] for name, taken in rows.items()}


def first_answer(peer):
    start = time.monotonic()
    server = Server(peer)
    try:
        while True:
            try:
                sock = socket.create_connection(("127.0.0.1", server.port), 1)
                break
            except ConnectionRefusedError:
                if server.process.poll() is not None or time.monotonic() - start > 20:
                    raise OSError("it does not listen") from None
        with sock:
            sock.sendall(b"GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n")
            sock.recv(4096)
        return (time.monotonic() - start) * 1000, server.cpu() * 1000
    finally:
        server.stop()


COUNTED = {
    "plain": Scenario("http", "closed", "/plaintext"),
    "json": Scenario("param", "closed", "/json"),
    "params": Scenario("param", "closed", f"/users/{POST}"),
    "table": Scenario("table", "closed", f"/table150/{POST}"),
    "layers": Scenario("layers", "closed", "/layered/plaintext"),
    "pipelined": Scenario("pipelined", "closed", "/plaintext", {"depth": 16}),
    "ws-64": Scenario("ws", "websocket", "/ws", {"payload": 64}),
    "ws-64-deep": Scenario("ws", "websocket", "/ws", {"payload": 64, "depth": 16}),
}
"""What instructions are counted of; one connection."""

CALLS = ("plain", "pipelined", "ws-64", "ws-64-deep")
"""What system calls are counted of."""

UNTRACED = ("io_uring", "may-minihttp", "ntex-uring", "nginx", "uvicorn", "granian")
"""Valgrind knows neither io_uring nor coroutines with stacks of their own; the others fork."""


def counts(peers):
    """User-space instructions and system calls of a request: exact where times are not."""
    tools = [name for name in ("valgrind", "strace") if tool(name, "a part of `counts`")]
    rows = {}
    for peer in peers:
        if peer.name in UNTRACED:
            continue
        row = {}
        jobs = [(what, "valgrind") for what in COUNTED] + [(what, "strace") for what in CALLS]
        for what, name in jobs:
            if name in tools and COUNTED[what].needs in peer.can.split():
                try:
                    row[what if name == "valgrind" else f"{what} calls"] = count(peer, COUNTED[what], name)
                except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
                    warn(f"{peer.name} {what}: {error}")
        if row:
            rows[peer.name] = row
    return rows


def count(peer, scenario, name):
    """By the difference of two loads, so that the start does not count."""
    depth = scenario.options.get("depth", 1)
    few, many = (traced(peer, scenario, name, n * depth) for n in (100, 500))
    return (many[1] - few[1]) / (many[0] - few[0])


def traced(peer, scenario, name, requests):
    """Requests answered, and what was counted."""
    out = LOGS / f"{name}-{peer.name}.out"
    wrapper = {"valgrind": ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", f"--log-file={out}"],
               "strace": ["strace", "-f", "-c", "-U", "calls", "-o", str(out)]}[name]
    server = Server(peer, wrapper=wrapper).wait()
    try:
        answered = load.run(scenario, server, 60, conns=1, count=requests).requests
    finally:
        if name == "strace":  # which passes no signal on, and ends when its child does
            for pid in server.pids()[1:]:
                os.kill(pid, signal.SIGTERM)
            try:
                server.process.wait(5)
            except subprocess.TimeoutExpired:
                for pid in server.pids()[1:]:
                    os.kill(pid, signal.SIGKILL)
                server.process.wait(5)
        else:
            server.stop(20)
    counted = re.search({"valgrind": r"Collected : (\d+)", "strace": r"(\d+)\s+total"}[name], out.read_text())
    if not counted:
        raise RuntimeError(f"{name} has counted nothing; see {out}")
    return answered, int(counted[1])


def size(peers):
    """The programs as they are."""
    return {peer.name: os.path.getsize(BIN / peer.name) for peer in peers if peer.package}


PROFILES = {"plain": "as cargo has it", "release": "fat LTO"}
"""The release profile as cargo has it, and the one that everything here is built with."""

BUILDS = 2
"""The cheaper one counts."""


def clean(peers):
    """A program that answers one text, built from nothing by each profile: seconds of CPU time and bytes."""
    fetch()
    hellos, taken = [peer.hello for peer in peers if peer.hello], {}
    for _, hello, profile in product(range(BUILDS), hellos, PROFILES):
        try:
            taken.setdefault(hello, {}).setdefault(profile, []).append(clean_build(hello, profile))
        except subprocess.CalledProcessError as error:
            warn(f"{hello}: {error.stderr[-300:].decode()}")
    return {hello: {profile: min(built) for profile, built in of.items()} for hello, of in taken.items()}
