"""Accounts that are not on their chain yet: made by the first thing that is done with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.activity import (
    SETTLED,
    Activity,
    ActivityState,
    Intent,
    request_hash,
    request_key,
)
from valetkey.core.errors import ChainRejected, Code
from valetkey.core.ids import Prefix
from valetkey.core.plan import through_factory
from valetkey.core.sponsorship import Fund
from valetkey.flows.counts import add_activity
from valetkey.flows.gate import present
from valetkey.flows.record import SYSTEM
from valetkey.flows.settle import DEPLOY, refuse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from valetkey.core.session import Session
    from valetkey.core.wallet import Account
    from valetkey.flows.world import World
    from valetkey.ports import Tx


async def carried_by(
    world: World,
    activity: Activity,
    account: Account,
    root: Session | None,
    drive: Callable[[World, str], Awaitable[Activity]],
) -> Intent | Activity:
    """
    Return the intent of a ready activity as its transaction has to carry it now.

    What comes first for a clone that is not there goes to the factory, which makes it and calls it.
    A run whose grant binds the relayer cannot go that way, for the account would see the factory as
    its sender: the account is made before it, by an activity of its own.

    Returns:
        The activity instead, if it has to wait for that, or has failed with it.
    """
    intent = present(activity.intent, "intent")
    chain = world.chain(account.chain)
    if account.clone is None or await chain.has_code(account.address):
        return intent
    if root is None or root.permission is None or root.permission.relayer is None:
        return through_factory(account, intent)
    maker = await world.store.write(lambda tx: _maker(world, tx, activity, account))
    made = await drive(world, maker.id)
    if made.state is ActivityState.DONE:
        return intent
    if made.state not in SETTLED or made.outcome is None:
        return activity
    code = Code(made.outcome.code or Code.CHAIN_REJECTED)
    rejected = ChainRejected(code, f"the account could not be made: {made.outcome.detail}")
    return await refuse(world, activity, rejected)


def _maker(world: World, tx: Tx, activity: Activity, account: Account) -> Activity:
    """Return what makes the account for *activity*: already on its way, or planned now."""
    session_id = activity.session_id or ""
    for one in tx.find(Activity, governs=session_id, newest_first=True):
        if one.kind == DEPLOY and one.state not in SETTLED:
            return one
    activity_id = world.new_id(Prefix.ACTIVITY)
    owner = activity.organization_id
    maker = Activity(
        id=activity_id,
        organization_id=owner,
        kind=DEPLOY,
        principal_id=SYSTEM,
        request_key=request_key(owner, SYSTEM, f"deploy/{activity_id}"),
        request_hash=request_hash(DEPLOY, account.id),
        state=ActivityState.READY,
        created_at=world.clock.now(),
        subject_id=account.id,
        session_id=activity.session_id,
        account_id=account.id,
        intent=Intent(to=account.address, data=b"", fund=Fund.RUNS),
    )
    add_activity(world, tx, maker)
    return maker
