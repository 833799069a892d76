"""Which servers there are, and what each can do."""
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Peer:
    name: str
    can: str
    """What it answers: see `needs` in scenarios.py."""
    package: str = ""
    """The package of this workspace; none for a server that is installed."""
    features: str = ""
    hello: str = ""
    """Its feature in the package `hello`, of which builds from nothing are measured."""
    command: tuple = ()
    """Of an installed server, with {port}, {threads} and {here}."""
    secure: tuple = ()
    """What is added to the command for TLS, with {cert} and {key}."""
    env: dict = field(default_factory=dict)
    ours: bool = False
    ceiling: bool = False
    """No server, but what the machine or a library costs alone: not ranked."""


RAW = "http pipelined threads param echo"
CLOSING = RAW + " fresh"
FULL = CLOSING + " table layers static ws"
OURS = FULL + " deflate h2"

KIT = "kit session fast files"
MOST = KIT + " middle stored"

PEERS = [
    Peer("stelo-tokio", OURS, "stelo-peer", "tokio", "stelo", ours=True),
    Peer("stelo-smol", OURS, "stelo-peer", "smol", ours=True),
    Peer("stelo-async-std", OURS, "stelo-peer", "async-std", ours=True),
    Peer("stelo-tls-tokio", "tls", "stelo-peer", "tokio,tls", ours=True),
    Peer("stelo-tls-smol", "tls", "stelo-peer", "smol,tls", ours=True),
    Peer("axum-tls", "tls", "axum-tls-peer"),
    Peer("epoll", "http pipelined", "ceiling", env={"IO": "epoll"}, ceiling=True),
    Peer("io_uring", "http pipelined", "ceiling", env={"IO": "uring"}, ceiling=True),
    Peer("tokio-floor", "http pipelined threads", "tokio-floor", ceiling=True),
    Peer("may-minihttp", RAW, "may-minihttp-peer"),
    Peer("hyper", CLOSING + " h2", "hyper-raw", hello="hyper"),
    Peer("xitca", FULL + " h2", "xitca-peer", hello="xitca"),
    Peer("ntex-tokio", FULL, "ntex-peer", "rt-tokio", "ntex"),
    Peer("ntex-uring", FULL, "ntex-peer", "rt-uring"),
    Peer("actix", FULL + " h2", "actix-peer", hello="actix"),
    Peer("axum", FULL + " h2", "axum-peer", hello="axum"),
    Peer("poem", FULL, "poem-peer", hello="poem"),
    Peer("salvo", FULL + " h2", "salvo-peer", hello="salvo"),
    Peer("trillium-tokio", FULL + " h2", "trillium-peer", "rt-tokio", "trillium"),
    Peer("trillium-smol", FULL + " h2", "trillium-peer", "rt-smol"),
    Peer("fastwebsockets", "ws", "fastws"),
    Peer("tungstenite", "ws", "tungst"),
    Peer("kit-tokio", MOST + " ranges", "kit-stelo", "tokio", ours=True),
    Peer("kit-smol", MOST + " ranges", "kit-stelo", "smol", ours=True),
    Peer("kit-async-std", MOST + " ranges", "kit-stelo", "async-std", ours=True),
    Peer("kit-axum", MOST, "kit-axum"),
    Peer("kit-actix", KIT, "kit-actix"),
    Peer("kit-salvo", MOST, "kit-salvo"),
    Peer("nginx", CLOSING + " static files ranges h2 tls", command=("nginx", "-c", "{here}/nginx-{port}.conf", "-p", "{here}")),
    Peer("uvicorn", FULL + " deflate tls", secure=("--ssl-certfile", "{cert}", "--ssl-keyfile", "{key}"), command=(
        "uvicorn", "--app-dir", "{starlette}", "app:app", "--port", "{port}", "--workers", "{threads}",
        "--no-access-log", "--log-level", "warning")),
    Peer("granian", FULL + " h2 tls", secure=("--ssl-certificate", "{cert}", "--ssl-keyfile", "{key}"), command=(
        "granian", "--interface", "asgi", "--working-dir", "{starlette}", "app:app", "--host", "127.0.0.1",
        "--port", "{port}", "--workers", "{threads}", "--backlog", "16384", "--backpressure", "16384",
        "--log-level", "warning")),
]
