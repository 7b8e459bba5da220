"""What a request asks for, read as its route says; decoders are made once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from valetkey.http.incoming import read_form, read_json, read_query
from valetkey.http.routes import Ask, check_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from valetkey.http.face import Reading
    from valetkey.http.incoming import Incoming
    from valetkey.http.routes import Route
    from valetkey.http.settings import Limits


@dataclass(frozen=True, slots=True)
class _Body:
    """How bodies of one type are read: worked out once, for it takes longer than a request."""

    decoder: msgspec.json.Decoder[Any]
    may_be_empty: bool

    @classmethod
    def of(cls, kind: type[msgspec.Struct]) -> _Body:
        """Look at the fields of *kind*."""
        is_needed = any(one.required for one in msgspec.structs.fields(kind))
        return cls(msgspec.json.Decoder(kind), may_be_empty=not is_needed)


def _unasked(kind: type[msgspec.Struct]) -> msgspec.Struct | None:
    """Return what a query of *kind* is when it is empty; None if it must not be."""
    if any(one.required for one in msgspec.structs.fields(kind)):
        return None
    return read_query("", kind)


class Asking:
    """Reads what requests to *routes* ask for."""

    def __init__(self, routes: Iterable[Route], limits: Limits) -> None:
        self._limits = limits
        self._bodies: dict[type[msgspec.Struct], _Body] = {}
        self._unasked: dict[type[msgspec.Struct], msgspec.Struct | None] = {}
        for route in routes:
            if route.body is not None and route.body not in self._bodies:
                self._bodies[route.body] = _Body.of(route.body)
            if route.query not in self._unasked:
                self._unasked[route.query] = _unasked(route.query)

    def read(
        self,
        route: Route,
        incoming: Incoming,
        names: tuple[str, ...],
        peer: str,
        reading: Reading | None = None,
    ) -> Ask[Any, Any]:
        """
        Return what *incoming* asks of *route*.

        Args:
            reading: How its face writes requests; None is as the native API does.

        Raises:
            Malformed: Names, body or query have another form than they must.
        """
        body: object = None
        if route.body is not None:
            if reading is not None:
                body = reading.body(incoming, route.body, self._limits)
            elif route.form:
                body = read_form(incoming, route.body)
            else:
                kind = self._bodies[route.body]
                body = read_json(
                    incoming, kind.decoder, self._limits, may_be_empty=kind.may_be_empty
                )
        query = self._unasked.get(route.query) if not incoming.query else None
        if query is None:
            read = read_query if reading is None else reading.query
            query = read(incoming.query, route.query)
        if not names:
            return Ask("", body, query, peer)
        return Ask(names[0], body, query, peer, check_names(route, names))
