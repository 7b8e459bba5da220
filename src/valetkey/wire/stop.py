"""Sessions stopped: frozen, revoked, closed, and whether it is so."""

from __future__ import annotations

from typing import Literal

from valetkey.wire.activity import Activity
from valetkey.wire.base import Asked, Integer, Signature, Told, Word
from valetkey.wire.leftover import Approval
from valetkey.wire.session import Session, TypedData


class FreezeNote(Told, frozen=True, kw_only=True):
    """What the owner signs to freeze or unfreeze on chain."""

    typed_data: TypedData
    digest: Word
    sequence: Integer


class Switch(Asked, frozen=True, kw_only=True):
    """Freeze or unfreeze; the owner's signature over the note, if there is one."""

    owner_signature: Signature | None = None


class Tried(Told, frozen=True, kw_only=True):
    """
    What a plane said to a run of the session, asked after the stop.

    Args:
        plane: ``server`` or ``chain``.
        refused: None if it could not be found out; ``code`` and ``detail`` say why.
    """

    plane: Literal["server", "chain"]
    refused: bool | None
    code: str | None
    detail: str
    at_ms: Integer


class Stopped(Told, frozen=True, kw_only=True):
    """
    The receipt of a stop: the session with the time of each step, and whether it is so.

    Args:
        activity: What brings it to the chain.
        tried: Each plane where the session could be used, tried after the stop.
        approvals: What is left of what the session may have approved; None if its chain is silent.
        has_more_approvals: Whether more were named than were looked at; those of the account say
            what is left of them.
    """

    session: Session
    activity: Activity
    tried: list[Tried]
    approvals: list[Approval] | None
    has_more_approvals: bool


class RevokeAll(Asked, frozen=True, kw_only=True):
    """Whose sessions to revoke together."""

    scope: Literal["user", "wallet", "organization"]
    scope_id: str


class StoppedAll(Told, frozen=True, kw_only=True):
    """Every session that was revoked."""

    items: list[Stopped]
