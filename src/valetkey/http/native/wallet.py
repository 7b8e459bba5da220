"""Wallets, accounts, their delegation, and budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta, Struct, field

from valetkey.core.budget import BudgetLine
from valetkey.core.ids import Prefix
from valetkey.core.scope import Scope, SessionScope
from valetkey.core.wallet import Account, OwnerKey, Wallet
from valetkey.flows import accounts, budgets, delegation, reads
from valetkey.flows.account_state import account_state
from valetkey.flows.leftovers import alive_grants
from valetkey.http.native.pages import OwnedPage, budget_cursor, cursor_of, owner_of, page
from valetkey.http.routes import SECRET, SECRET_OR_SESSION, Ask, Read, Route, Write
from valetkey.wire import wallet as wire
from valetkey.wire.activity import Activity, write_activity
from valetkey.wire.base import (
    Address,
    Page,
    hexed,
    read_address,
    read_amount,
    read_bytes,
    read_text,
)
from valetkey.wire.clone import NewClone, read_salt
from valetkey.wire.leftover import write_alive

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted
    from valetkey.http.routes import NoQuery
    from valetkey.http.sight import Reads

SIGNATURE_BYTES: Final = 65
MAX_TOKENS: Final = 10


class StateQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which tokens to look at; may be given more than once."""

    token: Annotated[list[Address], Meta(max_length=MAX_TOKENS)] = field(default_factory=list)


async def _add_wallet(admitted: Admitted, ask: Ask[wire.AddWallet, NoQuery]) -> wire.AddedWallet:
    body = ask.body
    command = accounts.AddWallet(
        chain=body.chain,
        owner_key=OwnerKey(body.owner_key),
        address=None if body.address is None else read_address(body.address, "address"),
        user_id=body.user_id,
        label=read_text(body.label, "label"),
        clone=None if body.clone is None else _clone(body.clone),
    )
    wallet, account = await accounts.add_wallet(
        admitted.world, admitted.principal, admitted.request, command
    )
    return wire.AddedWallet(wallet=wire.write_wallet(wallet), account=wire.write_account(account))


def _clone(asked: NewClone) -> accounts.AsClone:
    return accounts.AsClone(personal=asked.personal, salt=read_salt(asked.salt))


async def _wallets(
    see: Reads, principal: Principal, ask: Ask[None, OwnedPage]
) -> Page[wire.Wallet]:
    query = ask.query
    found = await reads.listed(
        see,
        principal,
        Wallet,
        organization_id=owner_of(principal, query.organization_id),
        after=cursor_of(query, Prefix.WALLET),
        limit=query.limit,
    )
    return page(found, wire.write_wallet, query)


