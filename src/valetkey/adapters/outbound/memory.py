"""Requests that never leave the process: they are kept, and answered as told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.adapters.outbound.endpoint import Endpoint
from valetkey.core.errors import Code, Malformed
from valetkey.ports import Fetched, Posted

if TYPE_CHECKING:
    from collections.abc import Mapping

_OK: Final = Posted(204)
_NOTHING: Final = Fetched(404)


@dataclass(frozen=True, slots=True)
class Kept:
    """One request that was posted."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class MemoryOutbound:
    """
    See `Outbound`. Names are not looked up.

    Args:
        kept: What was posted, oldest first.
        answers: What each URL answers; 204 where nothing is said.
        there: What is found at each URL; nothing where nothing is said.
        fetched: Where something was looked for, oldest first.
    """

    def __init__(self) -> None:
        self.kept: list[Kept] = []
        self.answers: dict[str, Posted] = {}
        self.there: dict[str, Fetched] = {}
        self.fetched: list[str] = []

    async def check(self, url: str) -> None:
        """See `Outbound.check`; only the form is looked at."""
        Endpoint.parse(url, allow_private=False, refused=_refused)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        """See `Outbound.post`."""
        self.kept.append(Kept(url, dict(headers), body))
        return self.answers.get(url, _OK)

    async def fetch(self, url: str) -> Fetched:
        """See `Outbound.fetch`."""
        self.fetched.append(url)
        return self.there.get(url, _NOTHING)


def _refused(why: str) -> Malformed:
    return Malformed(Code.URL_REFUSED, f"the URL {why}")
