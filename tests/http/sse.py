"""Readers of streams: what comes, event by event, as a browser would take it apart."""

from __future__ import annotations

import asyncio
import http.client
import json
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx

from tests.http.calls import unique

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from tests.http.calls import Caller

PATIENCE_S: Final = 20  # far above any bound: a test that waits so long has failed


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream."""

    name: str
    id: str
    data: dict[str, Any]


class Reader:
    """
    A stream that is being read.

    Args:
        comments: How many heartbeats came.
    """

    def __init__(self, lines: AsyncIterator[str], headers: Mapping[str, str]) -> None:
        self.headers = headers
        self.comments = 0
        self._lines = lines

    async def next(self) -> Event | None:
        """Return the next event, or None behind the last one."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._next()

    async def _next(self) -> Event | None:
        fields: dict[str, str] = {}
        async for line in self._lines:
            if line.startswith(":"):
                self.comments += 1
            elif line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "event" in fields:
                return Event(fields["event"], fields.get("id", ""), json.loads(fields["data"]))
        return None

    async def until(self, is_it: Callable[[Event], object]) -> Event:
        """Return the first event that *is_it* says; whatever comes before is passed over."""
        while True:
            event = await self.next()
            assert event is not None, "the stream ended before that"
            if is_it(event):
                return event

    async def ended(self) -> str:
        """Return the code with which it ends; nothing comes behind."""
        event = await self.until(lambda one: one.name == "end")
        assert await self.next() is None
        return str(event.data["code"])


@asynccontextmanager
async def watching(
    caller: Caller, path: str, headers: dict[str, str] | None = None
) -> AsyncIterator[Reader]:
    """Give the stream at *path* as *caller* gets it."""
    url = str(caller.client.build_request("GET", path).url)
    proof = caller.proof.headers("GET", url, b"", unique())
    fields = {**proof, **(headers or {})}
    async with caller.client.stream("GET", path, headers=fields) as answer:
        if answer.status_code != httpx.codes.OK:
            raise AssertionError((await answer.aread()).decode())
        yield Reader(answer.aiter_lines(), answer.headers)


@dataclass(frozen=True, slots=True)
class Quietly:
    """An answer to a request whose URL is in nobody's log, as it would be in that of `httpx`."""

    status: int
    code: str
    reader: Reader


@asynccontextmanager
async def quietly(caller: Caller, target: str, **fields: str) -> AsyncIterator[Quietly]:
    """Give the answer to a GET of *target*, with no proof but what stands in it."""
    url = caller.client.base_url
    connection = http.client.HTTPConnection(url.host, url.port or 80, timeout=PATIENCE_S)
    with closing(connection):
        await asyncio.to_thread(connection.request, "GET", target, headers=fields)
        answer = await asyncio.to_thread(connection.getresponse)
        headers = {name.lower(): value for name, value in answer.getheaders()}
        code = ""
        if answer.status != httpx.codes.OK:
            code = json.loads(await asyncio.to_thread(answer.read))["code"]
        yield Quietly(answer.status, code, Reader(_lines(answer), headers))


async def _lines(answer: http.client.HTTPResponse) -> AsyncIterator[str]:
    while line := await asyncio.to_thread(answer.readline):
        yield line.decode().rstrip("\n")


def meter(session_id: str) -> str:
    """Return the path of a session's meter."""
    return f"/v1/sessions/{session_id}/meter"
