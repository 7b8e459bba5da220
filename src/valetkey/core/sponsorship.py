"""Who pays for gas: funds in wei, one for runs and one that only stops may use."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from valetkey.core.budget import FEES, line_id

if TYPE_CHECKING:
    from collections.abc import Sequence


class Fund(StrEnum):
    """
    What a transaction is paid from, and by which key of the server.

    Spending can never empty ``STOPS``: revocations, freezes and kill notes are paid from it, by a
    key with nonces and money of its own.
    """

    RUNS = "runs"
    STOPS = "stops"


class PayerState(StrEnum):
    """
    What a payer does.

    ``PREPARED`` waits for money. ``CURRENT`` pays. ``FORMER`` ends what it began, and pays for the
    sessions whose grants bind it. ``RETIRED`` pays for nothing, and its key is kept.
    """

    PREPARED = "prepared"
    CURRENT = "current"
    FORMER = "former"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Payer:
    """
    A key of the server that pays for gas.

    Args:
        id: Its address, 0x and hex.
        key_id: Of its `SealedKey`.
        since: When it came into its state, Unix seconds.
    """

    id: str
    fund: Fund
    key_id: str
    state: PayerState
    since: int


def payer_id(address: bytes) -> str:
    """Return the id of the payer at *address*."""
    return f"0x{address.hex()}"


def fund_line_id(organization_id: str, fund: Fund) -> str:
    """Return the id of the line that holds *fund* of an organization."""
    return line_id(f"{organization_id}:{fund}", FEES)


def fee_line_ids(
    *, organization_id: str, user_id: str | None, session_ids: Sequence[str], fund: Fund
) -> tuple[str, ...]:
    """
    Return the lines that a sponsored transaction is booked to, narrowest first.

    Stops are booked to the organization's fund alone: a user or session that has used up its own
    budget can still be stopped.

    Args:
        session_ids: The session and those above it; none for what no session asked for.
    """
    if fund is Fund.STOPS:
        return (fund_line_id(organization_id, fund),)
    scopes = [*session_ids, *(() if user_id is None else (user_id,))]
    return (*(line_id(scope, FEES) for scope in scopes), fund_line_id(organization_id, fund))
