"""Python's httpx against a running demonstration server: keep-alive, streaming both ways, and the server's memory.

Called with the address of the server, the number of its process, and how many MiB to send and to receive.
"""

import hashlib
import ssl
import sys

import httpx

MIB = 1024 * 1024


def memory(pid: int) -> int:
    """The most bytes of memory that the process has ever had."""
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    raise RuntimeError("the system does not say how much memory a process has had")


def keep_alive(client: httpx.Client) -> None:
    """Ten requests from one port."""
    ports = {client.get("/request").json()["client"] for _ in range(10)}
    assert len(ports) == 1, ports
    assert client.get("/json").json() == {"message": "Hello, World!"}
    assert client.get("/users/7/posts/über").text == "user 7, post über"
    assert client.get("/status/404").status_code == 404
    assert client.get("/panic").status_code == 500
    assert client.post("/echo", json={"a": [1, 2]}).json() == {"a": [1, 2]}


def upload(client: httpx.Client, size: int) -> None:
    """A body whose length is not known, in pieces that differ from each other."""
    sent = hashlib.sha256()

    def pieces():
        for i in range(size):
            piece = i.to_bytes(4, "big") * (MIB // 4)
            sent.update(piece)
            yield piece

    answer = client.post("/upload", content=pieces()).json()
    assert answer == {"bytes": size * MIB, "sha256": sent.hexdigest()}, answer


def download(client: httpx.Client, target: str, size: int) -> None:
    """A body that is read piece by piece."""
    with client.stream("GET", target) as response:
        received = sum(len(piece) for piece in response.iter_bytes())
    assert received == size, received


def abandoned(client: httpx.Client) -> None:
    """A body that is not read to its end; the next request gets a connection of its own."""
    with client.stream("GET", "/bytes/1000000000") as response:
        next(response.iter_raw())
    assert client.get("/plaintext").text == "Hello, World!"


def main() -> None:
    address, pid, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with httpx.Client(base_url=address, timeout=60, trust_env=False, verify=ssl.create_default_context()) as client:
        keep_alive(client)
        before = memory(pid)
        upload(client, size)
        download(client, f"/bytes/{size * MIB}", size * MIB)
        download(client, f"/stream?chunks={size}&size={MIB}", size * MIB)
        abandoned(client)
        grown = memory(pid) - before
    assert grown < 16 * MIB, f"the server has grown by {grown} bytes for bodies of {size} MiB"


main()
