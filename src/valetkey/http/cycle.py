"""One request and its answer: the two calls that an ASGI application is given, and their bytes."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uvicorn.protocols.http.flow_control import FlowControl

    Fields = Sequence[tuple[bytes, bytes]]

HIGH_WATER: Final = 65_536  # bytes of a body that wait for the application; then nothing is read
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_STATUS_LINES: Final = {
    one.value: f"HTTP/1.1 {one.value} {one.phrase}".encode() for one in HTTPStatus
}
_WITHOUT_BODY: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class Cycle:
    """
    A request and its answer.

    Head and first piece of an answer leave in one write, so a small answer is one system call.

    Args:
        scope: As ASGI has it.
        always: Fields that each answer has.
        keeps: Whether the client wants to ask again on this connection.
        awaits_continue: Whether the client sends its body only when told to (RFC 9110, 10.1.1).
    """

    __slots__ = (
        "_always",
        "_awaits_continue",
        "_body",
        "_flow",
        "_has_news",
        "_head",
        "_is_chunked",
        "_is_whole",
        "_left",
        "_news",
        "_transport",
        "is_gone",
        "is_over",
        "is_started",
        "keeps",
        "scope",
    )

    def __init__(
        self,
        scope: dict[str, Any],
        transport: asyncio.WriteTransport,
        flow: FlowControl,
        always: Fields,
        *,
        keeps: bool,
        awaits_continue: bool,
    ) -> None:
        self.scope = scope
        self.keeps = keeps
        self.is_started = False  # something of the answer is on its way
        self.is_over = False  # answered to the end
        self.is_gone = False  # nobody hears it any more
        self._transport = transport
        self._flow = flow
        self._always = always
        self._awaits_continue = awaits_continue
        self._body = b""
        self._is_whole = False
        self._has_news = False
        self._news: asyncio.Event | None = None  # most requests are never waited for
        self._head: bytes | None = None
        self._is_chunked = False
        self._left: int | None = None  # bytes that the head has promised; None is any number

    def add(self, body: bytes) -> None:
        """Take a piece of the body; what comes behind the answer is passed over."""
        if not self.is_over:
            self._body += body
            self._tell()
            if len(self._body) > HIGH_WATER:
                self._flow.pause_reading()

    def complete(self) -> None:
        """Take the end of the request."""
        self._is_whole = True
        self._tell()

    def leave(self) -> None:
        """Note that nobody hears the answer any more."""
        self.is_gone = True
        self._tell()

    def _tell(self) -> None:
        self._has_news = True
        if self._news is not None:
            self._news.set()

    async def receive(self) -> dict[str, Any]:
        """Return what came of the body since the last time, or that there is nobody any more."""
        if self._awaits_continue and self._head is None:
            self._awaits_continue = False
            if not self._is_whole:
                self._transport.write(_CONTINUE)
        if not self._has_news and not self.is_over:
            if not self._is_whole:  # else only what comes behind it would be read
                self._flow.resume_reading()
            self._news = asyncio.Event()
            await self._news.wait()
            self._news = None
        self._has_news = False
        if self.is_gone or self.is_over:
            return {"type": "http.disconnect"}
        body, self._body = self._body, b""
        return {"type": "http.request", "body": body, "more_body": not self._is_whole}

    async def send(self, message: dict[str, Any]) -> None:
        """
        Send a head, or a piece of a body; a head waits for the first piece.

        Raises:
            RuntimeError: The application does not keep to its own head.
        """
        if self._flow.write_paused and not self.is_gone:
            await self._flow.drain()
        if self.is_gone:
            return
        if message["type"] == "http.response.start":
            self._start(message["status"], message["headers"])
        else:
            self._write(message["body"], is_last=not message.get("more_body", False))

    def fail(self) -> None:
        """Answer that it went wrong, if nothing was sent yet; the connection ends in any case."""
        self.keeps = False
        if not self.is_started and not self.is_gone:
            text = b"Internal Server Error"
            kind = (b"content-type", b"text/plain; charset=utf-8")
            self._start(500, (kind, (b"content-length", b"%d" % len(text))))
            self._write(text, is_last=True)

    def _start(self, status: int, fields: Fields) -> None:
        """Make the head: how long the body is, and whether another request may come."""
        if (
            self._awaits_continue and not self._is_whole
        ):  # whether the body comes or another request, nobody can know
            self.keeps = False
        named = dict(fields)
        lines = [_STATUS_LINES[status], *map(b": ".join, self._always), *map(b": ".join, fields)]
        length = named.get(b"content-length")
        if self.scope["method"] == "HEAD" or status in _WITHOUT_BODY:
            self._left = 0
        elif length is not None:
            self._left = int(length)
        elif self.scope["http_version"] == "1.1":
            self._is_chunked = True
            lines.append(b"transfer-encoding: chunked")
        else:
            self.keeps = False  # the end of the connection is the end of the body
        if named.get(b"connection") == b"close":
            self.keeps = False
        elif not self.keeps:
            lines.append(b"connection: close")
        head = b"\r\n".join((*lines, b"", b""))
        # Whatever is in a field, it begins no second one, and no second answer (RFC 9112, 11.1).
        if head.count(b"\n") != len(lines) + 1 or head.count(b"\r") != len(lines) + 1:
            raise RuntimeError("expected fields of one line each, got one with a line end")
        self._head = head

    def _write(self, body: bytes, *, is_last: bool) -> None:
        """Send a piece of the body, behind the head if that still waits."""
        if self._is_chunked:
            body = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            body += b"0\r\n\r\n" if is_last else b""
        elif self._left is not None:
            body = b"" if self.scope["method"] == "HEAD" else body
            self._left -= len(body)
            if self._left < 0 or (is_last and self._left):
                raise RuntimeError("expected a body of the length that the head says, got another")
        if not self.is_started:
            if self._head is None:
                raise RuntimeError("expected the head of an answer, got its body")
            self.is_started = True
            body = self._head + body
        if body:
            self._transport.write(body)
        if is_last:
            self.is_over = True
            self._tell()
