"""One connection: bytes become requests, which are answered one after the other, within bounds."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar, Final

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.utils import get_local_addr, get_remote_addr

from valetkey.http.cycle import Cycle
from valetkey.http.head import read_head

if TYPE_CHECKING:
    import uvicorn
    from uvicorn.server import ServerState

HEAD_BYTES: Final = 32_768
MOST_WAITING: Final = 64  # requests; with so many of them, what comes behind is not looked at
PIECE_BYTES: Final = 8_192  # are looked at before it is asked how many wait
_LOGGER: Final = logging.getLogger("uvicorn.error")


def _refusal(status: str) -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode()


_BAD: Final = _refusal("400 Bad Request")
_TOO_SLOW: Final = _refusal("408 Request Timeout")
_TOO_LARGE: Final = _refusal("431 Request Header Fields Too Large")
_TOO_MANY: Final = _refusal("503 Service Unavailable")


class Connection(asyncio.Protocol):
    """
    A connection of a uvicorn server, in the place of uvicorn's own protocol.

    What uvicorn's does for each request costs as much as the check of a session: see
    docs/adr/0010-connections-of-our-own.md. The parser is the same, llhttp.

    There is one timer for a connection, and it is set anew only when it has to ring earlier.

    Args:
        head_wait_s: How long a head may take to come, and the first one to begin.
        keep_alive_s: How long the next one may take to begin.
    """

    head_wait_s: ClassVar[float]
    keep_alive_s: ClassVar[float]
    max_connections: ClassVar[int]

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        del app_state  # of lifespans: our applications have none
        self._app = config.loaded_app
        self._server = server_state
        self._loop = _loop or asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        # What comes behind the last request is passed over: the answer to that one ends it all.
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._transport: asyncio.Transport
        self._flow: FlowControl
        self._addresses: dict[str, Any] = {}
        self._url = b""
        self._fields: list[tuple[bytes, bytes]] = []
        self._is_in_head = True
        self._unread = 0  # bytes that have not ended a head, nor were of a body
        self._coming: Cycle | None = None  # whose body is read
        self._waiting: deque[Cycle] = deque()
        self._rest = b""  # what came, and is not looked at yet
        self._answering: Cycle | None = None
        self._task: asyncio.Task[None]  # while something is answered
        self._last: bytes | None = None  # what is said behind all answers: what came is no request
        self._is_ending = False
        self._until: float | None = None  # when we stop waiting for the client
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection, which has some time for its first head."""
        self._transport = transport  # type: ignore[assignment]
        self._flow = FlowControl(self._transport)
        self._addresses = {
            "server": get_local_addr(self._transport),
            "client": get_remote_addr(self._transport),
        }
        self._server.connections.add(self)  # type: ignore[arg-type] # it only shuts them down
        self._wait(self.head_wait_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of it: what is being answered goes on, and is told that nobody listens."""
        del exc
        self._server.connections.discard(self)
        self._stop_waiting()
        for cycle in self._cycles():
            cycle.leave()
        self._waiting.clear()
        self._rest = b""
        self._flow.resume_writing()
        del self._parser  # which holds us

    def shutdown(self) -> None:
        """End when the answers are sent that were asked for."""
        self._is_ending = True
        for cycle in self._cycles():
            cycle.keeps = False
        if self._answering is None:
            self._transport.close()

    def pause_writing(self) -> None:
        """Have answers wait: the client does not take them."""
        self._flow.pause_writing()

    def resume_writing(self) -> None:
        """Have answers wait no longer."""
        self._flow.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Take bytes, but not many that end nothing."""
        self._rest = self._rest + data if self._rest else data
        self._look()

    def _look(self) -> None:
        while self._rest and self._last is None and len(self._waiting) < MOST_WAITING:
            data, self._rest = self._rest[:PIECE_BYTES], self._rest[PIECE_BYTES:]
            self._unread += len(data)
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade:
                pass  # offered and not taken; the answer ends the connection
            except httptools.HttpParserError:
                self._refuse(_BAD)
            if self._unread > HEAD_BYTES:
                self._refuse(_TOO_LARGE)
        if self._is_in_head and self._until is None:  # most heads come whole
            self._wait(self.head_wait_s)

    def _refuse(self, answer: bytes) -> None:
        """Say *answer* behind those that are asked for (RFC 9112, 9.3.2), and read no more."""
        if self._last is not None or self._transport.is_closing():
            return
        broken = self._coming
        if broken is not None:  # its body does not come whole
            answer = b"" if broken.is_started else answer
            broken.leave()
            if self._waiting and self._waiting[-1] is broken:
                self._waiting.pop()
        self._last = answer
        self._flow.resume_reading()  # what is not read takes answers with it
        if self._answering is None:
            self._end()

    def _end(self) -> None:
        if self._last:
            self._transport.write(self._last)
        self._transport.close()

    # --- what the parser finds ---

    def on_message_begin(self) -> None:
        """Take the head of a request."""
        self._is_in_head = True
        self._until = None
        self._url = b""
        self._fields = []

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head; one behind the body decides nothing (RFC 9110, 6.5.1)."""
        if self._is_in_head:
            self._fields.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Have the request answered, once those before it are; the app looks at its size."""
        self._unread = 0
        self._is_in_head = False
        self._until = None
        if self._last is not None:
            return
        parser, version, fields = self._parser, self._parser.get_http_version(), self._fields
        method, is_offer = parser.get_method().decode("ascii"), parser.should_upgrade()
        scope = read_head(method, self._url, version, fields, is_offer=is_offer)
        is_new = version == "1.1"
        self._coming = cycle = Cycle(
            scope | self._addresses,
            self._transport,
            self._flow,
            self._server.default_headers,
            keeps=is_new and parser.should_keep_alive() and not (is_offer or self._is_ending),
            awaits_continue=is_new and dict(fields).get(b"expect", b"").lower() == b"100-continue",
        )
        if self._answering is not None:
            self._waiting.append(cycle)
            self._flow.pause_reading()
        elif len(self._server.connections) > self.max_connections:
            self._refuse(_TOO_MANY)
        else:
            self._answering = cycle
            self._task = self._loop.create_task(self._answer(cycle))
            self._server.tasks.add(self._task)

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body; the app looks at how large it becomes."""
        self._unread = 0
        if self._coming is not None:
            self._coming.add(body)

    def on_message_complete(self) -> None:
        """Take the end of a request."""
        cycle, self._coming = self._coming, None
        if cycle is not None:
            cycle.complete()

    # --- what is answered ---

    def _cycles(self) -> list[Cycle]:
        return [one for one in (self._answering, *self._waiting) if one is not None]

    async def _answer(self, cycle: Cycle) -> None:
        """Answer *cycle*, and then those that came meanwhile."""
        behind: Cycle | None = cycle
        while behind is not None:
            cycle = behind
            try:
                await self._run(cycle)
            finally:
                behind = self._behind(cycle)

    async def _run(self, cycle: Cycle) -> None:
        try:
            await self._app(cycle.scope, cycle.receive, cycle.send)
        except asyncio.CancelledError:  # the server has waited for long enough
            cycle.fail()
            raise
        except Exception:
            _LOGGER.exception("an application failed")
            cycle.fail()
        else:
            if not cycle.is_over and not cycle.is_gone:
                _LOGGER.error("an application did not end its answer")
                cycle.fail()

    def _behind(self, cycle: Cycle) -> Cycle | None:
        """Return what is to be answered after *cycle*, or end, or wait for what comes."""
        if self._last is not None and cycle is self._coming:
            self._waiting.clear()  # it is the one whose body does not come
        elif not cycle.keeps:
            self._waiting.clear()
            self._transport.close()
        if self._waiting:
            self._answering = self._waiting.popleft()
            self._look()
            return self._answering
        self._answering = None
        if self._last is not None and not self._transport.is_closing():
            self._end()
        self._server.tasks.discard(self._task)
        self._flow.resume_reading()
        if not self._is_in_head:
            self._wait(self.keep_alive_s)
        return None

    # --- how long the client is waited for ---

    def _wait(self, seconds: float) -> None:
        if self._transport.is_closing():
            return
        until = self._until = self._loop.time() + seconds
        if self._timer is None or self._timer.when() > until:
            self._stop_waiting()
            self._timer = self._loop.call_at(until, self._ring)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        """Let go of a client that has said nothing whole for too long."""
        self._timer = None
        if self._until is None:
            return  # it waits for us
        if self._loop.time() < self._until:  # it has said something since
            self._timer = self._loop.call_at(self._until, self._ring)
        elif self._answering is not None:  # nothing of it is read meanwhile
            self._wait(self.head_wait_s)
        elif self._is_in_head:
            self._refuse(_TOO_SLOW)
        else:
            self._transport.close()
