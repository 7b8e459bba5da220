"""What a connection makes of bytes, and of what an application answers: RFC 9112."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from valetkey.http.bounded import answering, listen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from valetkey.http.answer import Receive, Send

    App = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]

PATIENCE_S = 5.0
LAST = b"GET /last HTTP/1.1\r\nconnection: close\r\n\r\n"


def head(*fields: tuple[bytes, bytes], status: int = 200) -> dict[str, Any]:
    """Return the message that begins an answer."""
    return {"type": "http.response.start", "status": status, "headers": fields}


def piece(body: bytes, *, more: bool = False) -> dict[str, Any]:
    """Return the message that is a piece of a body."""
    return {"type": "http.response.body", "body": body, "more_body": more}


async def echo(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer with the path, and the body that came."""
    said, more = scope["raw_path"], True
    while more:
        message = await receive()
        said += message["body"]
        more = message["more_body"]
    await send(head((b"content-length", b"%d" % len(said))))
    await send(piece(said))


def saying(*messages: dict[str, Any]) -> App:
    """Return an application that sends *messages*."""

    async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        del scope, receive
        for message in messages:
            await send(message)

    return app


@asynccontextmanager
async def served(
    app: App, *, keep_alive_s: float = PATIENCE_S, max_connections: int = 8
) -> AsyncIterator[int]:
    """Serve *app* while the block runs, and give the port."""
    listener = listen("127.0.0.1", 0)
    port: int = listener.getsockname()[1]
    bounds = {"head_wait_s": PATIENCE_S, "grace_s": 1.0, "keep_alive_s": keep_alive_s}
    async with answering(app, listener, **bounds, max_connections=max_connections):
        yield port


