"""Budgets: what is booked against a wallet, user or organization, in any number of windows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from valetkey.core.chain import Counter
from valetkey.core.errors import Code
from valetkey.core.permission.decide import Deny

FEES = "fees"


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """
    One limit on one asset for one scope.

    Args:
        id: `line_id` of scope, asset and window.
        scope_id: The wallet, user, session or organization that it limits.
        asset: ``native``, a token's address in hex, or ``fees`` (wei paid by the sponsor).
        window_s: 0 for a limit without windows.
        starts_at: Where windows are counted from.
        counter: Booked so far, reservations included.
    """

    id: str
    organization_id: str
    scope_id: str
    asset: str
    limit: int
    window_s: int
    starts_at: int
    counter: Counter


def line_id(scope_id: str, asset: str, window_s: int = 0) -> str:
    """Return the id of the line: one for each scope, asset and window length."""
    return f"{scope_id}/{asset}/{window_s}"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a reservation booked to a line, and in which window."""

    line_id: str
    window: int
    amount: int


@dataclass(frozen=True, slots=True)
class Hold:
    """
    What a session that no server stands before may still move of a line, in each window.

    Of a line for the whole life it is what the session has moved, once it can move nothing more.

    Args:
        id: `hold_id` of line and session.
        session_id: Empty for all sessions together that are over.
        until: First second at which it no longer counts; None is not yet known, or never.
    """

    id: str
    line_id: str
    session_id: str
    amount: int
    until: int | None = None


def hold_id(held_line_id: str, session_id: str) -> str:
    """Return the id of the hold: one for each line and session."""
    return f"{held_line_id}/{session_id}"


def booked_in(line: BudgetLine, *, now: int) -> tuple[int, int]:
    """Return the window that *now* books to, and what is booked in it."""
    asked = (now - line.starts_at) // line.window_s if line.window_s else 0
    # Forwards only: a clock that is behind books to the window that was reached already.
    window = max(asked, line.counter.window)
    return window, line.counter.spent if line.counter.window == window else 0


def book(
    line: BudgetLine, amount: int, *, now: int, held: int = 0
) -> tuple[BudgetLine, Entry] | Deny:
    """
    Return *line* with *amount* booked at *now*, or why it does not fit.

    Args:
        held: What sessions may move of it that no server stands before.
    """
    window, spent = booked_in(line, now=now)
    if spent + held + amount > line.limit:
        kind = Code.SPONSORSHIP_EXCEEDED if line.asset == FEES else Code.BUDGET_EXCEEDED
        detail = f"{line.limit} of {line.asset} allowed for {line.scope_id}, {spent} booked"
        if held:
            detail += f", {held} held for sessions that bind no relayer"
        return Deny(kind, f"budget {line.id}", f"{detail}, {amount} asked for")
    booked = replace(line, counter=Counter(spent + amount, window))
    return booked, Entry(line.id, window, amount)


def settle(line: BudgetLine, entry: Entry, *, actual: int) -> BudgetLine:
    """Return *line* with *actual* in place of what *entry* had booked; never below zero."""
    if line.counter.window != entry.window:
        return line
    spent = max(line.counter.spent - entry.amount + actual, 0)
    return replace(line, counter=Counter(spent, line.counter.window))


class ReservationState(StrEnum):
    """``COMMITTED`` and ``RELEASED`` are ends."""

    RESERVED = "reserved"
    COMMITTED = "committed"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class Booking:
    """
    What a reservation booked to one session.

    Args:
        calls: Uses.
        amounts: Booked to each limit of the session's permission.
        windows: The window of each limit at booking.
        rate_window: The window of the permission's rate at booking.
    """

    session_id: str
    calls: int
    amounts: tuple[int, ...]
    windows: tuple[int, ...]
    rate_window: int = 0


@dataclass(frozen=True, slots=True)
class Reservation:
    """
    What one activity holds until the chain has answered.

    Args:
        id: The activity's.
        session_id: Whose grant the run is made under: the root of the session that asked.
        nonce: Of the run, in that grant.
        deadline: First second at which the chain no longer takes the run.
        bookings: The session that asked first, then those above it, the root last.
        entries: Booked to budget lines, fees not among them.
    """

    id: str
    organization_id: str
    session_id: str
    state: ReservationState
    nonce: int
    deadline: int
    bookings: tuple[Booking, ...]
    entries: tuple[Entry, ...]

    @property
    def root(self) -> Booking:
        """What is booked to the session whose grant the run is made under."""
        return self.bookings[-1]
