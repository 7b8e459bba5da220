"""An account as its chain shows it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from valetkey.core.errors import Code, Forbidden
from valetkey.core.principal import PrincipalKind
from valetkey.core.session import Session
from valetkey.core.wallet import Account
from valetkey.flows.gate import expect_known, expect_reach, present

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.principal import Principal
    from valetkey.flows.sight import Sight
    from valetkey.ports import Chain, View


@dataclass(frozen=True, slots=True)
class AccountState:
    """
    What the chain says now.

    Args:
        owner: The 20 bytes that it belongs to now.
        delegate: The 20 bytes that the account delegates to (EIP-7702), or None.
        is_ready: Whether that is the implementation of this server; a clone is ready before it is
            there, for the first act makes it.
        is_deployed: Whether there is code at its address, or a delegation.
        tokens: Token and balance, in the order asked for.
    """

    account: Account
    owner: bytes
    delegate: bytes | None
    is_ready: bool
    is_deployed: bool
    balance_wei: int
    tokens: tuple[tuple[bytes, int], ...]


async def account_state(
    world: Sight, principal: Principal, *, account_id: str, tokens: Sequence[bytes]
) -> AccountState:
    """
    Return the account's code and balances: for its organization, a parent, or a session of it.

    Args:
        tokens: 20 bytes each.
    """
    expect_known(principal)

    def facts(view: View) -> Account:
        account = present(view.get(Account, account_id), "account")
        expect_reach(view, principal, account.organization_id, "account")
        _expect_own(view, principal, account)
        return account

    account = await world.store.read(facts)
    chain = world.chain(account.chain)
    (owner, delegate, is_deployed), balance, held = await asyncio.gather(
        _code(chain, account),
        chain.balance(account.address),
        asyncio.gather(*(chain.token_balance(token, account.address) for token in tokens)),
    )
    return AccountState(
        account=account,
        owner=owner,
        delegate=delegate,
        is_ready=account.clone is not None or delegate == chain.implementation,
        is_deployed=is_deployed,
        balance_wei=balance,
        tokens=tuple(zip(tokens, held, strict=True)),
    )


async def _code(chain: Chain, account: Account) -> tuple[bytes, bytes | None, bool]:
    """Return the owner, the delegate, and whether there is anything."""
    if account.clone is None:
        delegate = await chain.delegate_of(account.address)
        return account.owner, delegate, delegate is not None
    state = await chain.clone_state(account.address)
    return (state.owner if state else account.owner), None, state is not None


def _expect_own(view: View, principal: Principal, account: Account) -> None:
    if principal.kind is PrincipalKind.PUBLISHABLE:
        raise Forbidden(Code.NOT_ALLOWED, "a publishable key reads the consent of a session only")
    if principal.kind is PrincipalKind.SESSION:
        session = present(view.get(Session, principal.subject_id), "account")
        if session.account_id != account.id:
            present(None, "account")
