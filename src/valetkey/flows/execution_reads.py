"""Executions that are read: one, or those of an account, user or session; and what one costs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.activity import Activity
from valetkey.core.chain import Fees, Transaction
from valetkey.core.execution import check_calls, unsigned_calldata
from valetkey.core.organization import User
from valetkey.core.permission.model import Call
from valetkey.core.principal import PrincipalKind
from valetkey.core.session import Session
from valetkey.core.wallet import Account, Wallet
from valetkey.flows.gate import expect_known, expect_reach, expect_secret, expect_write, present
from valetkey.flows.lists import NEWEST
from valetkey.flows.reached import account_to_act, account_to_read, client_user
from valetkey.flows.scan import scan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from valetkey.core.principal import Principal
    from valetkey.flows.scan import Part
    from valetkey.flows.sight import Sight
    from valetkey.ports import View

WALLETS: Final = 256  # newest ones of a user
SIGNED_GAS: Final = 100_000  # the most that it costs to check and count what is signed
NEW_ACCOUNT_GAS: Final = 150_000  # and to make the account, or to let it run our code


@dataclass(frozen=True, slots=True)
class WhichExecutions:
    """Which are listed: those of one of these, or of the organization if none is named."""

    account_id: str | None = None
    session_id: str | None = None
    user_id: str | None = None


EVERY: Final = WhichExecutions()


async def execution(world: Sight, principal: Principal, *, activity_id: str) -> Activity:
    """Return one execution: of the organization, or of an account of the client's user."""
    expect_known(principal)

    def body(view: View) -> Activity:
        found = present(view.get(Activity, activity_id), "activity")
        if found.execution is None:
            return present(None, "activity")
        account_to_read(view, principal, found.account_id or "")
        return found

    return await world.store.read(body)


async def executions(
    world: Sight,
    principal: Principal,
    *,
    which: WhichExecutions = EVERY,
    part: Part = NEWEST,
) -> tuple[list[Activity], str | None]:
    """
    Return executions, and where the next part begins, as `scan` does.

    A client gets those of its own user alone, whether it names them or not.
    """
    expect_known(principal)

    def body(view: View) -> tuple[list[Activity], str | None]:
        owner = principal.organization_id
        if which.account_id is not None:
            account = account_to_read(view, principal, which.account_id)
            return _of_accounts(view, [account], part)
        if which.session_id is not None:
            session = present(view.get(Session, which.session_id), "session")
            account_to_read(view, principal, session.account_id or "")
            return scan(view, Activity, {"session_id": session.id}, _kept(owner), part)
        user_id = which.user_id
        if principal.kind is not PrincipalKind.SESSION:
            expect_secret(principal)
        else:
            user_id = client_user(view, principal)
            if which.user_id not in {None, user_id}:
                return present(None, "user")
        if user_id is not None:
            return _of_accounts(view, _accounts_of(view, principal, user_id), part)
        return scan(view, Activity, {"organization_id": owner}, _kept(owner), part)

    return await world.store.read(body)


def _kept(organization_id: str) -> Callable[[Activity], Activity | None]:
    def keep(found: Activity) -> Activity | None:
        is_one = found.execution is not None and found.organization_id == organization_id
        return found if is_one else None

    return keep


def _accounts_of(view: View, principal: Principal, user_id: str) -> list[Account]:
    user = present(view.get(User, user_id), "user")
    expect_reach(view, principal, user.organization_id, "user")
    wallets = view.find(Wallet, user_id=user_id, newest_first=True, limit=WALLETS)
    accounts = [one for wallet in wallets for one in view.find(Account, wallet_id=wallet.id)]
    return [one for one in accounts if one.organization_id == user.organization_id]


def _of_accounts(
    view: View, accounts: Sequence[Account], part: Part
) -> tuple[list[Activity], str | None]:
    """Return one list of several, up to where each of them was looked through."""
    found: list[Activity] = []
    behind: list[str] = []
    for one in accounts:
        keep = _kept(one.organization_id)
        mine, cursor = scan(view, Activity, {"account_id": one.id}, keep, part)
        found += mine
        behind += [] if cursor is None else [cursor]
    if behind and part.newest_first:
        found = [one for one in found if one.id >= max(behind)]
    elif behind:
        found = [one for one in found if one.id <= min(behind)]
    found.sort(key=lambda one: one.id, reverse=part.newest_first)
    if len(found) > part.limit:
        return found[: part.limit], found[part.limit - 1].id
    last = (max if part.newest_first else min)(behind, default=None)
    return found, last


@dataclass(frozen=True, slots=True)
class Estimate:
    """What calls would cost whoever pays: so much gas at most, and what a unit of it costs now."""

    gas: int
    fees: Fees

    @property
    def fee_wei(self) -> int:
        """The most that it would cost."""
        return self.gas * self.fees.max_fee_wei


async def estimate(
    world: Sight,
    principal: Principal,
    *,
    calls: Sequence[Call],
    account_id: str | None = None,
    chain: str = "",
) -> Estimate:
    """
    Return what it would cost now that an account makes *calls*.

    What nobody has signed cannot be simulated as it would be sent. So the calls are, as the account
    itself makes them: together where it has code, else each alone; and what it costs at most to
    check and count a signature is added, and to make the account.

    Args:
        account_id: None for an account that nobody has yet: the relayer stands in for it.
        chain: Its CAIP-2 name, if no account is named.

    Raises:
        Malformed: Calls that nobody may ask for.
        ChainRejected: One would revert.
    """
    expect_write(principal)
    account: Account | None = None
    if account_id is not None:
        account = await world.store.read(lambda view: account_to_act(view, principal, account_id))
    node = world.chain(account.chain if account else chain)
    check_calls(calls, never=(*(account.own if account else ()), node.implementation))
    sender = account.address if account else world.relayer_address
    fees, has_code = await asyncio.gather(node.fees(), node.has_code(sender))
    if has_code:
        used = await node.simulate(_from(sender, Call(sender, 0, unsigned_calldata(calls))))
        return Estimate(used + SIGNED_GAS, fees)
    each = await asyncio.gather(*(node.simulate(_from(sender, one)) for one in calls))
    return Estimate(sum(each) + SIGNED_GAS + NEW_ACCOUNT_GAS, fees)


def _from(sender: bytes, call: Call) -> Transaction:
    return Transaction(
        sender=sender,
        nonce=0,
        to=call.to,
        value_wei=call.value_wei,
        data=call.data,
        gas_limit=0,
        fees=Fees(0, 0),
    )
