"""Cookies of sessions, from Stelo to Starlette and back, with the packages starlette and itsdangerous.

Called with the address of a server that keeps sessions at /sha1/ and /sha256/: GET returns the values, POST adds to them.
"""

import asyncio
import hashlib
import sys

import httpx
import itsdangerous
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

SECRET = "0123456789abcdef"
VALUES = {"user": "André 𝄞 \x7f\n\"\\/", "n": 1, "f": -1.5, "l": [None, True, {"z": 1, "a": []}], "": {}}


class Sha256(SessionMiddleware):
    """The middleware with the other hash function of itsdangerous."""

    def __init__(self, app, **settings):
        super().__init__(app, **settings)
        self.signer = itsdangerous.TimestampSigner(SECRET, digest_method=hashlib.sha256)


def starlette(middleware) -> Starlette:
    async def values(request: Request) -> JSONResponse:
        if request.method == "POST":
            request.session.update(await request.json())
        return JSONResponse(request.session)

    route = Route("/", values, methods=["GET", "POST"])
    return Starlette(routes=[route], middleware=[Middleware(middleware, secret_key=SECRET)])


async def send(client: httpx.AsyncClient, json=None, cookie: str | None = None) -> httpx.Response:
    """GET, or POST of values, with this cookie and no other."""
    client.cookies.clear()
    headers = {"cookie": cookie} if cookie else {}
    return await client.request("POST" if json else "GET", "./", json=json, headers=headers)


def cookie_of(answer: httpx.Response) -> str:
    return answer.headers["set-cookie"].split(";")[0]


async def give_and_take(giver: httpx.AsyncClient, taker: httpx.AsyncClient) -> None:
    """A session that `giver` begins, `taker` continues, and `giver` reads again."""
    answer = await send(giver, VALUES)
    assert answer.json() == VALUES, answer.text
    cookie = cookie_of(answer)
    answer = await send(taker, cookie=cookie)
    assert answer.json() == VALUES, answer.text
    answer = await send(taker, {"more": [1]}, cookie)
    answer = await send(giver, cookie=cookie_of(answer))
    assert answer.json() == {**VALUES, "more": [1]}, answer.text


async def attributes(one: httpx.AsyncClient, other: httpx.AsyncClient) -> None:
    """Everything but the value."""
    fields = []
    for client in (one, other):
        answer = await send(client, {"n": 1})
        assert answer.headers["vary"] == "Cookie"
        cookie, _, rest = answer.headers["set-cookie"].partition("; ")
        fields.append((cookie.split("=")[0], rest))
    assert fields[0] == fields[1], fields


async def main(server: str) -> None:
    for path, middleware in [("/sha1/", SessionMiddleware), ("/sha256/", Sha256)]:
        transport = httpx.ASGITransport(app=starlette(middleware))
        async with (
            httpx.AsyncClient(base_url=server + path) as stelo,
            httpx.AsyncClient(base_url="http://testserver/", transport=transport) as python,
        ):
            for one, other in [(stelo, python), (python, stelo)]:
                await give_and_take(one, other)
                await attributes(one, other)


asyncio.run(main(sys.argv[1]))
