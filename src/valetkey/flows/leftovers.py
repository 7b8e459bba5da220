"""What sessions leave behind on an account: grants that are alive, and approvals."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from valetkey.core.activity import Activity
from valetkey.core.chain import GrantStage
from valetkey.core.errors import ChainRejected, Code
from valetkey.core.permission.effects import EFFECTS, selector_of
from valetkey.core.permission.model import Anything, Call, Operator
from valetkey.core.session import Session
from valetkey.core.wallet import Account
from valetkey.flows.gate import expect_reach, expect_secret, present

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from valetkey.core.permission.model import Permission, Rule
    from valetkey.core.principal import Principal
    from valetkey.flows.sight import Sight
    from valetkey.ports import Chain, Value, View

PAGE: Final = 1000
AT_ONCE: Final = 20
MOST: Final = 500  # grants or approvals that are looked at in one answer
_WORD: Final = 32
_ADDRESS: Final = 20
_APPROVE: Final = selector_of("approve(address,uint256)")
E = TypeVar("E", Session, Activity)
Pair = tuple[bytes, bytes]


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
    found = await stages_of(world, account, signed[:MOST])
    return tuple(one for one in found if one.stage is not GrantStage.REVOKED)


def sessions_of(view: View, account_id: str) -> list[Session]:
    """Return every session of an account, whatever its state."""
    return _all(view, Session, account_id=account_id)


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
    chain, found = world.chain(account.chain), []
    for start in range(0, len(sessions), AT_ONCE):
        some = sessions[start : start + AT_ONCE]
        found += await asyncio.gather(*(_stage(chain, account, one) for one in some))
    return found


async def _stage(chain: Chain, account: Account, session: Session) -> AliveGrant:
    grant_id = present(session.grant, "grant").grant_id
    state = await chain.grant_state(account.address, grant_id, counters=0)
    return AliveGrant(session, state.stage)


async def approvals_of_account(
    world: Sight, principal: Principal, *, account_id: str
) -> tuple[Approval, ...]:
    """Return the approvals that are left of what any session of the account may have approved."""
    account = await _account(world, principal, account_id)
    pairs = await world.store.read(lambda view: _pairs(view, account_id=account_id))
    return await _left(world, account, pairs)


async def approvals_of_session(world: Sight, session: Session) -> tuple[Approval, ...]:
    """Return the approvals that are left of what *session* may have approved."""
    if session.account_id is None or session.permission is None:
        return ()

    def facts(view: View) -> tuple[Account, list[Pair]]:
        account = present(view.get(Account, session.account_id or ""), "account")
        return account, _pairs(view, session_id=session.id)

    account, pairs = await world.store.read(facts)
    asked = list(dict.fromkeys((*pairs, *_allowed(session.permission))))
    return await _left(world, account, asked)


async def _account(world: Sight, principal: Principal, account_id: str) -> Account:
    expect_secret(principal)

    def facts(view: View) -> Account:
        account = present(view.get(Account, account_id), "account")
        expect_reach(view, principal, account.organization_id, "account")
        return account

    return await world.store.read(facts)


def _pairs(view: View, **where: Value) -> list[Pair]:
    """Return every token and spender that a run named, or that a permission lists."""
    found: dict[Pair, None] = {}
    for activity in _all(view, Activity, **where):
        for call in activity.run.calls if activity.run else ():
            effect = EFFECTS.get(call.selector) if call.selector else None
            if effect is not None and effect.approves:
                word = call.arguments[effect.recipient * _WORD :][:_WORD]
                found[call.to, word[-_ADDRESS:]] = None
    if "account_id" in where:
        for session in _all(view, Session, **where):
            if session.permission is not None:
                found.update(dict.fromkeys(_allowed(session.permission)))
    return list(found)


def _allowed(permission: Permission) -> Iterator[Pair]:
    """Yield what a holder may have approved without us, as far as the permission lists it."""
    for rule in permission.rules:
        effect = EFFECTS.get(rule.selector) if rule.selector else None
        if effect is not None and effect.approves:
            for spender in _spenders(permission, rule, effect.recipient):
                yield rule.target, spender


def _spenders(permission: Permission, rule: Rule, argument: int) -> Iterator[bytes]:
    if not isinstance(permission.recipients, Anything):
        yield from permission.recipients
    for one in rule.where:
        if one.argument == argument and one.operator is not Operator.AT_MOST:
            yield from (value.to_bytes(_WORD)[-_ADDRESS:] for value in one.values)


async def _left(world: Sight, account: Account, pairs: Sequence[Pair]) -> tuple[Approval, ...]:
    chain, found = world.chain(account.chain), []
    for start in range(0, min(len(pairs), MOST), AT_ONCE):
        some = pairs[start : min(start + AT_ONCE, MOST)]
        found += await asyncio.gather(*(_allowance(chain, account, one) for one in some))
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


def _all(view: View, kind: type[E], **where: Value) -> list[E]:
    found: list[E] = []
    while True:
        after = found[-1].id if found else ""
        page = view.find(kind, after=after, limit=PAGE, newest_first=False, **where)
        if not page:
            return found
        found += page
