"""What vendors' wire formats have in common: tokens in header fields, bodies with more in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from valetkey.core.errors import Code, Unauthenticated
from valetkey.flows.prove import Bearer, authenticate
from valetkey.http.answer import ENCODER, Answer
from valetkey.http.problem import status_of
from valetkey.http.rates import refused_fields
from valetkey.http.routes import Leave, Read

if TYPE_CHECKING:
    from valetkey.core.errors import ValetkeyError
    from valetkey.core.principal import Principal
    from valetkey.core.surface import Surface
    from valetkey.flows.world import World
    from valetkey.http.incoming import Incoming
    from valetkey.http.routes import Route


class AnyQuery(msgspec.Struct, frozen=True):
    """Query parameters that a vendor's clients may send, and that say nothing here."""


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
