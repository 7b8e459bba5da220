"""What vendors' wire formats have in common: tokens in header fields, bodies with more in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from valetkey.core.errors import Code, Malformed, Unauthenticated
from valetkey.flows.prove import Bearer, authenticate
from valetkey.http.answer import ENCODER, Answer
from valetkey.http.problem import status_of
from valetkey.http.rates import Lane, Pace, refused_fields
from valetkey.http.routes import Leave, Read

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from valetkey.config import DialectConfig
    from valetkey.core.errors import ValetkeyError
    from valetkey.core.principal import Principal
    from valetkey.core.surface import Surface
    from valetkey.flows.world import World
    from valetkey.http.incoming import Incoming
    from valetkey.http.routes import Route

    Paces = Mapping[str, Pace | None]

_MINUTE_S: Final = 60


class AnyQuery(msgspec.Struct, frozen=True):
    """Query parameters that a vendor's clients may send, and that say nothing here."""


def paces(config: DialectConfig, surface: Surface, published: Mapping[str, int]) -> Paces:
    """
    Return how often one caller may ask, by name: as the operator says, else as *published*.

    Args:
        published: Requests a minute, by name, as the vendor publishes them.

    Raises:
        Malformed: The operator names one that there is not.
    """
    for name in config.per_minute:
        if name not in published:
            expected = ", ".join(published)
            detail = f"dialects.{surface}.per_minute: expected one of {expected}, got {name[:40]}"
            raise Malformed(Code.MALFORMED_CONFIG, detail)
    wanted = {**published, **config.per_minute}
    return {
        name: Pace(f"{surface}-{name}", most, _MINUTE_S) if most else None
        for name, most in wanted.items()
    }


def at_pace(routes: Iterable[Route], pace: Pace | None) -> tuple[Route, ...]:
    """Return *routes*, each at *pace*; what stops something is never held up by it."""
    return tuple(
        replace(route, pace=pace if route.lane is Lane.USUAL else None) for route in routes
    )


def bearer_in(incoming: Incoming) -> Bearer | None:
    """
    Return the token behind ``Authorization: Bearer``, None if that field is not there.

    Raises:
        Unauthenticated: It says something else.
    """
    field = incoming.fields.get(b"authorization")
    if field is None:
        return None
    scheme, _, token = field.partition(b" ")
    if scheme.lower() != b"bearer" or not token.isascii():
        detail = "expected Authorization: Bearer and a token, got something else"
        raise Unauthenticated(Code.PROOF_REFUSED, detail)
    return Bearer(token.strip().decode())


def token_in(incoming: Incoming, name: bytes) -> Bearer | None:
    """
    Return the token that is all of the header field *name*, None if that field is not there.

    Raises:
        Unauthenticated: It cannot be one.
    """
    field = incoming.fields.get(name)
    if field is None:
        return None
    if not field.isascii():
        raise Unauthenticated(Code.PROOF_REFUSED, f"{name.decode()}: expected a token")
    return Bearer(field.strip().decode())


async def principal_of(
    world: World, proof: Bearer | None, route: Route, surface: Surface
) -> Principal:
    """
    Return whom *proof* proves on *surface*; nobody without one.

    Raises:
        Unauthenticated, Forbidden: It is refused (`authenticate`).
    """
    return await authenticate(
        world,
        proof,
        is_write=not isinstance(route, Read),
        is_leaving=isinstance(route, Leave),
        surface=surface,
    )


def moment(at: int) -> str:
    """Return Unix seconds as vendors write times (ISO 8601, milliseconds, UTC)."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def say(error: ValetkeyError, body: Any, *, status: int | None = None) -> Answer:  # noqa: ANN401 - as vendors say errors
    """
    Return the answer that says *error* with *body*.

    Args:
        status: Where the vendor has another one than we have.
    """
    headers: tuple[tuple[bytes, bytes], ...] = ()
    allowed = error.facts.get("allow")
    if error.code is Code.METHOD_NOT_ALLOWED and isinstance(allowed, list):
        headers = ((b"allow", ", ".join(allowed).encode()),)
    elif error.code is Code.RATE_LIMITED:
        headers = refused_fields(error)
    return Answer(
        status or status_of(error),
        ENCODER.encode(body),
        headers=headers,
        code=error.code.value,
        why="; ".join(getattr(error, "__notes__", ())) or None,
        closes=error.code in {Code.BODY_TOO_LARGE, Code.HEADERS_TOO_LARGE, Code.URL_TOO_LONG},
    )
