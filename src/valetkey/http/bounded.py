"""uvicorn with our connections, on a socket that is ours."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Any, Final

import uvicorn

from valetkey.core.errors import Code, Unavailable
from valetkey.http.connection import Connection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator

KEEP_ALIVE_S: Final = 30.0
MAX_CONNECTIONS: Final = 4096
BACKLOG: Final = 1024


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
    keep_alive_s: float = KEEP_ALIVE_S,
    max_connections: int = MAX_CONNECTIONS,
) -> AsyncIterator[None]:
    """
    Have *app* answer on *listener* while the block runs; requests in it are answered to their end.

    Args:
        head_wait_s: How long the head of a request may take to come.
        grace_s: How long answers may take once the block has ended.
        keep_alive_s: How long a connection may wait for its next request.
        max_connections: Requests of more than these are refused.

    Raises:
        Unavailable: It did not start.
    """
    ready = asyncio.Event()

    class Bounded(Connection):
        pass

    Bounded.head_wait_s, Bounded.keep_alive_s = head_wait_s, keep_alive_s
    Bounded.max_connections = max_connections
    config = uvicorn.Config(
        app,
        http=Bounded,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=max(1, round(grace_s)),
    )
    server = _Server(config, ready)
    serving = asyncio.create_task(server.serve([listener]))
    try:
        await _first(ready, serving)
        yield
    finally:
        server.should_exit = True
        await serving


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
