"""Every server is asked everything once, and has to answer the same."""
import http.client
import os
import socket
import struct
import zlib

from . import kit
from .places import STATIC, deflated, message
from .scenarios import POST
from .server import Server, warn


def check(peers):
    text, body = b"Hello, World!", b"x" * 50_000
    static = [("static", "GET", f"/static/{name}", None, (STATIC / name).read_bytes()) for name in ("1k.bin", "1m.bin")]
    asked = [("http", "GET", "/plaintext", None, text),
             ("param", "GET", f"/users/{POST}", None, b"12345 hello-world"),
             ("table", "GET", f"/table150/{POST}", None, b"12345 hello-world"),
             ("layers", "GET", "/layered/plaintext", None, text),
             ("echo", "POST", "/echo", body, body),
             ("param", "GET", "/json", None, b'{"message":"Hello, World!"}'), *static]
    wrong = 0

    def differs(text):
        nonlocal wrong
        wrong += 1
        warn(f"{peer.name} {text}")
    for peer in peers:
        can, server = peer.can.split(), None
        try:
            server = Server(peer).wait()
            for needs, method, path, body, answer in asked:
                if needs in can:
                    status, got = ask(server.port, method, path, body)
                    if (status, got) != (200, answer):
                        wrong += 1
                        warn(f"{peer.name} {path}: {status} {got[:60]}")
            if "param" in can and ask(server.port, "GET", "/users/abc/posts/hello-world")[0] < 400:
                wrong += 1
                warn(f"{peer.name}: takes an id that is no number")
            for compress in (False, True):
                if ("deflate" if compress else "ws") in can and echo(server.port, compress) != message(1024):
                    wrong += 1
                    warn(f"{peer.name}: the echo over WebSocket is not what was sent")
            kit.check(peer, server, differs)
        except (OSError, RuntimeError, AssertionError, KeyError, http.client.HTTPException) as error:
            wrong += 1
            warn(f"{peer.name}: {error}")
        finally:
            if server:
                server.stop()
    print(f"checked {', '.join(peer.name for peer in peers)}: {wrong or 'nothing'} wrong")
    return wrong


def ask(port, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request(method, path, body, {"Content-Type": "application/octet-stream"})
    response = connection.getresponse()
    return response.status, response.read()


def echo(port, compress):
    """What comes back for a message of 1 KiB."""
    extension = "Sec-WebSocket-Extensions: permessage-deflate\r\n" if compress else ""
    payload, mask = (deflated if compress else bytes)(message(1024)), os.urandom(4)
    short = len(payload) < 126
    length = struct.pack(">B", 0x80 | len(payload)) if short else struct.pack(">BH", 0xFE, len(payload))
    masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    with socket.create_connection(("127.0.0.1", port), 5) as sock, sock.makefile("rb") as stream:
        head = ("GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{extension}\r\n")
        sock.sendall(head.encode())
        head = b"".join(iter(stream.readline, b"\r\n")).lower()
        assert head.startswith(b"http/1.1 101"), head
        assert (b"permessage-deflate" in head) == compress, head
        sock.sendall(bytes([0xC2 if compress else 0x82]) + length + mask + masked)
        first, size = stream.read(2)
        if size == 126:
            size = struct.unpack(">H", stream.read(2))[0]
        data = stream.read(size)
        return zlib.decompressobj(-15).decompress(data + b"\0\0\xff\xff") if first & 0x40 else data
