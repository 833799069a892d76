"""What the servers are asked. The modes are those of `load`."""
from dataclasses import dataclass, field
from itertools import product


@dataclass(frozen=True)
class Scenario:
    needs: str
    """What a server must be able to do: words."""
    mode: str
    path: str
    options: dict = field(default_factory=dict)
    threads: int = 1
    rounds: float = 1
    """For each round asked for: more where single ones say little, fewer where they take long."""

    def able(self, peers):
        return [peer for peer in peers if set(self.needs.split()) <= set(peer.can.split())]

    @property
    def is_tls(self):
        return "tls" in self.needs.split()

    @property
    def is_h2(self):
        return "h2" in self.needs.split()


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
}

FIELDS = [
    "accept: application/json, text/plain, */*", "accept-encoding: gzip, deflate, br, zstd",
    "accept-language: en-GB,en;q=0.9,de;q=0.8", "cache-control: no-cache", "origin: http://localhost:8000",
    "referer: http://localhost:8000/records?page=7", "sec-fetch-dest: empty", "sec-fetch-mode: cors",
    "sec-fetch-site: same-origin", "user-agent: Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36",
    "cookie: session=4f2a9c81d7e3b605; theme=dark; consent=yes", "x-request-id: 01JDZ8Q2M3N4P5R6S7T8V9WXYZ",
]


def h2(path, conns, streams, needs="h2", **options):
    return Scenario(needs, "h2load", path, {"conns": conns, "streams": streams} | options)


H2 = {
    "h2-small": h2("/plaintext", 16, 32),
    "h2-one": h2("/plaintext", 1, 100),
    "h2-single": h2("/plaintext", 64, 1),
    "h2-fields": h2("/json", 16, 32, "h2 param", fields=FIELDS),
    "h2-1m": h2("/static/1m.bin", 8, 8, "h2 static"),
    "h2-echo": h2("/echo", 8, 8, "h2 param", body=65_536),
}
"""HTTP/2 over TCP, by prior knowledge."""


TLS = {
    "tls-handshakes": Scenario("tls", "h2load", "/plaintext", {"fresh": 300}),
    "tls-plaintext": Scenario("tls", "h2load", "/plaintext", {"conns": 64}),
    "tls-1m": Scenario("tls", "h2load", "/static/1m.bin", {"conns": 16}),
}
"""HTTP/1.1 over TLS 1.3. A handshake comes with one request, and nothing is resumed."""


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

SCENARIOS = HTTP | H2 | TLS | WS
PAGE = [*(name for name in HTTP if name != "wrk"),
        "ws-64-100", "ws-64-100-deep", "ws-1k-100", "ws-64k-100"]
"""Of these, what docs/evidence/performance.md shows."""
DEFAULT = ["plaintext", "pipelined", "json", "params", "table", "layers", "echo", "static-1k", "ws-64-100"]
