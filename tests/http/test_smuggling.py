"""Bytes that others could read as another request than we do, or another answer: RFC 9112, 11."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.http.test_connection import LAST, PATIENCE_S, echo, head, piece, said_to, served
from valetkey.http.connection import MOST_WAITING, PIECE_BYTES
from valetkey.http.cycle import Cycle

if TYPE_CHECKING:
    from valetkey.http.answer import Receive, Send

NEXT: Final = b"GET /next HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
POST: Final = b"POST /a HTTP/1.1\r\nhost: x\r\n"
CHUNKED: Final = POST + b"transfer-encoding: chunked\r\n\r\n"
END: Final = b"0\r\n\r\n"
UNREADABLE: Final[dict[str, bytes]] = {
    "lines of LF": b"GET /a HTTP/1.1\nhost: x\n\n",
    "a line of LF": b"GET /a HTTP/1.1\r\nhost: x\ny: z\r\n\r\n",
    "an end of LF": b"GET /a HTTP/1.1\r\nhost: x\r\n\n",
    "a bare CR": b"GET /a HTTP/1.1\r\nhost: x\ry: z\r\n\r\n",
    "a folded line": b"GET /a HTTP/1.1\r\nhost: x\r\ny: a\r\n b\r\n\r\n",
    "a folded length": POST + b"content-length:\r\n 2\r\n\r\nhi",
    "a folded coding": POST + b"transfer-encoding:\r\n chunked\r\n\r\n" + END,
    "a space before the colon": POST + b"content-length : 2\r\n\r\nhi",
    "a nul": b"GET /a HTTP/1.1\r\nhost: x\r\ny: a\0b\r\n\r\n",
    "length and coding": POST + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n" + END,
    "coding and length": POST + b"transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n" + END,
    "the same length twice": POST + b"content-length: 2\r\ncontent-length: 2\r\n\r\nhi",
    "a list of lengths": POST + b"content-length: 2, 2\r\n\r\nhi",
    "a signed length": POST + b"content-length: +2\r\n\r\nhi",
    "a hexadecimal length": POST + b"content-length: 0x2\r\n\r\nhi",
    "a length past 64 bits": POST + b"content-length: 18446744073709551618\r\n\r\nhi",
    "no coding": POST + b"transfer-encoding: identity\r\n\r\nhi",
    "another coding": POST + b"transfer-encoding: xchunked\r\n\r\n" + END,
    "a coding before": POST + b"transfer-encoding: gzip, chunked\r\n\r\n" + END,
    "a coding behind": POST + b"transfer-encoding: chunked, identity\r\n\r\n" + END,
    "two codings": POST + b"transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n" + END,
    "a coding behind a tab": POST + b"transfer-encoding: \x0bchunked\r\n\r\n" + END,
    "a coding of HTTP/1.0": b"POST /a HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n" + END,
    "an extension with LF": CHUNKED + b"2;a\nhi\r\n" + END,
    "an extension with CR": CHUNKED + b"2;a\rb\r\nhi\r\n" + END,
    "a hexadecimal chunk": CHUNKED + b"0x2\r\nhi\r\n" + END,
    "a space behind a chunk's size": CHUNKED + b"2 \r\nhi\r\n" + END,
    "a chunk past 64 bits": CHUNKED + b"10000000000000002\r\nhi\r\n" + END,
    "a chunk's size before LF": CHUNKED + b"2\nhi\r\n" + END,
    "a chunk before LF": CHUNKED + b"2\r\nhi\n" + END,
    "a chunk that goes on": CHUNKED + b"2\r\nhi42\r\n" + END,
    "a length behind the body": CHUNKED + b"0\r\ncontent-length: 50\r\n\r\n",
    "HTTP/0.9": b"GET /a HTTP/0.9\r\n\r\n",
    "HTTP/0.9 alone": b"GET /a\r\n",
    "HTTP/2": b"GET /a HTTP/2.0\r\nhost: x\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a fragment": b"GET /a#/b HTTP/1.1\r\nhost: x\r\n\r\n",
    "another host": b"GET http://y/a HTTP/1.1\r\nhost: x\r\n\r\n",
    "another port": b"GET http://x:81/a HTTP/1.1\r\nhost: x\r\n\r\n",
    "a body behind an upgrade": POST
    + b"connection: upgrade\r\nupgrade: h2c\r\ncontent-length: 2\r\n\r\nhi",
    "chunks behind an upgrade": POST
    + b"connection: upgrade\r\nupgrade: h2c\r\ntransfer-encoding: chunked\r\n\r\n"
    + END,
}


async def test_what_can_be_read_in_two_ways_is_refused_and_nothing_behind_it_is_read() -> None:
    """A proxy in front that reads the other way takes the bytes behind for somebody else's."""
    wrong: dict[str, bytes] = {}
    async with served(echo) as port:
        for name, sent in UNREADABLE.items():
            said = await said_to(port, sent + NEXT)
            if said.count(b"HTTP/1.1 ") != 1 or not said.startswith(b"HTTP/1.1 400 "):
                wrong[name] = said
    assert wrong == {}


