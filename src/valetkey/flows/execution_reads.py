"""What an execution would cost, before anybody signs it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.chain import Fees, Transaction
from valetkey.core.execution import check_calls, unsigned_calldata
from valetkey.core.permission.model import Call
from valetkey.flows.gate import expect_known, expect_secret
from valetkey.flows.reached import account_to_read, own_user

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.principal import Principal
    from valetkey.core.wallet import Account
    from valetkey.flows.sight import Sight
    from valetkey.ports import View

SIGNED_GAS: Final = 100_000  # the most that it costs to check and count what is signed
NEW_ACCOUNT_GAS: Final = 150_000  # and to make the account, or to let it run our code


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
    expect_known(principal)
    account = await world.store.read(lambda view: _account(view, principal, account_id))
    node = world.chain(account.chain if account else chain)
    check_calls(calls, never=(*(account.own if account else ()), node.implementation))
    sender = account.address if account else world.relayer_address
    fees, has_code = await asyncio.gather(node.fees(), node.has_code(sender))
    if has_code:
        used = await node.simulate(_from(sender, Call(sender, 0, unsigned_calldata(calls))))
        return Estimate(used + SIGNED_GAS, fees)
    each = await asyncio.gather(*(node.simulate(_from(sender, one)) for one in calls))
    return Estimate(sum(each) + SIGNED_GAS + NEW_ACCOUNT_GAS, fees)


def _account(view: View, principal: Principal, account_id: str | None) -> Account | None:
    if account_id is not None:
        return account_to_read(view, principal, account_id)
    if own_user(view, principal) is None:
        expect_secret(principal)
    return None


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
