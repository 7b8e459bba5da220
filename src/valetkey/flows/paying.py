"""Who pays for a transaction, and whether they can: what no node takes must not keep a nonce."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from valetkey.core.activity import Activity
from valetkey.core.errors import Code
from valetkey.core.permission.decide import Deny
from valetkey.core.sponsorship import Fund
from valetkey.flows.settle import book_fees

if TYPE_CHECKING:
    from valetkey.core.budget import Entry
    from valetkey.core.chain import Fees, Transaction
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

CANCEL_GAS: Final = 21_000
PAYER: Final = "money of the sender"


def pay(
    world: World, tx: Tx, activity: Activity, draft: Transaction, *, line_id: str, balance: int
) -> tuple[Entry, ...] | Deny:
    """
    Book what *draft* can cost, if its sender has it beside all that is under way.

    Args:
        line_id: The nonce line of the sender.
        balance: Of the sender, in wei.
    """
    waiting = tx.find(Activity, relayer_id=line_id, settled=0)
    asked = draft.ceiling_wei()
    asked += sum(one.attempts[-1].transaction.ceiling_wei() for one in waiting if one.attempts)
    if asked > balance:
        detail = f"{balance} wei there, {asked} needed with what is under way"
        return Deny(Code.SPONSORSHIP_EXCEEDED, PAYER, detail)
    return book_fees(world, tx, activity, draft.ceiling_wei())


def waits_for_money(view: View, activity: Activity, line_id: str, denied: Deny) -> bool:
    """
    Say whether a stop waits for money instead of being given up.

    Either its sender has none, which is the operator's to mend; or others of the organization hold
    their ceilings, and will give back most of them.
    """
    if not is_stop(activity):
        return False
    others = view.find(Activity, relayer_id=line_id, settled=0)
    owner = activity.organization_id
    return denied.caveat == PAYER or any(one.organization_id == owner for one in others)


def is_stop(activity: Activity) -> bool:
    """Say whether *activity* stops something on chain: the stopper sends and pays for it."""
    return activity.intent is not None and activity.intent.fund is Fund.STOPS


def cancellation(transaction: Transaction, fees: Fees) -> Transaction:
    """Return what uses up the nonce of *transaction* and does nothing else."""
    return replace(
        transaction,
        to=transaction.sender,
        data=b"",
        gas_limit=CANCEL_GAS,
        fees=fees,
        authorizations=(),
    )
