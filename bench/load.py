"""Send requests to a server on loopback, and note how long each took and what the server paid."""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httptools

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

HOST: Final = "127.0.0.1"
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_USER, _SYSTEM = 11, 12  # of the fields behind the name in /proc/…/stat
_PATIENCE_S: Final = 60.0
_TIMER_NS: Final = 2_000_000  # timers of the event loop are late by up to a millisecond


class WrongAnswer(Exception):
    """A server refused what it should have done, or went away."""


@dataclass(frozen=True, slots=True)
class Sample:
    """
    One spell of load.

    Args:
        cpu_s: What the server used meanwhile, in user and system mode, all threads.
        waited_s: How long the server had work and no processor, because others had it.
        took_ns: To the last byte of each answer.
    """

    wall_s: float
    cpu_s: float
    waited_s: float
    took_ns: Sequence[int]

    @property
    def per_cpu_s(self) -> float:
        """Requests for each second of the server's processor time."""
        return len(self.took_ns) / self.cpu_s


def share_ms(samples: Iterable[Sample], percent: int) -> float:
    """Return within how many milliseconds *percent* of all requests of *samples* were answered."""
    took = sorted(one for sample in samples for one in sample.took_ns)
    return took[min(len(took) * percent // 100, len(took) - 1)] / 1e6


class _Connection(asyncio.Protocol):
    """A kept connection with at most one request on its way."""

    def __init__(self, answered: Callable[[_Connection, int], None]) -> None:
        self._answered = answered
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.WriteTransport
        self._body: list[bytes] = []
        self._cookie = b""
        self.since_ns = 0
        self.failed: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self._transport = transport  # type: ignore[assignment]

    def send(self, request: bytes, since_ns: int) -> None:
        """Send one request, whose time counts from *since_ns*."""
        self.since_ns = since_ns
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Take bytes of an answer."""
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        """Begin an answer."""
        self._body.clear()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep the cookie, which some give as the token."""
        if name.lower() == b"set-cookie":
            self._cookie = value.partition(b";")[0]

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """End an answer; anything but success ends the measurement."""
        status = self._parser.get_status_code()
        if status not in {200, 201}:
            self.failed = f"expected 200 or 201, got {status}: {self.body[:300]!r}"
        self._answered(self, time.perf_counter_ns())

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the server closed it before we did."""
        self.failed = self.failed or f"the server closed the connection ({exc})"
        self._answered(self, 0)

    @property
    def body(self) -> bytes:
        """The body of the last answer."""
        return b"".join(self._body)

    @property
    def cookie(self) -> bytes:
        """The cookie that the last answer set, as ``name=value``."""
        return self._cookie

    def close(self) -> None:
        """Close it, and hear no more of it."""
        self._answered = lambda *_: None
        self._transport.close()


class Load:
    """
    Connections to one server, and requests for them.

    Args:
        pid: Of the server, whose processor time is read; its children's counts as well.
        requests: Made one by one, as they are sent.
    """

    def __init__(self, port: int, pid: int, requests: Iterator[bytes]) -> None:
        self._port, self._pid, self._requests = port, pid, requests
        self._connections: list[_Connection] = []
        self._next: Callable[[_Connection], None] = lambda _: None
        self._took_ns: list[int] = []
        self._answers: list[tuple[bytes, bytes]] | None = None
        self._over: asyncio.Future[None]

    async def open(self, count: int) -> None:
        """Open that many connections."""
        loop = asyncio.get_running_loop()
        for _ in range(count):
            _, made = await loop.create_connection(
                lambda: _Connection(self._answered), HOST, self._port
            )
            self._connections.append(made)

    def close(self) -> None:
        """Close the connections."""
        for one in self._connections:
            one.close()

    async def each(self, count: int) -> list[tuple[bytes, bytes]]:
        """Send *count* requests, all connections busy; return each answer's body and cookie."""
        self._answers = []
        await self._run(self._sender(count, until_ns=None))
        answers, self._answers = self._answers, None
        return answers

    async def saturate(self, seconds: float) -> Sample:
        """Keep every connection busy for so long."""
        until_ns = time.perf_counter_ns() + round(seconds * 1e9)
        return await self._measured(self._sender(None, until_ns=until_ns))

    async def offer(self, rate: float, seconds: float) -> Sample:
        """
        Offer *rate* requests a second, evenly, whether or not earlier ones are answered.

        A request that finds no free connection waits; its time counts from when it was due.
        """
        loop = asyncio.get_running_loop()
        free, due = deque(self._connections), deque[int]()
        left = total = round(rate * seconds)
        start_ns = time.perf_counter_ns()

        def due_at() -> int:
            return start_ns + round((total - left) / rate * 1e9)

        def done(connection: _Connection) -> None:
            free.append(connection)
            send()
            if left == 0 and len(free) == len(self._connections):
                self._end()

        def send() -> None:
            while free and due:
                free.popleft().send(next(self._requests), due.popleft())

        def tick() -> None:
            nonlocal left
            now_ns = time.perf_counter_ns()
            while left and due_at() <= now_ns:
                due.append(due_at())
                left -= 1
            send()
            wait_ns = due_at() - time.perf_counter_ns()
            if left and wait_ns > _TIMER_NS:
                loop.call_later((wait_ns - _TIMER_NS) / 1e9, tick)
            elif left:
                loop.call_soon(tick)

        self._next = done
        return await self._measured(tick)

    def _sender(self, count: int | None, *, until_ns: int | None) -> Callable[[], None]:
        """Return what starts all connections on a loop of their own."""
        left = count
        busy = 0

        def again(connection: _Connection) -> None:
            nonlocal busy
            busy -= 1
            go(connection)
            if busy == 0:
                self._end()

        def go(connection: _Connection) -> None:
            nonlocal busy, left
            now_ns = time.perf_counter_ns()
            if left == 0 or (until_ns is not None and now_ns >= until_ns):
                return
            left = None if left is None else left - 1
            busy += 1
            request = next(self._requests)
            connection.send(request, time.perf_counter_ns())

        def start() -> None:
            for connection in self._connections:
                go(connection)

        self._next = again
        return start

    async def _run(self, start: Callable[[], None]) -> None:
        self._took_ns.clear()
        self._over = asyncio.get_running_loop().create_future()
        start()
        await asyncio.wait_for(self._over, _PATIENCE_S)

    async def _measured(self, start: Callable[[], None]) -> Sample:
        cpu_s, waited_s = cpu_seconds(self._pid), waited_seconds(self._pid)
        since = time.perf_counter()
        await self._run(start)
        wall_s = time.perf_counter() - since
        cpu_s, waited_s = cpu_seconds(self._pid) - cpu_s, waited_seconds(self._pid) - waited_s
        return Sample(wall_s, max(cpu_s, 1 / _TICKS_PER_S), waited_s, tuple(self._took_ns))

    def _answered(self, connection: _Connection, at_ns: int) -> None:
        if connection.failed is not None:
            self._end(WrongAnswer(connection.failed))
            return
        self._took_ns.append(at_ns - connection.since_ns)
        if self._answers is not None:
            self._answers.append((connection.body, connection.cookie))
        self._next(connection)

    def _end(self, error: Exception | None = None) -> None:
        if self._over.done():
            return
        if error is None:
            self._over.set_result(None)
        else:
            self._over.set_exception(error)


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process and its living children have used so far."""
    own = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    ticks = int(own[_USER]) + int(own[_SYSTEM])
    return ticks / _TICKS_PER_S + sum(map(cpu_seconds, _children(pid)))


def waited_seconds(pid: int) -> float:
    """Return how long the main threads of a process and its children have waited for a core."""
    waited_ns = int(Path(f"/proc/{pid}/schedstat").read_text().split()[1])
    return waited_ns / 1e9 + sum(map(waited_seconds, _children(pid)))


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
