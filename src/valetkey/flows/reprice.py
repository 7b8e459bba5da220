"""A transaction that waits for long: sent again, offered more, cancelled, or given up."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from valetkey.core.activity import Activity, ActivityState, Attempt
from valetkey.core.chain import Fees
from valetkey.core.errors import Code
from valetkey.core.permission.decide import Deny
from valetkey.flows.gate import present
from valetkey.flows.paying import cancellation
from valetkey.flows.relay import account_of, look, read_activity, send
from valetkey.flows.settle import book_fees, fail, why_stale

if TYPE_CHECKING:
    from valetkey.core.chain import Head, Transaction
    from valetkey.flows.world import World
    from valetkey.ports import Tx

DEAREST = 8  # times what the chain takes now: what is not mined then does not wait for money


async def reprice(world: World, activity: Activity) -> Activity:
    """
    Bring on an activity whose transaction waits for long.

    1. its nonce went to another transaction: it ends; 2. others of the relayer are before it, or it
    was never sent: it is sent as it is; 3. else more is offered, or it is cancelled when its time
    is over or its session was stopped. The nonce stays the same: at most one attempt is ever mined.
    """
    chain = world.chain((await account_of(world, activity)).chain)
    attempt = activity.attempts[-1]
    last = attempt.transaction
    count, head, fees = await asyncio.gather(
        chain.transaction_count(last.sender), chain.head(), chain.fees()
    )
    if count > last.nonce:  # 1
        return await _give_up(world, activity.id)
    if count < last.nonce or attempt.tx_hash is None:  # 2
        return await send(world, activity)
    return await send(  # 3
        world, await world.store.write(lambda tx: _follow(world, tx, activity, head, fees))
    )


async def _give_up(world: World, activity_id: str) -> Activity:
    """
    Return an activity whose nonce is used, ended unless one of its own attempts has used it.

    What was counted was sent, and what is sent is noted before: so it is read again and looked for
    again, after the count.
    """
    seen = await look(world, await read_activity(world, activity_id))

    def body(tx: Tx) -> Activity:
        fresh = present(tx.get(Activity, activity_id), "activity")
        if fresh.state is not ActivityState.SENDING or fresh.attempts != seen.attempts:
            return fresh
        detail = "another transaction of the relayer has used its nonce; ask anew"
        return fail(world, tx, fresh, Code.NONCE_USED, detail)

    return await world.store.write(body)


def _follow(world: World, tx: Tx, activity: Activity, head: Head, fees: Fees) -> Activity:
    """Return the activity with one more attempt, if there is one to make and it can be paid."""
    fresh = present(tx.get(Activity, activity.id), "activity")
    if fresh.state is not ActivityState.SENDING or len(fresh.attempts) != len(activity.attempts):
        return fresh
    deadline = fresh.intent.deadline if fresh.intent else None
    is_over = deadline is not None and head.at >= deadline
    is_over = is_over or why_stale(world, tx, fresh) is not None
    last = fresh.attempts[-1].transaction
    following = _following(last, fees, cancels=is_over)
    if following is None:
        return fresh
    more = book_fees(world, tx, fresh, max(following.ceiling_wei() - last.ceiling_wei(), 0))
    if isinstance(more, Deny):  # nobody pays more for it: it makes room for what is behind it
        following, more = _following(last, fees, cancels=True), ()
        if following is None or last.to == last.sender:
            return fresh
    attempts = (*fresh.attempts, Attempt(following, world.clock.now()))
    followed = replace(fresh, attempts=attempts, fees=(*fresh.fees, *more))
    tx.put(followed)
    return followed


def _following(last: Transaction, fees: Fees, *, cancels: bool) -> Transaction | None:
    """Return what replaces *last* in the node's eyes, or None where offering more is no help."""
    raised = Fees(
        max(fees.max_fee_wei, last.fees.max_fee_wei * 9 // 8 + 1),
        max(fees.priority_fee_wei, last.fees.priority_fee_wei * 9 // 8 + 1),
    )
    if cancels and last.to != last.sender:
        return cancellation(last, raised)
    return None if raised.max_fee_wei > DEAREST * fees.max_fee_wei else replace(last, fees=raised)
