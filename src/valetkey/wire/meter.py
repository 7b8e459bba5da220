"""The live meter: what its events say, and the ticket that opens it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.wire.activity import Step, write_steps
from valetkey.wire.base import Integer, Seconds, Told
from valetkey.wire.quiet import quiet
from valetkey.wire.session import Remaining

if TYPE_CHECKING:
    from valetkey.core.session import Session as CoreSession
    from valetkey.core.session import State

SNAPSHOT = "snapshot"  # the first event, and the first after each resumption
CHANGE = "change"
END = "end"


class Meter(Told, frozen=True, kw_only=True):
    """
    What changes about a session while it is used: the data of ``snapshot`` and ``change``.

    Args:
        state: With time and use in it.
        ends_at: When it is over if it is not used again.
        calls, calls_left: Booked, reservations included; None left is not counted.
        steps: When each plane stopped accepting it, oldest first.
    """

    session_id: str
    state: str
    ends_at: Seconds
    calls: Integer
    calls_left: Integer | None
    remaining: list[Remaining]
    steps: list[Step]


class Metered(Told, frozen=True, kw_only=True):
    """
    One session of an organization.

    Args:
        used_permille: Of its tightest limit, 0 to 1000; 0 if nothing limits it.
    """

    session_id: str
    label: str
    state: str
    ends_at: Seconds
    calls: Integer
    calls_left: Integer | None
    used_permille: Integer


class OrganizationMeter(Told, frozen=True, kw_only=True):
    """
    The sessions of an organization that are not over, most used first.

    Args:
        sessions: At most 100 of them.
        in_use: How many there are.
        has_more: Whether only the 1,000 newest were looked at.
    """

    organization_id: str
    sessions: list[Metered]
    in_use: Integer
    has_more: bool


class MeterEnd(Told, frozen=True, kw_only=True):
    """Why a stream ends: the data of ``end``, after which nothing comes."""

    code: str
    detail: str


class Ticket(Told, frozen=True, kw_only=True):
    """
    What opens the meter of a session once, in the place of a proof.

    Args:
        ticket: Shown this once.
        expires_at: First second at which it is refused.
    """

    ticket: str
    expires_at: Seconds

    __repr__ = quiet("ticket")


def write_meter(
    session: CoreSession,
    state: State,
    *,
    ends_at: int,
    calls: int,
    calls_left: int | None,
    remaining: list[Remaining],
) -> Meter:
    """Return what changes about *session*, as it is now."""
    return Meter(
        session_id=session.id,
        state=state.value,
        ends_at=ends_at,
        calls=calls,
        calls_left=calls_left,
        remaining=remaining,
        steps=write_steps(session.steps),
    )
