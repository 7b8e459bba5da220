"""What is known of a grant: what the ledger has booked, and what the chain says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from valetkey.core.budget import Reservation, ReservationState
from valetkey.core.chain import NONCE_REACH, Counter, GrantStage
from valetkey.core.errors import Code, Forbidden, Limited
from valetkey.flows.settle import RECENT_NONCES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.chain import GrantState
    from valetkey.core.permission.decide import Spent
    from valetkey.core.session import Usage
    from valetkey.ports import View


def refuse_stopped(on_chain: GrantState) -> None:
    """Raise `Forbidden` if the account's contract says that the grant is revoked or frozen."""
    if on_chain.stage is GrantStage.REVOKED:
        raise Forbidden(Code.SESSION_REVOKED, "the account's contract says that it is revoked")
    if on_chain.stage is GrantStage.FROZEN:
        raise Forbidden(Code.SESSION_FROZEN, "the account's contract says that it is frozen")


def held_of(view: View, usage: Usage, on_chain: GrantState) -> list[Reservation]:
    """
    Return what is reserved under a grant, and what was committed after *on_chain* was looked at.

    Args:
        usage: Of the session that the grant is of: a root.
    """
    held = view.find(Reservation, session_id=usage.id, state=ReservationState.RESERVED)
    if any(on_chain.is_nonce_free(nonce) for nonce in usage.recent_nonces):
        held += view.find(
            Reservation,
            session_id=usage.id,
            state=ReservationState.COMMITTED,
            limit=RECENT_NONCES,
            newest_first=True,
        )
    return held


def learn(booked: Spent, on_chain: GrantState, held: Sequence[Reservation]) -> Spent:
    """
    Return what counts as spent: the ledger, or the chain and what it does not show, if more.

    A holder may bring runs to the chain without us; those are known from the chain alone. With a
    rate they may not: it binds the relayer, so the ledger's count is all there is.

    Args:
        held: By `held_of`; what *on_chain* has used the nonce of is among its own counts.
    """
    held = [one for one in held if on_chain.is_nonce_free(one.nonce)]
    mine = [one.root for one in held]
    calls = max(booked.calls, on_chain.calls + sum(one.calls for one in mine))
    counters = []
    for index, (ours, theirs) in enumerate(zip(booked.counters, on_chain.counters, strict=True)):
        window = max(ours.window, theirs.window)
        waiting = sum(one.amounts[index] for one in mine if one.windows[index] == window)
        known = ours.spent if ours.window == window else 0
        chain = theirs.spent if theirs.window == window else 0
        counters.append(Counter(max(known, chain + waiting), window))
    return replace(booked, calls=calls, counters=tuple(counters))


def free_nonce(on_chain: GrantState, held: Sequence[Reservation], usage: Usage) -> int:
    """
    Return the lowest nonce of a grant that no run has and no run may still have.

    Raises:
        Limited: As many runs are in flight as the chain lets there be.
    """
    taken = {one.nonce for one in held} | set(usage.recent_nonces)
    for nonce in range(on_chain.nonce_base, on_chain.nonce_base + NONCE_REACH + 1):
        if nonce not in taken and on_chain.is_nonce_free(nonce):
            return nonce
    detail = f"expected at most {NONCE_REACH} runs in flight; wait for one to be included"
    raise Limited(Code.TOO_MANY_IN_FLIGHT, detail)