async def said_to(port: int, *sent: bytes) -> bytes:
    """Return all that is said to *sent*, one write each, until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in sent:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0)
    said = await asyncio.wait_for(reader.read(), PATIENCE_S)
    writer.close()
    return said


async def test_requests_in_one_piece_are_answered_in_their_order() -> None:
    """A client that pipelines matches answers by their order alone (RFC 9112, 9.3.2)."""
    first_came, second_came = asyncio.Event(), asyncio.Event()
    answered: list[str] = []

    async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        first_came.set()
        if scope["path"] == "/slow":
            await second_came.wait()
        answered.append(scope["path"])
        await echo(scope, receive, send)

    async with served(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /slow HTTP/1.1\r\n\r\nGET /fast HTTP/1.1\r\n\r\n" + LAST)
        await asyncio.wait_for(first_came.wait(), PATIENCE_S)
        second_came.set()
        said = await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.close()
    assert answered == ["/slow", "/fast", "/last"]
    assert [part[-5:] for part in said.split(b"HTTP/1.1 200 OK")[1:]] == [
        b"/slow",
        b"/fast",
        b"/last",
    ]


async def test_a_body_comes_whole_however_it_is_cut() -> None:
    """Pieces are put together, over what waits at most, and nothing of the next one is taken."""
    body = bytes(range(256)) * 1024
    sent = b"POST /a HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body) + body + LAST
    parts = [sent[at : at + 10_007] for at in range(0, len(sent), 10_007)]
    async with served(echo) as port:
        said = await said_to(port, *parts)
    first, _, rest = said.partition(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 200 OK")
    assert rest.startswith(b"/a" + body + b"HTTP/1.1 200 OK")
    assert rest.endswith(b"/last")


async def test_a_client_that_waits_for_leave_to_send_gets_it() -> None:
    """``Expect: 100-continue`` is answered once somebody reads the body (RFC 9110, 10.1.1)."""
    async with served(echo) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /a HTTP/1.1\r\nconnection: close\r\nexpect: 100-Continue\r\n"
            b"content-length: 2\r\n\r\n"
        )
        told = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
        writer.write(b"hi")
        said = await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.close()
    assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert said.endswith(b"/ahi")


@pytest.mark.parametrize(
    ("request_line", "fields", "body"),
    [
        (b"GET / HTTP/1.1", b"transfer-encoding: chunked", b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"),
        (b"GET / HTTP/1.0", b"connection: close", b"abc"),
        (b"HEAD / HTTP/1.1", b"connection: close", b""),
    ],
    ids=["chunks", "until the end", "no body"],
)
async def test_a_body_of_unknown_length_says_where_it_ends(
    request_line: bytes, fields: bytes, body: bytes
) -> None:
    """By chunks, or by the end of the connection for those that know no chunks (RFC 9112, 6.3)."""
    app = saying(head(), piece(b"ab", more=True), piece(b"c", more=True), piece(b""))
    async with served(app) as port:
        said = await said_to(port, request_line + b"\r\nconnection: close\r\n\r\n")
    top, _, rest = said.partition(b"\r\n\r\n")
    assert fields in top
    assert rest == body


async def test_an_answer_without_content_has_no_body() -> None:
    """A chunk behind a 204 would be the next answer to its reader (RFC 9110, 15.3.5)."""
    async with served(saying(head(status=204), piece(b""))) as port:
        said = await said_to(port, b"GET / HTTP/1.1\r\n\r\n" + LAST)
    assert said.count(b"HTTP/1.1 204 No Content\r\n") == 2
    assert b"chunked" not in said
    assert said.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "messages",
    [
        [head((b"content-length", b"3")), piece(b"abcd")],
        [head((b"content-length", b"3")), piece(b"ab")],
        [head((b"x", b"a\r\nset-cookie: b=c"), (b"content-length", b"0")), piece(b"")],
        [head((b"x", b"a\nset-cookie: b=c"), (b"content-length", b"0")), piece(b"")],
        [piece(b"abc")],
        [],
    ],
    ids=["too long", "too short", "a second field", "a bare line end", "no head", "nothing"],
)
async def test_an_answer_that_does_not_keep_to_its_head_is_none(
    messages: list[dict[str, Any]],
) -> None:
    """Bytes too many or too few would be read as the next answer, and a line end as a field."""
    async with served(saying(*messages)) as port:
        said = await said_to(port, b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert b"connection: close" in said
    assert b"set-cookie" not in said
    assert said.count(b"HTTP/1.1 ") == 1


async def test_an_application_that_fails_in_the_middle_ends_the_connection() -> None:
    """What was begun cannot be taken back, and nobody must take it for the whole."""
    app = saying(head(), piece(b"ab", more=True), piece(b"", more=True), head())

    async def failing(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        await app(scope, receive, send)
        raise ValueError("no")

    async with served(failing) as port:
        said = await said_to(port, b"GET / HTTP/1.1\r\n\r\n" + LAST)
    assert said.endswith(b"\r\n\r\n2\r\nab\r\n")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /a HTTP/1.0\r\n\r\n", b"200"),
        (b"GET /a HTTP/1.1\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n", b"200"),
        (b"GET /a HTTP/1.1\r\nconnection: close\r\n\r\n", b"200"),
        (b"CONNECT example.org:443 HTTP/1.1\r\n\r\n", b"400"),
    ],
    ids=["1.0", "an upgrade", "close", "a tunnel"],
)
async def test_who_asks_once_is_answered_once(sent: bytes, status: bytes) -> None:
    """The connection ends with the answer, and says so; what comes behind is no request."""
    async with served(echo) as port:
        said = await said_to(port, sent + b"GET /behind HTTP/1.1\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 " + status)
    assert b"connection: close\r\n" in said
    assert b"/behind" not in said


@pytest.mark.parametrize(
    ("target", "path"),
    [(b"http://x", b""), (b"http://x/a?b", b"/a"), (b"*", b"*"), (b"//a/../b%2f", b"//a/../b%2f")],
)
async def test_a_target_comes_as_it_was_sent(target: bytes, path: bytes) -> None:
    """Whoever is in front of us has read it once; read in another way it were another one."""
    async with served(echo) as port:
        said = await said_to(port, b"GET " + target + b" HTTP/1.1\r\nconnection: close\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 200 ")
    assert said.endswith(b"\r\n\r\n" + path)


async def test_a_connection_that_asks_no_more_is_let_go() -> None:
    """Quietly: nothing was asked that could be answered."""
    async with served(echo, keep_alive_s=0.05) as port:
        said = await said_to(port, b"GET /a HTTP/1.1\r\n\r\n")
    assert said.endswith(b"/a")


async def test_requests_of_too_many_connections_are_refused() -> None:
    """Those that are there already are answered."""
    async with served(echo, max_connections=1) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /a HTTP/1.1\r\n\r\n")
        assert await asyncio.wait_for(reader.readuntil(b"/a"), PATIENCE_S)
        assert (await said_to(port, LAST)).startswith(b"HTTP/1.1 503 ")
        writer.close()
        await writer.wait_closed()


async def test_an_application_hears_that_its_client_is_gone() -> None:
    """A stream that nobody reads is not written for ever."""
    heard = asyncio.Event()

    async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        del scope
        await send(head())
        await send(piece(b"a", more=True))
        while (await receive())["type"] != "http.disconnect":
            pass
        heard.set()

    async with served(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        await asyncio.wait_for(reader.readuntil(b"a\r\n"), PATIENCE_S)
        writer.close()
        await asyncio.wait_for(heard.wait(), PATIENCE_S)
    assert heard.is_set()


async def test_what_is_being_answered_when_the_server_ends_is_answered() -> None:
    """The answer says that it is the last one; what was asked behind it is not begun."""
    came, goes_on = asyncio.Event(), asyncio.Event()

    async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        came.set()
        await goes_on.wait()
        await echo(scope, receive, send)

    async with served(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n")
        await asyncio.wait_for(came.wait(), PATIENCE_S)
        asyncio.get_running_loop().call_later(0.2, goes_on.set)
    said = await asyncio.wait_for(reader.read(), PATIENCE_S)
    writer.close()
    assert b"connection: close\r\n" in said
    assert said.endswith(b"/a")