async def _wallet(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> wire.Wallet:
    return wire.write_wallet(await reads.owned(see, principal, Wallet, "wallet", key=ask.id))


async def _accounts(
    see: Reads, principal: Principal, ask: Ask[None, OwnedPage]
) -> Page[wire.Account]:
    query = ask.query
    found = await reads.listed(
        see,
        principal,
        Account,
        organization_id=owner_of(principal, query.organization_id),
        after=cursor_of(query, Prefix.ACCOUNT),
        limit=query.limit,
    )
    return page(found, wire.write_account, query)


async def _account(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> wire.Account:
    return wire.write_account(await reads.owned(see, principal, Account, "account", key=ask.id))


async def _state(see: Reads, principal: Principal, ask: Ask[None, StateQuery]) -> wire.AccountState:
    tokens = [read_address(one, "token") for one in ask.query.token]
    state = await account_state(see, principal, account_id=ask.id, tokens=tokens)
    return wire.AccountState(
        account_id=state.account.id,
        chain=state.account.chain,
        address=hexed(state.account.address),
        owner=hexed(state.owner),
        delegate=None if state.delegate is None else hexed(state.delegate),
        is_ready=state.is_ready,
        is_deployed=state.is_deployed,
        balance_wei=str(state.balance_wei),
        tokens=[
            wire.TokenBalance(token=hexed(token), balance=str(balance))
            for token, balance in state.tokens
        ],
    )


async def _delegation(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> wire.Delegation:
    wanted = await delegation.delegation_request(see, principal, account_id=ask.id)
    alive = await alive_grants(see, principal, account_id=ask.id)
    return wire.Delegation(
        chain_id=wanted.chain_id,
        delegate=hexed(wanted.delegate),
        nonce=wanted.nonce,
        digest=hexed(wanted.digest),
        alive=[write_alive(one.session, one.stage) for one in alive],
    )


async def _delegate(admitted: Admitted, ask: Ask[wire.Delegate, NoQuery]) -> Activity:
    text = ask.body.signature
    signature = None if text is None else read_bytes(text, "signature", count=SIGNATURE_BYTES)
    activity = await delegation.delegate(
        admitted.world,
        admitted.principal,
        admitted.request,
        account_id=ask.id,
        signature=signature,
    )
    return write_activity(activity)


async def _set_budget(admitted: Admitted, ask: Ask[wire.SetBudget, NoQuery]) -> wire.Budget:
    body = ask.body
    command = budgets.SetBudget(
        scope_id=body.scope_id,
        asset=wire.read_budget_asset(body.asset),
        limit=read_amount(body.limit, "limit"),
        window_s=body.window_s,
    )
    line = await budgets.set_budget(admitted.world, admitted.principal, admitted.request, command)
    return wire.write_budget(line)


async def _budgets(
    see: Reads, principal: Principal, ask: Ask[None, OwnedPage]
) -> Page[wire.Budget]:
    query = ask.query
    found = await reads.listed(
        see,
        principal,
        BudgetLine,
        organization_id=owner_of(principal, query.organization_id),
        after=budget_cursor(query.after),
        limit=query.limit,
    )
    return page(found, wire.write_budget, query)


ROUTES: Final[tuple[Route, ...]] = (
    Write(
        method="POST",
        path="/v1/wallets",
        who=SECRET,
        scope=Scope.WALLETS_WRITE,
        summary="Add a wallet with its account on one chain",
        body=wire.AddWallet,
        answer=wire.AddedWallet,
        status=201,
        handle=_add_wallet,
    ),
    Read(
        method="GET",
        path="/v1/wallets",
        who=SECRET,
        scope=Scope.READ,
        summary="List wallets",
        query=OwnedPage,
        answer=Page[wire.Wallet],
        handle=_wallets,
    ),
    Read(
        method="GET",
        path="/v1/wallets/{wallet_id}",
        who=SECRET,
        scope=Scope.READ,
        summary="Show a wallet",
        answer=wire.Wallet,
        handle=_wallet,
    ),
    Read(
        method="GET",
        path="/v1/accounts",
        who=SECRET,
        scope=Scope.READ,
        summary="List accounts",
        query=OwnedPage,
        answer=Page[wire.Account],
        handle=_accounts,
    ),
    Read(
        method="GET",
        path="/v1/accounts/{account_id}",
        who=SECRET,
        scope=Scope.READ,
        summary="Show an account",
        answer=wire.Account,
        handle=_account,
    ),
    Read(
        method="GET",
        path="/v1/accounts/{account_id}/state",
        who=SECRET_OR_SESSION,
        session_scope=SessionScope.READ,
        scope=Scope.READ,
        summary="Show an account's code and balances, as its chain has them",
        query=StateQuery,
        answer=wire.AccountState,
        handle=_state,
    ),
    Read(
        method="GET",
        path="/v1/accounts/{account_id}/delegation",
        who=SECRET,
        scope=Scope.READ,
        summary="Show what the owner signs so that the account runs our code",
        answer=wire.Delegation,
        handle=_delegation,
    ),
    Write(
        method="POST",
        path="/v1/accounts/{account_id}/delegation",
        who=SECRET,
        scope=Scope.WALLETS_WRITE,
        summary="Make the account run our code",
        body=wire.Delegate,
        answer=Activity,
        handle=_delegate,
    ),
    Write(
        method="POST",
        path="/v1/budgets",
        who=SECRET,
        scope=Scope.BUDGETS_WRITE,
        summary="Set the budget of a wallet or user for one asset",
        body=wire.SetBudget,
        answer=wire.Budget,
        handle=_set_budget,
    ),
    Read(
        method="GET",
        path="/v1/budgets",
        who=SECRET,
        scope=Scope.READ,
        summary="List budgets and funds",
        query=OwnedPage,
        answer=Page[wire.Budget],
        handle=_budgets,
    ),
)
