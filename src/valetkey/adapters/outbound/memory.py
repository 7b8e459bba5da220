"""Requests that never leave the process: they are kept, and answered as told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.adapters.outbound.endpoint import Endpoint
from valetkey.core.errors import Code, Malformed
from valetkey.ports import Posted

if TYPE_CHECKING:
    from collections.abc import Mapping

_OK: Final = Posted(204)


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
    """

    def __init__(self) -> None:
        self.kept: list[Kept] = []
        self.answers: dict[str, Posted] = {}

    async def check(self, url: str) -> None:
        """See `Outbound.check`; only the form is looked at."""
        Endpoint.parse(url, allow_private=False, refused=_refused)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        """See `Outbound.post`."""
        self.kept.append(Kept(url, dict(headers), body))
        return self.answers.get(url, _OK)


def _refused(why: str) -> Malformed:
    return Malformed(Code.URL_REFUSED, f"the URL {why}")
