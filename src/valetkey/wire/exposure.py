"""Who is exposed to a key, a contract, a token, a recipient or a relayer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta

from valetkey.wire.base import Asked, Told
from valetkey.wire.explain import WorstCase, write_worst_case
from valetkey.wire.session import Session
from valetkey.wire.stop import Stopped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.core.permission import towards as core

MAX_REVOKED: Final = 100
Key = Annotated[
    str,
    Meta(
        max_length=132,
        description="A public key in hex, compressed or not, or the address of one on secp256k1.",
    ),
]
Contract = Annotated[str, Meta(max_length=42, description="20 bytes in hex.")]
Token = Annotated[str, Meta(max_length=42, description="20 bytes in hex, or `native`.")]


class Way(Told, frozen=True, kw_only=True):
    """One way there: the caveat of the permission, or the part of the session, and what it does."""

    place: str
    detail: str


class Exposure(Told, frozen=True, kw_only=True):
    """
    A session that is exposed.

    Args:
        worst_case: By these ways alone; what is spent already is not taken off.
    """

    session: Session
    ways: list[Way]
    worst_case: WorstCase


class RevokeExposed(Asked, frozen=True, kw_only=True):
    """
    What the sessions to revoke are exposed to: one of the first five.

    Args:
        organization_id: It, and all below it; the caller's own if it is left out.
        after: ``next`` of the answer before.
    """

    key: Key | None = None
    contract: Contract | None = None
    recipient: Contract | None = None
    token: Token | None = None
    relayer: Contract | None = None
    organization_id: str | None = None
    after: Annotated[str, Meta(max_length=256)] = ""
    limit: Annotated[int, Meta(ge=1, le=MAX_REVOKED)] = MAX_REVOKED


class RevokedExposed(Told, frozen=True, kw_only=True):
    """
    One page of them, each with its receipt.

    Args:
        next: What to give as ``after`` for the next page; None when this was the last one. Sessions
            that were opened meanwhile are found from the start again.
    """

    items: list[Stopped]
    next: str | None


def write_ways(found: core.Towards) -> list[Way]:
    """Return the ways of *found* as they are answered."""
    return [Way(place=one.place, detail=one.detail) for one in found.ways]


def write_exposure(
    session: Session, found: core.Towards, *, names: Mapping[bytes, str]
) -> Exposure:
    """Return how *session* is exposed, as it is answered."""
    return Exposure(
        session=session,
        ways=write_ways(found),
        worst_case=write_worst_case(found.worst, names=names),
    )
