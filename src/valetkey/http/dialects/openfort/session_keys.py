"""Session keys by their address: which sessions of an account they have."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from valetkey.core.errors import Code, Conflict, Malformed
from valetkey.core.permission.model import ZERO_ADDRESS
from valetkey.core.session import State, Usage, state_of
from valetkey.core.surface import Surface
from valetkey.core.wallet import Account
from valetkey.flows.gate import present
from valetkey.flows.revocation import sessions_of_key
from valetkey.http.dialects.openfort import ids

if TYPE_CHECKING:
    from valetkey.core.command import OpenSession
    from valetkey.core.session import Session
    from valetkey.flows.sight import Sight
    from valetkey.ports import View

LIVE = frozenset({State.OPEN, State.FROZEN, State.EXHAUSTED})


def states_of(
    world: Sight, view: View, account: Account, key: bytes
) -> list[tuple[Session, State]]:
    """Return the sessions that *key* (20 bytes) has on *account* here, each as it is now."""
    found = sessions_of_key(view, account.organization_id, account.id, key)
    now = world.clock.now()
    return [
        (one, state_of(one, present(view.get(Usage, one.id), "session"), now=now))
        for one in found
        if one.surface is Surface.OPENFORT
    ]


def expect_new_key(world: Sight, view: View, account: Account, key: bytes) -> None:
    """
    Let pass a key that has no session on *account* which the chain knows and nobody has ended.

    Raises:
        Malformed: It is nobody's, or the owner's, who is not bound by a session.
        Conflict: It has one; a second one would only count apart from it.
    """
    if key in {ZERO_ADDRESS, account.owner}:
        got = "the owner's own" if any(key) else "zero"
        detail = f"address: expected the address of a key for this session, got {got}"
        raise Malformed(Code.MALFORMED_BODY, detail, field="address")
    for one, state in states_of(world, view, account, key):
        if state in LIVE:
            named = ids.shown(one.id, ids.SESSION)
            detail = (
                "address: expected a key without a session on this account, got one that has"
                f" {named}, which is {state}; revoke that first, or take a new key"
            )
            raise Conflict(Code.SESSION_KEY_IN_USE, detail, field="address")


def same_waiting(world: Sight, view: View, command: OpenSession) -> Session | None:
    """
    Return the session that *command* asks for, if it was asked for already and waits for its owner.

    One that was to begin at once begins when it was asked for first.
    """
    account = view.get(Account, command.account_id or "")
    wanted, key = command.permission, command.key_address
    if account is None or wanted is None or key is None:
        return None
    for one, state in states_of(world, view, account, key):
        has, grant = one.permission, one.grant
        waits = state is State.PENDING and grant is not None and grant.owner_signature is None
        if not waits or has is None or one.sponsorship_id != command.sponsorship_id:
            continue
        begun = has.starts_at <= wanted.starts_at <= world.clock.now()
        if has == wanted or (begun and replace(has, starts_at=wanted.starts_at) == wanted):
            return one
    return None


def session_of_key(world: Sight, view: View, account: Account, key: bytes) -> Session:
    """
    Return the session that is meant by its *key*: one that the chain knows, else one that waits.

    Raises:
        Malformed: The key has none here that is not over.
    """
    known = states_of(world, view, account, key)
    for wanted in (LIVE, {State.PENDING}):
        for one, state in known:
            if state in wanted:
                return one
    got = f"one whose session is {known[0][1]}" if known else "another"
    detail = f"address: expected the key of a session of this account that is not over, got {got}"
    raise Malformed(Code.SESSION_STATE, detail, field="address")
