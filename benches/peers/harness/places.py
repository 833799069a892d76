"""Where things lie. All that is made goes below the target directory."""
import os
import platform
import subprocess
import zlib
from pathlib import Path

PEERS = Path(__file__).resolve().parent.parent
ROOT = PEERS.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target/peers")).resolve()
BIN, LOGS, FILES = TARGET / "bin", TARGET / "logs", TARGET / "files"
PYTHON = TARGET / "venv/bin"
"""Where uvicorn and granian are looked for first."""
STATIC = FILES / "static"
CERT, KEY = FILES / "cert.pem", FILES / "key.pem"
"""Of localhost: ECDSA on P-256, as most sites have now."""
SPOOL = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else FILES
"""Where uploads are spooled: in memory if possible, so that no disk is measured."""


def message(size):
    """Text like that of an application, of this many bytes."""
    line = '{{"id":{},"user":"user-{}","text":"message {}"}}\n'
    return "".join(line.format(n, n * 7919 % 1000, n * 104_729 % 65_537) for n in range(2000)).encode()[:size]


def deflated(data):
    """The payload of a compressed message: RFC 7692 section 7.2.1."""
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    return (deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\0\0\xff\xff")


def prepare(sizes):
    """Makes the folders, the static files and the payloads."""
    os.environ["PATH"] = f"{PYTHON}:{os.environ['PATH']}"
    for folder in (BIN, LOGS, STATIC):
        folder.mkdir(parents=True, exist_ok=True)
    for name, size in (("1k.bin", 1024), ("1m.bin", 1 << 20)):
        path = STATIC / name
        if not path.exists():
            path.write_bytes(os.urandom(size))
    if not KEY.exists():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "3650", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                        "-keyout", KEY, "-out", CERT], check=True, capture_output=True)
    for size in sizes:
        (FILES / f"payload-{size}").write_bytes(message(size))
        (FILES / f"deflated-{size}").write_bytes(deflated(message(size)))


def machine():
    """What was measured, and on what."""
    with open("/proc/cpuinfo") as info:
        model = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), platform.machine())
    rust = subprocess.run(["rustc", "--version"], capture_output=True, text=True).stdout.split()[1]
    cores = len(os.sched_getaffinity(0))
    return f"Commit {commit()}, Rust {rust}, {model} ({cores} cores), Linux {platform.release()}, loopback"


def commit():
    """The commit that ours is built from; + where the tree differs from it."""
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--abbrev=10"]
    return subprocess.run(git, capture_output=True, text=True).stdout.strip() or "unknown"
