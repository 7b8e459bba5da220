"""One open stream: the newest that is to be said, never a queue, and how it is written."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from valetkey.wire.meter import CHANGE, END, SNAPSHOT, MeterEnd

if TYPE_CHECKING:
    from collections.abc import Callable

    from valetkey.core.errors import Code, ValetkeyError
    from valetkey.core.principal import Principal
    from valetkey.http.answer import Receive, Send

CONTENT_TYPE: Final = b"text/event-stream"
CUT_S: Final = 0.5  # how long a reader may take to take the end
_HEARTBEAT: Final = b":\n\n"
_RETRY_MS: Final = 1000


class Said(NamedTuple):
    """What there is to say: how far the log had come, and JSON."""

    seq: int
    data: bytes


class Channel:
    """
    A stream to one reader.

    Who reads slowly gets the newest state next, and the states in between never.

    Args:
        principal: Who opened it.
        first: What is said at once.
        close: To be called once it has ended, whatever ended it.
        heartbeat_s: A comment is sent when there was nothing to say for so long.
    """

    def __init__(
        self,
        principal: Principal,
        first: Said,
        *,
        close: Callable[[Channel], None],
        heartbeat_s: float,
    ) -> None:
        self.principal = principal
        self._close = close
        self._heartbeat_s = heartbeat_s
        self._next: Said | None = first
        self._end: MeterEnd | None = None
        self._is_first = True
        self._has_ended = False
        self._news = asyncio.Event()
        self._news.set()
        self._writing: asyncio.Task[None] | None = None

    def close(self) -> None:
        """Let go of it."""
        self._close(self)

    def tell(self, said: Said) -> None:
        """Say this next, and nothing that was still to be said."""
        if self._end is None:
            self._next = said
            self._news.set()

    def end(self, code: Code, detail: str) -> None:
        """Say why, and end: soon, whether or not the reader takes it."""
        if self._end is None:
            self._end = MeterEnd(code=code.value, detail=detail)
            self._news.set()
            asyncio.get_running_loop().call_later(CUT_S, self._cut)

    def refuse(self, error: ValetkeyError) -> None:
        """End because its principal may not look any more: what was still to be said is not."""
        self._next = None
        self.end(error.code, error.detail)

    def _cut(self) -> None:
        if self._writing is not None:
            self._writing.cancel()

    async def run(self, send: Send, receive: Receive) -> None:
        """Write until it ends or its reader is gone; the head was sent already."""
        self._writing = asyncio.create_task(self._write(send))
        gone = asyncio.create_task(_until_gone(receive))
        try:
            await asyncio.wait({self._writing, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (self._writing, gone):
                task.cancel()
            await asyncio.gather(self._writing, gone, return_exceptions=True)

    async def _write(self, send: Send) -> None:
        await _say(send, b"retry: %d\n\n" % _RETRY_MS)
        while not self._has_ended:
            try:
                async with asyncio.timeout(self._heartbeat_s):  # wait_for may lose a cancellation
                    await self._news.wait()
            except TimeoutError:
                await _say(send, _HEARTBEAT)
            else:
                body = self._take()
                await _say(send, body, is_last=self._has_ended)

    def _take(self) -> bytes:
        self._news.clear()
        body = b""
        if self._next is not None:
            name = SNAPSHOT if self._is_first else CHANGE
            body = b"id: %d\nevent: %s\ndata: %s\n\n" % (
                self._next.seq,
                name.encode(),
                self._next.data,
            )
            self._next, self._is_first = None, False
        if self._end is not None:
            self._has_ended = True
            body += b"event: %s\ndata: %s\n\n" % (END.encode(), msgspec.json.encode(self._end))
        return body


async def _say(send: Send, body: bytes, *, is_last: bool = False) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": not is_last})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
