"""A face of the server: one wire format, with routes, proofs and errors of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from msgspec import Struct

    from valetkey.core.errors import ValetkeyError
    from valetkey.core.principal import Principal
    from valetkey.core.surface import Surface
    from valetkey.flows.world import World
    from valetkey.http.answer import Answer
    from valetkey.http.cors import Cors
    from valetkey.http.incoming import Incoming
    from valetkey.http.routes import Route, Table
    from valetkey.http.settings import Limits
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


class ReadBody(Protocol):
    """Reads bodies in whatever encodings the wire format has."""

    def __call__(self, incoming: Incoming, kind: type[Struct], limits: Limits, /) -> Struct:
        """
        Return the body as *kind*.

        Raises:
            Malformed: It is none.
        """


class ReadQuery(Protocol):
    """Reads query parameters as the wire format writes them."""

    def __call__(self, text: str, kind: type[Struct], /) -> Struct:
        """
        Return the parameters as *kind*.

        Raises:
            Malformed: They are none.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """How requests are written where they are not written as ours are."""

    body: ReadBody
    query: ReadQuery


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """
    One wire format.

    Args:
        surface: Whose credentials and sessions work here.
        table: Its routes, under paths without *prefix*.
        prefix: What stands before its paths where it shares a socket; empty for the native API.
        cors: Which pages of other origins may ask; None is none.
        reading: How its bodies and queries are read; None is as those of the native API.
        request_id_field: The header that makes a write happen once, in lower case.
    """

    surface: Surface
    table: Table
    prove: Prove
    refuse: Refuse
    find_file: FindFile
    prefix: str = ""
    cors: Cors | None = None
    reading: Reading | None = None
    request_id_field: bytes = b"idempotency-key"
