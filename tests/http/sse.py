"""Readers of streams: what comes, event by event, as a browser would take it apart."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx

from tests.http.calls import unique

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

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

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.comments = 0
        self._lines = answer.aiter_lines()

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
        yield Reader(answer)


def meter(session_id: str) -> str:
    """Return the path of a session's meter."""
    return f"/v1/sessions/{session_id}/meter"
