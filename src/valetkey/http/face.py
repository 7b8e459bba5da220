"""A face of the server: one wire format, with routes, proofs and errors of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from valetkey.core.errors import ValetkeyError
    from valetkey.core.principal import Principal
    from valetkey.core.surface import Surface
    from valetkey.flows.world import World
    from valetkey.http.answer import Answer
    from valetkey.http.cors import Cors
    from valetkey.http.incoming import Incoming
    from valetkey.http.routes import Route, Table
    from valetkey.http.traced import Noted


class Prove(Protocol):
    """Says who asks, by whatever proof the wire format has; cookies are none anywhere."""

    async def __call__(
        self, world: World, route: Route, incoming: Incoming, noted: Noted, /
    ) -> Principal:
        """
        Return who asks.

        Raises:
            Unauthenticated, Forbidden: The proof is refused.
        """


class Refuse(Protocol):
    """Says an error as the wire format says errors; what is unforeseen comes as ``internal``."""

    def __call__(self, error: ValetkeyError, request_id: str, noted: Noted, /) -> Answer:
        """Return how *error* is answered."""


class FindFile(Protocol):
    """Finds what is served as it was built, to everybody."""

    def __call__(self, method: str, path: str, /) -> Answer | None:
        """
        Return what is served at *path*, None if that is nothing.

        Raises:
            Malformed: ``method_not_allowed``: it is only read.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """
    One wire format.

    Args:
        surface: Whose credentials and sessions work here.
        table: Its routes, under paths without *prefix*.
        prefix: What stands before its paths where it shares a socket; empty for the native API.
        cors: Which pages of other origins may ask; None is none.
    """

    surface: Surface
    table: Table
    prove: Prove
    refuse: Refuse
    find_file: FindFile
    prefix: str = ""
    cors: Cors | None = None


def no_files(_method: str, _path: str) -> Answer | None:
    """Serve nothing as it is."""
    return None
