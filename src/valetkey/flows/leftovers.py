"""What sessions leave behind on an account: grants that are alive, and approvals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from valetkey.core.chain import GrantStage
from valetkey.core.errors import ChainRejected, Code
from valetkey.core.permission.effects import selector_of
from valetkey.core.permission.model import Call
from valetkey.core.session import Session
from valetkey.core.wallet import Account
from valetkey.flows.gate import expect_reach, expect_secret, present
from valetkey.flows.named import pairs_of, pairs_of_account
from valetkey.flows.standing import grant_state_of
from valetkey.flows.turns import in_turns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.principal import Principal
    from valetkey.flows.named import Pair
    from valetkey.flows.sight import Sight
    from valetkey.ports import Chain, View

PAGE: Final = 1000
MOST: Final = 500  # approvals that are looked at for one page
_WORD: Final = 32
_APPROVE: Final = selector_of("approve(address,uint256)")


@dataclass(frozen=True, slots=True)
class Approval:
    """How much of *token* *spender* may still take from the account, in its smallest unit."""

    token: bytes
    spender: bytes
    amount: int

    def clearing(self) -> Call:
        """Return the call with which the account takes it away."""
        return Call(self.token, 0, _APPROVE + self.spender.rjust(_WORD, b"\0") + bytes(_WORD))


@dataclass(frozen=True, slots=True)
class Approvals:
    """
    A page of approvals.

    Args:
        next: Where the next page begins; None if this is the last one.
    """

    items: tuple[Approval, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class AliveGrant:
    """A session whose grant the account's contract would still take, or has only frozen."""

    session: Session
    stage: GrantStage


async def alive_grants(
    world: Sight, principal: Principal, *, account_id: str
) -> tuple[AliveGrant, ...]:
    """
    Return what would come alive when the account runs our code, whatever state it has here.

    Grants that were never signed as far as we know are not among them. The slots of an account that
    runs other code now, or none, are still there: delegating again gives them their meaning back.
    """
    account = await _account(world, principal, account_id)
    now = world.clock.now()
    signed = await world.store.read(lambda view: signed_of(view, account_id, now=now))
    found = await stages_of(world, account, signed)
    return tuple(one for one in found if one.stage is not GrantStage.REVOKED)


def sessions_of(view: View, account_id: str) -> list[Session]:
    """Return every session of an account, whatever its state."""
    found: list[Session] = []
    while page := view.find(
        Session, account_id=account_id, after=found[-1].id if found else "", limit=PAGE
    ):
        found += page
    return found


def signed_of(view: View, account_id: str, *, now: int) -> list[Session]:
    """Return the sessions that an account's contract could take: signed, and not past their end."""
    return [
        one
        for one in sessions_of(view, account_id)
        if one.grant and one.grant.owner_signature and now < one.expires_at
    ]


async def stages_of(
    world: Sight, account: Account, sessions: Sequence[Session]
) -> list[AliveGrant]:
    """Return how the chain has the grant of each of *sessions*, alive or not."""
    return await in_turns(partial(_stage, world.chain(account.chain), account), sessions)


async def _stage(chain: Chain, account: Account, session: Session) -> AliveGrant:
    state = await grant_state_of(chain, account, present(session.grant, "grant"))
    return AliveGrant(session, state.stage)


async def approvals_of_account(
    world: Sight, principal: Principal, *, account_id: str, after: str = ""
) -> Approvals:
    """
    Return the approvals that are left of what sessions of the account may have approved: a page.

    Args:
        after: ``next`` of the page before.
    """
    account = await _account(world, principal, account_id)
    pairs, behind = await world.store.read(
        lambda view: pairs_of_account(view, account_id, after=after, limit=MOST)
    )
    return Approvals(await _left(world, account, pairs), behind)


async def every_approval(
    world: Sight, principal: Principal, *, account_id: str
) -> tuple[Approval, ...]:
    """Return the approvals of all pages, each once."""
    found: dict[Approval, None] = {}
    after: str | None = ""
    while after is not None:
        page = await approvals_of_account(world, principal, account_id=account_id, after=after)
        found.update(dict.fromkeys(page.items))
        after = page.next
    return tuple(found)


async def approvals_of_session(world: Sight, session: Session) -> Approvals:
    """Return the approvals that are left of what *session* may have approved; the first page."""
    if session.account_id is None or session.permission is None:
        return Approvals((), None)

    def facts(view: View) -> tuple[Account, list[tuple[str, Pair]]]:
        account = present(view.get(Account, session.account_id or ""), "account")
        return account, pairs_of(view, session, limit=MOST)

    account, asked = await world.store.read(facts)
    left = await _left(world, account, [pair for _, pair in asked])
    return Approvals(left, asked[-1][0] if len(asked) == MOST else None)


async def _account(world: Sight, principal: Principal, account_id: str) -> Account:
    expect_secret(principal)

    def facts(view: View) -> Account:
        account = present(view.get(Account, account_id), "account")
        expect_reach(view, principal, account.organization_id, "account")
        return account

    return await world.store.read(facts)


async def _left(world: Sight, account: Account, pairs: Sequence[Pair]) -> tuple[Approval, ...]:
    found = await in_turns(partial(_allowance, world.chain(account.chain), account), pairs)
    return tuple(one for one in found if one.amount)


async def _allowance(chain: Chain, account: Account, pair: Pair) -> Approval:
    token, spender = pair
    try:
        amount = await chain.allowance(token, account.address, spender)
    except ChainRejected as rejected:
        if rejected.code in {Code.CHAIN_REJECTED, Code.WRONG_CHAIN}:
            raise
        amount = 0  # no token answers there
    return Approval(token, spender, amount)
