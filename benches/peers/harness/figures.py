"""What is not measured under load: memory, time to the first answer, instructions, build and size."""
import os
import re
import signal
import socket
import subprocess
import time

from . import load, report
from .build import clean_build, tool
from .measure import quantile
from .places import BIN, LOGS
from .scenarios import POST, Scenario
from .server import Server, warn


def memory(peers, conns):
    """With idle keep-alive connections after one request each."""
    return held(peers, "http", "memory", {"conns": conns}, "/plaintext")


def ws_memory(peers, conns):
    """With idle WebSocket connections; compressed where the server can, though nothing has been sent."""
    return held(peers, "ws", "ws-memory", {"conns": conns, "websocket": 1}, "/ws")


def held(peers, needs, name, options, path):
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
                rows[peer.name] = (start, server.memory())
        except (RuntimeError, OSError) as error:
            warn(f"{peer.name}: {error}")
        finally:
            if server:
                server.stop()
    report.headline(f"{name}: PSS with {options['conns']} idle connections")
    lines = sorted(rows.items(), key=lambda row: row[1][1] - row[1][0])
    report.table(["", "KiB a connection", "MiB at start", "MiB with them"],
                 [(peer, f"{(full - start) / options['conns']:.2f}", f"{start / 1024:.1f}", f"{full / 1024:.1f}")
                  for peer, (start, full) in lines])
    return rows


def startup(peers, rounds):
    """From the start of the process to the first answer."""
    rows = {}
    for _ in range(rounds):
        for peer in peers:
            if "http" in peer.can.split():
                try:
                    rows.setdefault(peer.name, []).append(first_answer(peer))
                except OSError as error:
                    warn(f"{peer.name}: {error}")
    report.headline("startup: from the start of the process to the first answer")
    quiet = {name: [quantile(column, 0.15) for column in zip(*taken)] for name, taken in rows.items()}
    report.table(["", "ms (q15)", "CPU ms (q15)"], [(name, f"{wall:.1f}", f"{cpu:.1f}") for name, (wall, cpu)
                                                    in sorted(quiet.items(), key=lambda row: row[1])])
    return rows


def first_answer(peer):
    """Milliseconds, and milliseconds of CPU time."""
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
    heads = [*COUNTED, *(f"{what} calls" for what in CALLS)]
    def cell(row, what):
        return "" if what not in row else f"{row[what]:.2f}" if what.endswith("calls") else f"{row[what]:,.0f}"
    report.headline("counts: user-space instructions, and system calls, of a request or message; one connection")
    lines = sorted(rows.items(), key=lambda item: item[1].get("plain", item[1].get("ws-64", 0)))
    report.table(["", *heads], [(name, *(cell(row, what) for what in heads)) for name, row in lines])
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
    rows = {peer.name: os.path.getsize(BIN / peer.name) for peer in peers if peer.package}
    report.headline("size: the stripped program")
    lines = sorted(rows.items(), key=lambda row: row[1])
    report.table(["", "MB"], [(name, f"{size / 1e6:.2f}") for name, size in lines])
    return rows


def clean(peers):
    """Builds from nothing, one after the other; `examples/hello` of the project among them."""
    rows = {}
    jobs = [("examples/hello", "examples/hello", "")] + [(p.name, p.package, p.features) for p in peers if p.package]
    for name, package, features in jobs:
        try:
            rows[name] = clean_build(package, features)
        except subprocess.CalledProcessError as error:
            warn(f"{name}: {error.stderr[-300:]}")
    report.headline("clean: a release build from nothing (fat LTO, one codegen unit)")
    lines = sorted(rows.items(), key=lambda row: row[1])
    report.table(["", "CPU s", "s", "MB stripped"], [(name, f"{cpu:.0f}", f"{seconds:.0f}", f"{size / 1e6:.2f}")
                                                     for name, (cpu, seconds, size) in lines])
    return rows
