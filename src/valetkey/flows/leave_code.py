"""Whether an account may leave our code: what is alive there, and what its owner then signs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.activity import ActivityState
from valetkey.core.chain import GrantStage
from valetkey.core.errors import Code, Conflict, Malformed
from valetkey.core.plan import delegation_digest
from valetkey.core.session import Session, Watch
from valetkey.core.wallet import Account
from valetkey.flows.gate import expect_reach, expect_secret, present
from valetkey.flows.kill_again import endings_of, is_ending
from valetkey.flows.leftovers import AliveGrant, sessions_of, signed_of, stages_of
from valetkey.flows.standing import expect_delegable
from valetkey.flows.stop import is_alive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.principal import Principal
    from valetkey.flows.sight import Sight
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

NO_CODE: Final = bytes(20)


@dataclass(frozen=True, slots=True)
class Undelegation:
    """
    What stands between an account and other code.

    Args:
        delegate: What it is to run; `NO_CODE` for nothing.
        alive: Sessions that its contract would still take, or whose end is not final.
        nonce, digest: What the owner signs (EIP-7702); None while a session is alive.
    """

    chain_id: int
    delegate: bytes
    alive: tuple[AliveGrant, ...]
    nonce: int | None
    digest: bytes | None


async def undelegation(
    world: Sight, principal: Principal, *, account_id: str, delegate: bytes = NO_CODE
) -> Undelegation:
    """Return what the owner signs so that the account runs *delegate*; nothing before it is due."""
    expect_secret(principal)

    def facts(view: View) -> Account:
        account = present(view.get(Account, account_id), "account")
        expect_reach(view, principal, account.organization_id, "account")
        expect_delegable(account)
        return account

    account = await world.store.read(facts)
    chain = world.chain(account.chain)
    expect_other(delegate, chain.implementation)
    alive = await alive_of(world, account)
    if alive:
        return Undelegation(chain.chain_id, delegate, alive, None, None)
    nonce = await chain.transaction_count(account.address)
    digest = delegation_digest(chain=account.chain, delegate=delegate, nonce=nonce)
    return Undelegation(chain.chain_id, delegate, (), nonce, digest)


def expect_other(delegate: bytes, implementation: bytes) -> None:
    """Let pass if *delegate* is not the code that is ours."""
    if delegate == implementation:
        detail = f"delegate: expected other code than 0x{delegate.hex()}, which is ours"
        raise Malformed(Code.MALFORMED_BODY, f"{detail}; that is a delegation")


async def alive_of(world: Sight, account: Account) -> tuple[AliveGrant, ...]:
    """Return the sessions that stand in the way: alive on chain, or ended there not finally."""
    now = world.clock.now()
    signed = await world.store.read(lambda view: signed_of(view, account.id, now=now))
    found = await stages_of(world, account, signed)
    ended = [one.session for one in found if one.stage is GrantStage.REVOKED]
    near = await world.store.read(lambda view: {s.id for s in ended if not _is_final(view, s)})
    return tuple(
        one for one in found if one.stage is not GrantStage.REVOKED or one.session.id in near
    )


def _is_final(view: View, session: Session) -> bool:
    """Say whether no block takes the end of *session* back: ours is deep, or its watch is over."""
    if is_ending(view, session):
        return False
    mined = [one for one in endings_of(view, session) if one.intent is not None]
    is_ours = any(one.state is ActivityState.DONE for one in mined)
    return is_ours or not view.find(Watch, session_id=session.id, limit=1)


def expect_over(world: World, tx: Tx, account: Account) -> None:
    """Let pass if no session has begun since the chain was asked: all are over, and finally."""
    for session in sessions_of(tx, account.id):
        if session.grant is None or world.clock.now() >= session.expires_at:
            continue
        if is_alive(world, tx, session) or not _is_final(tx, session):
            raise still_alive((AliveGrant(session, GrantStage.UNKNOWN),))


def still_alive(alive: Sequence[AliveGrant]) -> Conflict:
    """Return what is said to an owner who signed too early."""
    detail = f"expected every session to be over on chain, got {len(alive)} that are not"
    return Conflict(Code.SESSION_STATE, f"{detail}; ask to undelegate, and sign when they are")
