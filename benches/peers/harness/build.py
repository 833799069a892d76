"""Building, and what is missing on this machine."""
import os
import resource
import shutil
import subprocess
import sys
import tempfile

from .places import BIN, LOGS, PEERS, TARGET

NGINX_ECHO = "/usr/lib/nginx/modules/ngx_http_echo_module.so"


def cargo(package, features, target):
    command = ["cargo", "build", "--release", "-p", package, "--target-dir", str(target)]
    return command + (["--no-default-features", "--features", features] if features else [])


def build(name, package, features=""):
    """Builds one server by itself, so that no feature comes from another one; whether that went well."""
    log = LOGS / f"build-{name}.log"
    with open(log, "wb") as out:
        done = subprocess.run(cargo(package, features, TARGET), cwd=PEERS, stdout=out, stderr=out)
    if done.returncode:
        print(f"{name} is left out: it does not build, see {log}", file=sys.stderr)
        return False
    new = BIN / f"{name}.new"
    shutil.copy2(TARGET / "release" / package, new)
    new.replace(BIN / name)  # a copy of it may be running
    return True


def available(peers):
    """Those of the peers that can be run here, built where they have to be."""
    build("load", "load") or sys.exit(1)
    return [peer for peer in peers if made(peer)]


def made(peer):
    return build(peer.name, peer.package, peer.features) if peer.package else installed(peer)


def installed(peer):
    missing = None if shutil.which(peer.command[0]) else peer.command[0]
    if peer.name == "nginx" and not os.path.exists(NGINX_ECHO):
        missing = "nginx with its echo module"
    if missing:
        print(f"{peer.name} is left out: {missing} is not installed", file=sys.stderr)
    return not missing


def tool(name, for_what):
    """Whether a tool is there; says so if not."""
    if shutil.which(name):
        return True
    print(f"{for_what} is left out: {name} is not installed", file=sys.stderr)
    return False


def fetch():
    """So that no download is measured."""
    subprocess.run(["cargo", "fetch", "--locked"], cwd=PEERS, check=True, capture_output=True)


def clean_build(hello, profile):
    """The program of the package `hello` on a framework, built from nothing: seconds of CPU time of all that took part,
    and bytes without symbols."""
    with tempfile.TemporaryDirectory(dir=TARGET) as target:
        command = ["cargo", "build", "--offline", "--locked", "--profile", profile, "--target-dir", target]
        command += ["-p", "hello", "--bin", f"hello-{hello}", "--features", hello]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=PEERS, env=dict(os.environ, RUSTC_WRAPPER=""), check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        program = f"{target}/{profile}/hello-{hello}"
        subprocess.run(["strip", program], check=True)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return cpu, os.path.getsize(program)