async def test_chunk_extensions_are_passed_over() -> None:
    """They say nothing of a body (RFC 9112, 7.1.1), and what comes behind is read where it is."""
    async with served(echo) as port:
        said = await said_to(port, CHUNKED + b'2;a=b;c="d"\r\nhi\r\n' + END + NEXT)
    assert [part[-5:] for part in said.split(b"HTTP/1.1 200 OK")[1:]] == [
        b"/ahi"[-5:].rjust(5, b"\n"),
        b"/next",
    ]


async def test_a_target_at_the_host_of_the_request_is_answered() -> None:
    """However its letters are written (RFC 9110, 4.2.3)."""
    async with served(echo) as port:
        said = await said_to(
            port, b"GET http://X:81/a HTTP/1.1\r\nhost: x:81\r\nconnection: close\r\n\r\n"
        )
    assert said.startswith(b"HTTP/1.1 200 ")
    assert said.endswith(b"\r\n\r\n/a")


@pytest.mark.parametrize("behind", [b"\0\r\n\r\n", b"GET /b HTTP/9.9\r\n\r\n", CHUNKED + b"x\r\n"])
async def test_a_refusal_stands_behind_the_answers_that_were_asked_for(behind: bytes) -> None:
    """Answers are matched by their order: a write that happened must not be told as refused."""
    came, goes_on = asyncio.Event(), asyncio.Event()

    async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        came.set()
        await goes_on.wait()
        await echo(scope, receive, send)

    async with served(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /first HTTP/1.1\r\ncontent-length: 0\r\n\r\n" + behind + NEXT)
        await asyncio.wait_for(came.wait(), PATIENCE_S)
        goes_on.set()
        said = await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.close()
    first, second = said.split(b"HTTP/1.1 ")[1:]
    assert first.startswith(b"200 ")
    assert first.endswith(b"/first")
    assert second.startswith(b"400 ")


async def test_a_body_that_breaks_off_under_an_answer_is_answered_no_second_time() -> None:
    """The answer has begun: whatever came behind it would be read as a part of it."""
    begun = asyncio.Event()

    async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        del scope
        await send(head())
        await send(piece(b"ab", more=True))
        begun.set()
        while (await receive())["type"] != "http.disconnect":
            pass

    async with served(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(CHUNKED)
        await asyncio.wait_for(begun.wait(), PATIENCE_S)
        writer.write(b"x\r\n")
        said = await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.close()
    assert said.count(b"HTTP/1.1 ") == 1
    assert said.endswith(b"\r\n\r\n2\r\nab\r\n")


async def test_who_is_not_told_to_send_a_body_is_not_heard_any_more() -> None:
    """Whether a body follows or the next request, nobody can know (RFC 9110, 10.1.1)."""

    async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        del scope, receive
        await send(head((b"content-length", b"2"), status=401))
        await send(piece(b"no"))

    async with served(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(POST + b"expect: 100-continue\r\ncontent-length: %d\r\n\r\n" % len(NEXT))
        said = await asyncio.wait_for(reader.readuntil(b"no"), PATIENCE_S)
        writer.write(NEXT)
        said += await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.close()
    assert said.startswith(b"HTTP/1.1 401 ")
    assert b"connection: close\r\n" in said
    assert said.count(b"HTTP/1.1 ") == 1


async def test_nobody_is_told_to_go_on_inside_an_answer() -> None:
    """An application that listens while it answers, as streams do, does not ask for a body."""

    async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        del scope
        await send(head())
        await send(piece(b"ab", more=True))
        await receive()
        await send(piece(b"cd"))

    sent = POST + b"expect: 100-continue\r\nconnection: close\r\ncontent-length: 2\r\n\r\n"
    async with served(app) as port:
        said = await said_to(port, sent, b"hi")
    assert b"100 Continue" not in said
    assert said.endswith(b"\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n")


async def test_an_old_client_is_told_to_go_on_by_nobody() -> None:
    """HTTP/1.0 knows no answer before the answer (RFC 9110, 10.1.1)."""
    sent = b"POST /a HTTP/1.0\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n"
    async with served(echo) as port:
        said = await said_to(port, sent, b"hi")
    assert said.startswith(b"HTTP/1.1 200 ")
    assert said.endswith(b"\r\n\r\n/ahi")


async def test_so_many_requests_wait_for_their_turn_and_no_more() -> None:
    """
    Ten thousand requests are a few packets for who sends them; each takes memory here.

    All are answered in the end, in their order, and nothing behind them is lost.
    """
    came, goes_on = asyncio.Event(), asyncio.Event()
    seen: list[Cycle] = []

    async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        seen.append(receive.__self__)  # type: ignore[attr-defined]
        came.set()
        await goes_on.wait()
        await echo(scope, receive, send)

    async with served(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /a HTTP/1.1\r\n\r\n" * 10_000 + CHUNKED + b"2\r\nhi\r\n" + END + LAST)
        await asyncio.wait_for(came.wait(), PATIENCE_S)
        waiting = sum(type(one) is Cycle for one in gc.get_objects())
        goes_on.set()
        said = await asyncio.wait_for(reader.read(), 4 * PATIENCE_S)
        writer.close()
    assert waiting <= MOST_WAITING + PIECE_BYTES // len(b"GET /a HTTP/1.1\r\n\r\n") + 1
    answers = said.split(b"HTTP/1.1 200 OK")[1:]
    assert len(answers) == len(seen) == 10_002
    assert answers[-2].endswith(b"/ahi")
    assert answers[-1].endswith(b"/last")
