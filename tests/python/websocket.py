"""Python's websockets against a running server: messages, compression, subprotocols, denial, close codes both ways.

Called with the address of the server, ws://host:port.
"""

import sys

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

MIB = 1024 * 1024


def echo(address: str, compression: str | None) -> None:
    """Each message comes back as it was, also if many are sent before the first is read."""
    texts = ["", "saluton", "ĝis la revido " * 10_000, "x" * 16 * MIB]
    binary = [b"", bytes(range(256)), bytes(range(251)) * (16 * MIB // 251)]
    with connect(f"{address}/echo", compression=compression, max_size=None) as socket:
        assert bool(socket.protocol.extensions) == (compression is not None)
        for message in texts + binary:
            socket.send(message)
            assert socket.recv() == message
        for i in range(1000):
            socket.send(f"message {i}")
        for i in range(1000):
            assert socket.recv() == f"message {i}"
        # An iterable is sent in fragments.
        socket.send(["one, ", "two, ", "three"])
        assert socket.recv() == "one, two, three"
        assert socket.ping(b"there?").wait(20)


def subprotocols(address: str) -> None:
    """The server chooses among what is offered, or does without."""
    for offered, chosen in [(["chat.v2", "chat.v1"], "chat.v1"), (["other"], None), (None, None)]:
        with connect(f"{address}/protocol", subprotocols=offered) as socket:
            assert socket.subprotocol == chosen, socket.subprotocol


def denials(address: str) -> None:
    """The status and the words of the application, and those of the server."""
    for path, status, body in [("/denied", 401, b"members only"), ("/nowhere", 403, None)]:
        try:
            connect(address + path)
        except InvalidStatus as denied:
            assert denied.response.status_code == status
            assert body is None or denied.response.body == body
        else:
            raise AssertionError(f"{path} was accepted")


def closed(address: str, path: str, send: bytes | None = None) -> tuple[int, str]:
    """How the server closes."""
    with connect(address + path) as socket:
        if send is not None:
            socket.send(send)
        try:
            while True:
                socket.recv()
        except ConnectionClosed as end:
            return end.rcvd.code, end.rcvd.reason


def main() -> None:
    address = sys.argv[1]
    echo(address, None)
    echo(address, "deflate")
    subprotocols(address)
    denials(address)
    assert closed(address, "/close/4321") == (4321, "enough")
    assert closed(address, "/returns") == (1000, "")
    assert closed(address, "/panics") == (1011, "")
    assert closed(address, "/echo", bytes(16 * MIB + 1))[0] == 1009
    with connect(f"{address}/tell") as socket:
        socket.close(4001, "done")
    with connect(f"{address}/tell") as socket:
        socket.close()


main()
