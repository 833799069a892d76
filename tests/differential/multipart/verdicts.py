"""Reads bodies in the notation of the corpus, one a line, and writes what Starlette makes of each."""

import asyncio
import codecs
import sys

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartParser


def escape(data: bytes) -> str:
    special = {9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\"}
    return "".join(special.get(b) or (chr(b) if 32 <= b < 127 else f"\\x{b:02x}") for b in data)


async def verdict(body: bytes) -> str:
    async def stream():
        yield body
        yield b""

    headers = Headers({"content-type": "multipart/form-data; boundary=B"})
    try:
        form = await MultiPartParser(headers, stream()).parse()
    except Exception:
        return "error"
    parts: list[bytes] = []
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            parts.append(f"{name}({value.filename})=".encode() + await value.read())
        else:
            parts.append(f"{name}={value}".encode())
    return escape(b"; ".join(parts)) or "empty"


for line in sys.stdin.read().split("\n"):
    print(asyncio.run(verdict(codecs.decode(line, "unicode_escape").encode("latin-1"))))
