"""What the servers are asked. The modes are those of `load`."""
from dataclasses import dataclass, field
from itertools import product


@dataclass(frozen=True)
class Scenario:
    needs: str
    """What a server must be able to do."""
    mode: str
    path: str
    options: dict = field(default_factory=dict)
    threads: int = 1
    rounds: float = 1
    """For each round asked for: more where single ones say little, fewer where they take long."""

    def able(self, peers):
        return [peer for peer in peers if self.needs in peer.can.split()]


POST = "12345/posts/hello-world"

HTTP = {
    "plaintext": Scenario("http", "closed", "/plaintext"),
    "pipelined": Scenario("pipelined", "closed", "/plaintext", {"depth": 16}),
    "one": Scenario("http", "closed", "/plaintext", {"conns": 1}),
    "json": Scenario("param", "closed", "/json"),
    "params": Scenario("param", "closed", f"/users/{POST}"),
    "table": Scenario("table", "closed", f"/table150/{POST}"),
    "layers": Scenario("layers", "closed", "/layered/plaintext"),
    "echo": Scenario("echo", "closed", "/echo", {"body": 1024}),
    "static-1k": Scenario("static", "closed", "/static/1k.bin"),
    "static-1m": Scenario("static", "closed", "/static/1m.bin", {"conns": 16}),
    "fresh": Scenario("fresh", "fresh", "/plaintext"),
    "open-100": Scenario("http", "closed", "/plaintext", {"conns": 100}),
    "idle-10k": Scenario("http", "closed", "/plaintext", {"conns": 100, "idle": 9900}, rounds=0.5),
    "open-10k": Scenario("http", "closed", "/plaintext", {"conns": 10_000}, rounds=0.5),
    "threads-2": Scenario("threads", "closed", "/plaintext", threads=2),
    "rate": Scenario("http", "rate", "/plaintext", rounds=2),
    "wrk": Scenario("http", "wrk", "/plaintext"),
    "h2": Scenario("h2", "h2load", "/plaintext"),
}


def websocket(size, conns, depth, deflate):
    options = {"payload": size, "conns": conns, "depth": depth} | ({"deflated": size} if deflate else {})
    return Scenario("deflate" if deflate else "ws", "websocket", "/ws", options)


SIZES = {"64": 64, "1k": 1024, "64k": 65_536}
"""The payloads of messages."""

WS = {
    f"ws-{name}-{conns}{'-deep' if depth > 1 else ''}{'-deflate' if deflate else ''}":
        websocket(size, conns, depth, deflate)
    for (name, size), conns, depth, deflate in product(SIZES.items(), (1, 100, 1000), (1, 16), (False, True))
    if size * conns * depth < 1 << 28  # more would be under way than the sockets hold
}

SCENARIOS = HTTP | WS
PAGE = [*(name for name in HTTP if name not in ("wrk", "h2")),
        "ws-64-100", "ws-64-100-deep", "ws-1k-100", "ws-64k-100"]
"""Of these, what docs/evidence/performance.md shows."""
DEFAULT = ["plaintext", "pipelined", "json", "params", "table", "layers", "echo", "static-1k", "ws-64-100"]
