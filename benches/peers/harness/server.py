"""A server that runs, and what it has used."""
import os
import re
import signal
import socket
import subprocess
import sys
import time

from .places import BIN, CERT, FILES, KEY, LOGS, PEERS, SPOOL, STATIC

CORES = sorted(os.sched_getaffinity(0))


def on_server_cores(threads):
    return pinned(",".join(map(str, CORES[:threads])))


def on_load_core():
    """The last one: beside the servers where there are enough."""
    return pinned(str(CORES[-1]))


def pinned(cores):
    """What a command begins with to run there."""
    return ["taskset", "-c", cores]


def be_nice(niceness):
    """For this program and all that it starts; where the scheduler groups sessions, for their group."""
    os.nice(niceness)
    if os.path.exists("/proc/self/autogroup"):
        with open("/proc/self/autogroup", "w") as group:
            group.write(str(niceness))


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Server:
    def __init__(self, peer, threads=1, wrapper=(), h2=False, tls=False):
        self.peer, self.port = peer, free_port()
        env = dict(os.environ, PORT=str(self.port), THREADS=str(threads), STATIC_DIR=str(STATIC),
                   TMPDIR=str(SPOOL), **peer.env)
        if h2:
            env["H2"] = "1"
        if tls:
            env |= {"TLS_CERT": str(CERT), "TLS_KEY": str(KEY)}
        if peer.name == "nginx":
            self.configure_nginx(threads, h2, tls)
        named = {"port": self.port, "threads": threads, "here": FILES, "starlette": PEERS / "starlette",
                 "cert": CERT, "key": KEY}
        command = [word.format(**named) for word in peer.command + (peer.secure if tls else ())] or [str(BIN / peer.name)]
        self.log = LOGS / f"{peer.name}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [*on_server_cores(threads), *wrapper, *command],
                env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def configure_nginx(self, threads, h2, tls):
        text = (PEERS / "nginx.conf.in").read_text()
        cert = f"ssl_certificate {CERT}; ssl_certificate_key {KEY}; ssl_protocols TLSv1.2 TLSv1.3;"
        for name, value in {"DIR": FILES, "PORT": self.port, "THREADS": threads, "H2": "http2" if h2 else "",
                            "SSL": "ssl" if tls else "", "CERT": cert if tls else ""}.items():
            text = text.replace(f"@{name}@", str(value))
        (FILES / f"nginx-{self.port}.conf").write_text(text)

    def wait(self, pause=0.02):
        """Waits until it listens."""
        end = time.monotonic() + 20
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(pause)
        self.stop()
        raise RuntimeError(f"{self.peer.name} does not listen; see {self.log}")

    def pids(self):
        """The process and its descendants."""
        found = [self.process.pid]
        for pid in found:
            for task in tasks(pid):
                try:
                    with open(f"{task}/children") as children:
                        found += map(int, children.read().split())
                except OSError:
                    pass  # it has ended
        return found

    def cpu(self):
        """Seconds of CPU time: what the scheduler says that its threads have run."""
        total = 0
        for pid in self.pids():
            for task in tasks(pid):
                try:
                    with open(f"{task}/schedstat") as stat:
                        total += int(stat.read().split()[0])
                except OSError:
                    pass  # it has ended
        return total / 1e9

    def settle(self, pause=0.01, patience=1):
        """Waits until it has nothing to do, if it ever has."""
        end, before = time.monotonic() + patience, self.cpu()
        while time.monotonic() < end:
            time.sleep(pause)
            now = self.cpu()
            if now - before < pause / 10:
                return
            before = now

    def memory(self):
        """KiB of memory; pages shared between processes are divided among them (PSS)."""
        total = 0
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/smaps_rollup") as rollup:
                    total += int(re.search(r"^Pss:\s+(\d+)", rollup.read(), re.M)[1])
            except OSError:
                pass  # it has ended
        return total

    def peak(self):
        """KiB that were resident at most, since the last call."""
        total = 0
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/status") as status:
                    total += int(re.search(r"^VmHWM:\s+(\d+)", status.read(), re.M)[1])
                with open(f"/proc/{pid}/clear_refs", "w") as clear:
                    clear.write("5")
            except OSError:
                pass  # it has ended
        return total

    def stop(self, seconds=3):
        pids = self.pids()
        self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            for pid in reversed(pids):
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass
            self.process.wait()


def tasks(pid):
    try:
        return [f"/proc/{pid}/task/{task}" for task in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []


def steal():
    """Seconds that the host has kept from this machine's cores."""
    with open("/proc/stat") as stat:
        return int(stat.readline().split()[8]) / os.sysconf("SC_CLK_TCK")


def warn(text):
    print(f"  {text}", file=sys.stderr)
