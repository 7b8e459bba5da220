"""uvicorn with our bounds, on a socket that is ours."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from valetkey.core.errors import Code, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator

KEEP_ALIVE_S: Final = 30
MAX_CONNECTIONS: Final = 4096
BACKLOG: Final = 1024
_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n\r\n"
_TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n"
_HEAD_BYTES: Final = 32_768


class _Bounded(HttpToolsProtocol):
    """Lets go of a connection whose request head does not end: the app bounds what does."""

    head_wait_s: float
    _head = 0
    _is_in_head = True
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection; the log of requests is ours, whatever handlers loggers have."""
        self.access_log = False
        super().connection_made(transport)  # type: ignore[arg-type]
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of a connection."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        self._stop_waiting()
        self._timer = self.loop.call_later(self.head_wait_s, self._give_up)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        # No cycle at all before the first head; one that is not complete is not answered yet, and
        # nothing is read meanwhile.
        if not getattr(self.cycle, "response_complete", True):
            self._wait_for_head()
        elif not self.transport.is_closing():
            self.transport.write(_TOO_SLOW)
            self.transport.close()

    def on_message_begin(self) -> None:
        """Take the head of a request; between two of them uvicorn's own patience counts."""
        self._is_in_head = True
        self._stop_waiting()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head; one behind the body decides nothing (RFC 9110, 6.5.1)."""
        if self._is_in_head:
            super().on_header(name, value)

    def data_received(self, data: bytes) -> None:
        """Take bytes, but not many that end nothing."""
        self._head += len(data)
        super().data_received(data)
        if self._is_in_head and self._timer is None:  # most heads come whole and need no timer
            self._wait_for_head()
        if self._head > _HEAD_BYTES and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_headers_complete(self) -> None:
        """Start the request; the app looks at how large its head is."""
        self._head = 0
        self._is_in_head = False
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body; the app looks at how large it becomes."""
        self._head = 0
        super().on_body(body)


class _Server(uvicorn.Server):
    """Leaves signals to whoever started it."""

    def __init__(self, config: uvicorn.Config, ready: asyncio.Event) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self._ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield


@contextlib.asynccontextmanager
async def answering(
    app: Any,  # noqa: ANN401 - an ASGI application, which uvicorn types loosely
    listener: socket.socket,
    *,
    head_wait_s: float,
    grace_s: float,
    max_connections: int = MAX_CONNECTIONS,
) -> AsyncIterator[None]:
    """
    Have *app* answer on *listener* while the block runs; requests in it are answered to their end.

    Args:
        head_wait_s: How long the head of a request may take to come.
        grace_s: How long answers may take once the block has ended.

    Raises:
        Unavailable: It did not start.
    """
    ready = asyncio.Event()
    config = _config(app, head_wait_s, grace_s, max_connections)
    server = _Server(config, ready)
    serving = asyncio.create_task(server.serve([listener]))
    try:
        await _first(ready, serving)
        yield
    finally:
        server.should_exit = True
        await serving


def _config(app: Any, wait_s: float, grace_s: float, max_connections: int) -> uvicorn.Config:  # noqa: ANN401 - as above
    class Bounded(_Bounded):
        head_wait_s = wait_s

    return uvicorn.Config(
        app,
        http=Bounded,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=max(1, round(grace_s)),
        limit_concurrency=max_connections,
    )


async def _first(ready: asyncio.Event, serving: asyncio.Task[None]) -> None:
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({waiting, serving}, return_when=asyncio.FIRST_COMPLETED)
    if not ready.is_set():
        waiting.cancel()
        await serving
        raise Unavailable(Code.INTERNAL, "the server ended before it started")


def listen(host: str, port: int) -> socket.socket:
    """
    Return a socket that listens there; port 0 takes a free one.

    Raises:
        Unavailable: The address is taken, or is none of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, for asyncio turns Nagle's algorithm off only where it sees that it is TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
        listener.setblocking(False)  # noqa: FBT003 - the name is the socket's
    except OSError as error:
        listener.close()
        detail = f"expected to listen on {host}:{port}, got: {error.strerror}"
        raise Unavailable(Code.INTERNAL, detail) from None
    return listener
