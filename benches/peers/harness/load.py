"""Running a load generator: how many requests, in which time, for how much of the server's CPU time."""
import re
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass

from .places import BIN, FILES
from .server import on_load_core, steal

PATIENCE = 60
"""Seconds that a load generator may take beyond its load."""


@dataclass
class Sample:
    requests: float
    seconds: float
    cpu: float
    steal: float = 0
    p50: float = 0
    p90: float = 0
    p99: float = 0
    turn: int = 0
    """The round that it was taken in."""


def run(scenario, server, seconds, **more):
    if scenario.mode in ("wrk", "h2load"):
        return run_other(scenario, server, seconds)
    options = scenario.options | {"ms": round(seconds * 1000)} | more
    with started(scenario.mode, server.port, scenario.path, options) as load:
        expect(load, "ready")
        server.settle()  # until it has accepted all
        lost, cpu = steal(), server.cpu()
        load.stdin.write("go\n")
        load.stdin.flush()
        got = expect(load, "requests=")
        cpu, lost = server.cpu() - cpu, steal() - lost
    if not got["requests"]:
        raise RuntimeError("nothing was answered in time")
    return Sample(got["requests"], got["seconds"], cpu, lost, got["p50"], got["p90"], got["p99"])


@contextmanager
def started(mode, port, path, options):
    """`load`, which ends when the block does."""
    words = [f"{name}={FILES}/{name}-{value}" if name in ("payload", "deflated") else f"{name}={value}"
             for name, value in options.items()]
    command = [*on_load_core(), str(BIN / "load"), mode, str(port), path, *words]
    pipe = subprocess.PIPE
    load = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    timer = threading.Timer(PATIENCE + options.get("ms", 0) / 1000, load.kill)
    timer.start()
    try:
        yield load
    finally:
        timer.cancel()
        load.stdin.close()
        try:
            load.wait(10)
        except subprocess.TimeoutExpired:
            load.kill()
            load.wait()
        load.stdout.close()
        load.stderr.close()


def expect(load, start):
    """The next line of `load`, as numbers by name."""
    line = load.stdout.readline()
    if not line.startswith(start):
        raise RuntimeError(f"load: {line.strip()} {load.stderr.read()[-300:].strip()}")
    return {name: float(value) for name, value in re.findall(r"(\w+)=([\d.naN]+)", line)}


def h2load(options):
    """The options of h2load for a scenario."""
    if "streams" in options:
        yield f"-m{options['streams']}"
    else:
        yield "--h1"
    if "fresh" in options:
        yield from (f"-c{options['fresh']}", f"-n{options['fresh']}")
        return
    yield f"-c{options['conns']}"
    if "body" in options:
        yield f"-d{FILES}/payload-{options['body']}"
    for field in options.get("fields", ()):
        yield from ("-H", field)


def run_other(scenario, server, seconds):
    """wrk or h2load, which count in whole seconds."""
    seconds = max(1, round(seconds))
    duration = [] if "fresh" in scenario.options else [f"-D{seconds}", "--warm-up-time=0"]
    url = f"http{'s' if scenario.is_tls else ''}://127.0.0.1:{server.port}{scenario.path}"
    command = {"wrk": ["wrk", "-t1", "-c64", f"-d{seconds}s", url],
               "h2load": ["h2load", "-t1", *duration, *h2load(scenario.options), url]}[scenario.mode]
    lost, cpu = steal(), server.cpu()
    done = subprocess.run([*on_load_core(), *command], capture_output=True, text=True, timeout=seconds + PATIENCE)
    cpu, lost = server.cpu() - cpu, steal() - lost
    text = done.stdout
    requests, rate = {"wrk": (r"(\d+) requests in", r"Requests/sec:\s+([\d.]+)"),
                      "h2load": (r"(\d+) succeeded", r"finished in [\d.]+m?s, ([\d.]+) req/s")}[scenario.mode]
    requests, rate = re.search(requests, text), re.search(rate, text)
    if done.returncode or "Non-2xx" in text or "Socket errors" in text or not (requests and rate and float(rate[1])):
        raise RuntimeError(f"{command[0]}: {text[-300:]} {done.stderr[-300:]}")
    return Sample(float(requests[1]), float(requests[1]) / float(rate[1]), cpu, lost)
