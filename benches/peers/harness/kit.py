"""The parts of a toolkit: the scenarios of the servers in `kit/`, the comparison of their answers, and their memory."""
import gzip
import http.client
from dataclasses import replace

from . import load
from .places import FILES, STATIC
from .scenarios import Scenario
from .server import Server, warn

ORIGIN = "https://app.example.org"
MIB = 1 << 20
SIZE = 1 << 30
"""Of the file that is uploaded."""


def asked(needs, path, header="", **options):
    """GET requests, with a header field."""
    return Scenario(needs, "closed", path, ({"header": header} if header else {}) | options)


def coded(path, coding):
    return asked("fast" if path == "/fast" else "middle", path, f"Accept-Encoding: {coding}", conns=16)


def upload(path):
    return Scenario("kit", "upload", path, {"size": SIZE})


KIT = {
    "kit-plain": asked("kit", "/plaintext"),
    "cors": asked("kit", "/cors", f"Origin: {ORIGIN}"),
    "ten": asked("kit", "/ten", f"Origin: {ORIGIN}", parse=1),
    "session": asked("session", "/session", cookie=1, parse=1),
    "session-store": asked("stored", "/stored", cookie=1, parse=1),
    "file-1k": asked("files", "/static/1k.bin"),
    "file-1k-range": asked("files", "/static/1k.bin", "Range: bytes=100-599"),
    "file-100m": asked("files", "/static/100m.bin", conns=4),
    "file-100m-range": asked("files", "/static/100m.bin", f"Range: bytes={50 * MIB}-{51 * MIB - 1}", conns=16),
    "file-100m-ranges": asked("ranges", "/static/100m.bin", "Range: bytes=0-65535,1048576-1114111", conns=16),
    "gzip-1": coded("/fast", "gzip"),
    "br-3": coded("/fast", "br"),
    "zstd-3": coded("/fast", "zstd"),
    "gzip-6": coded("/middle", "gzip"),
    "br-4": coded("/middle", "br"),
    "upload": upload("/upload"),
    "spool": upload("/spool"),
}

HEADERS = {
    "/cors": ("access-control-allow-origin",),
    "/ten": ("access-control-allow-origin", "x-request-id", "x-content-type-options", "cross-origin-resource-policy",
             "etag"),
}
"""What the middleware adds."""


def check(peer, server, wrong):
    """Asks everything once; `wrong` is called with each difference."""
    can = peer.can.split()
    if "files" in can:
        content = (STATIC / "100m.bin").read_bytes()
        files(server.port, "ranges" in can, content, wrong)
    if "kit" not in can:
        return
    for path, names in HEADERS.items():
        status, headers, body = ask(server.port, path, {"Origin": ORIGIN})
        missing = [name for name in names if name not in headers]
        if (status, body) != (200, b"Hello, World!") or missing:
            wrong(f"{path}: {status} {body[:60]} without {missing}")
    if "fast" in can:
        for path in ("/fast", *(["/middle"] if "middle" in can else [])):
            codings(server.port, path, wrong)
    for path in ("/session", "/stored"):
        if path[1:] in can:
            cookie = ask(server.port, path)[1]["set-cookie"].split(";")[0]
            body = ask(server.port, path, {"Cookie": cookie})[2]
            if body != b"2":
                wrong(f"{path}: {body[:60]}")
    for path in ("/upload", "/spool"):
        form = (b'--B\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n'
                b"Content-Type: application/octet-stream\r\n\r\n" + b"\r\n-" * 100_000 + b"\r\n--B--\r\n")
        status, _, body = ask(server.port, path, {"Content-Type": "multipart/form-data; boundary=B"}, form)
        if (status, body) != (200, b"300000"):
            wrong(f"{path}: {status} {body[:60]}")


def files(port, several, content, wrong):
    for span in ((100, 599), (50 * MIB, 51 * MIB - 1)):
        status, headers, body = ask(port, "/static/100m.bin", {"Range": "bytes={}-{}".format(*span)})
        if status != 206 or body != content[span[0]:span[1] + 1]:
            wrong(f"range {span}: {status}, {len(body)} bytes")
    if several:
        status, headers, body = ask(port, "/static/100m.bin", {"Range": "bytes=0-9,100-109"})
        if status != 206 or not headers["content-type"].startswith("multipart/byteranges"):
            wrong(f"two ranges: {status} {headers['content-type']}")
        elif content[:10] not in body or content[100:110] not in body:
            wrong("two ranges: other bytes")


def codings(port, path, wrong):
    plain = ask(port, path)[2]
    if len(plain) != 100 << 10:
        wrong(f"{path}: {len(plain)} bytes")
    for coding in ("gzip", "br", "zstd"):
        _, headers, body = ask(port, path, {"Accept-Encoding": coding})
        if headers.get("content-encoding") != coding or len(body) >= len(plain):
            wrong(f"{path}: not {coding}")
        if coding == "gzip" and gzip.decompress(body) != plain:
            wrong(f"{path}: another content")


def ask(port, path, headers=None, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST" if body else "GET", path, body, headers or {})
    response = connection.getresponse()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()


def coded_sizes(peers):
    """The bytes of the compressed bodies, by scenario: levels of the same name are not the same everywhere."""
    rows = {}
    for name, scenario in KIT.items():
        header = scenario.options.get("header", "")
        if header.startswith("Accept-Encoding"):
            for peer in scenario.able(peers):
                try:
                    server = Server(peer).wait()
                    _, _, body = ask(server.port, scenario.path, dict([header.split(": ")]))
                    rows.setdefault(peer.name, {})[name] = len(body)
                    server.stop()
                except (OSError, RuntimeError) as error:
                    warn(f"{peer.name}: {error}")
    return rows


def upload_memory(peers):
    """KiB before a form with a file of 1 GiB, and at most while it is received: counted, and spooled to a file."""
    rows = {}
    for name in ("upload", "spool"):
        for peer in KIT[name].able(peers):
            server = None
            try:
                server = Server(peer).wait()
                load.run(replace(KIT[name], options={"size": MIB}), server, 0.05)
                before = server.peak()
                load.run(KIT[name], server, 0.05)
                rows.setdefault(peer.name, {})[name] = (before, server.peak())
            except (OSError, RuntimeError) as error:
                warn(f"{peer.name}: {error}")
            finally:
                if server:
                    server.stop()
    return rows


def prepare():
    path = STATIC / "100m.bin"
    if not path.exists():
        block = (FILES / "static/1m.bin").read_bytes()
        path.write_bytes(b"".join(n.to_bytes(4, "big") + block[4:] for n in range(100)))

