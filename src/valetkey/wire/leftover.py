"""What sessions leave behind on an account: grants that are alive, and approvals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from valetkey.wire.activity import Activity, Call, write_call
from valetkey.wire.base import Address, Amount, Seconds, Told, Word, hexed

if TYPE_CHECKING:
    from valetkey.core.chain import GrantStage
    from valetkey.core.permission.model import Call as CoreCall
    from valetkey.core.session import Session


class AliveGrant(Told, frozen=True, kw_only=True):
    """
    A session whose grant works as soon as the account runs our code.

    Args:
        state: As this server keeps it; ``revoked`` and ``closed`` ones are over here alone.
        stage: As the chain keeps it; ``unknown`` was never used there, and can be. ``revoked`` is
            there only while a block may still take that back.
    """

    session_id: str
    label: str
    state: str
    stage: Literal["unknown", "open", "frozen", "revoked"]
    grant_id: Word
    expires_at: Seconds


class Approval(Told, frozen=True, kw_only=True):
    """
    How much a spender may still take from the account.

    Args:
        clear: The call with which the account takes it away; its owner sends it, or has it sent.
    """

    token: Address
    spender: Address
    amount: Amount
    clear: Call


class Approvals(Told, frozen=True, kw_only=True):
    """
    What is left of what sessions of the account may have approved.

    Args:
        owner_key: ``sealed`` is here, so that the server can clear them; ``outside`` is not.
        next: Where the next page begins (``after``); null if this is the last one. A page that
            is empty may have one behind it.
    """

    owner_key: str
    items: list[Approval]
    next: str | None


def together(one: Approvals, other: Approvals) -> Approvals:
    """Return two pages as one; what is on both is there once."""
    found = {(each.token, each.spender): each for each in (*one.items, *other.items)}
    return Approvals(owner_key=other.owner_key, items=list(found.values()), next=other.next)


class Cleared(Told, frozen=True, kw_only=True):
    """The run that sets approvals to 0; None if there was none."""

    activity: Activity | None


def write_alive(session: Session, stage: GrantStage) -> AliveGrant:
    """Return a grant that is alive as it is answered."""
    grant_id = session.grant.grant_id if session.grant else b""
    known: dict[str, Literal["unknown", "open", "frozen", "revoked"]] = {
        "open": "open",
        "frozen": "frozen",
        "revoked": "revoked",
    }
    return AliveGrant(
        session_id=session.id,
        label=session.label,
        state=session.state.value,
        stage=known.get(stage.value, "unknown"),
        grant_id=hexed(grant_id),
        expires_at=session.expires_at,
    )


def write_approval(token: bytes, spender: bytes, amount: int, clear: CoreCall) -> Approval:
    """Return an approval as it is answered."""
    return Approval(
        token=hexed(token), spender=hexed(spender), amount=str(amount), clear=write_call(clear)
    )
