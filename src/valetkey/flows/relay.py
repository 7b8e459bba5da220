"""Bring what is signed to the chain, once, and write down how it ended."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from valetkey.core.activity import (
    SETTLED,
    Activity,
    ActivityState,
    Attempt,
    NonceLine,
    nonce_line_id,
)
from valetkey.core.chain import Fees, Transaction
from valetkey.core.errors import ChainRejected, Code, Unavailable, ValetkeyError
from valetkey.core.permission.decide import Deny
from valetkey.core.session import Session
from valetkey.core.wallet import Account
from valetkey.flows.gate import present
from valetkey.flows.record import stepped
from valetkey.flows.settle import Ending, book_fees, fail, finish, is_stale, lapse, refuse

if TYPE_CHECKING:
    from valetkey.core.chain import Receipt
    from valetkey.flows.world import World
    from valetkey.ports import Chain, Tx, View

POLL_S = 0.05
MAX_POLL_S = 1.0
CANCEL_GAS = 21_000


async def drive(world: World, activity_id: str) -> Activity:
    """
    Bring an activity as far as it gets within the operator's patience, and return it.

    Does nothing to one that waits for a signature or has ended. Safe to call from anywhere, any
    number of times, also after a crash: each step looks at what is written down first.
    """
    activity = await world.store.read(
        lambda view: present(view.get(Activity, activity_id), "activity")
    )
    if activity.state is ActivityState.READY:
        activity = await _plan(world, activity)
    if activity.state is ActivityState.SENDING:
        activity = await _send(world, activity)
        activity = await _wait(world, activity)
    return activity


async def _plan(world: World, activity: Activity) -> Activity:
    """Simulate the intent, then write down the transaction and book its cost."""
    account = await _account(world, activity)
    chain = world.chain(account.chain)
    intent = activity.intent
    if intent is None:
        return activity
    draft = Transaction(
        sender=world.relayer_address,
        nonce=0,
        to=intent.to,
        value_wei=0,
        data=intent.data,
        gas_limit=0,
        fees=Fees(0, 0),
        authorizations=intent.authorizations,
    )
    try:
        used, fees, count = await asyncio.gather(
            chain.simulate(draft), chain.fees(), chain.transaction_count(draft.sender)
        )
    except ChainRejected as rejected:
        return await refuse(world, activity, rejected)
    world.checkpoint.reached("relay:before_plan")
    draft = replace(draft, gas_limit=used + used // 5 + 10_000, fees=fees)
    planned = await world.store.write(
        lambda tx: _write_plan(world, tx, activity.id, draft, chain=chain.chain, count=count)
    )
    world.checkpoint.reached("relay:after_plan")
    return planned


def _write_plan(
    world: World, tx: Tx, activity_id: str, draft: Transaction, *, chain: str, count: int
) -> Activity:
    activity = present(tx.get(Activity, activity_id), "activity")
    if activity.state is not ActivityState.READY:
        return activity
    if is_stale(world, tx, activity):
        return lapse(world, tx, activity, "it can no longer be brought to the chain")
    fees = book_fees(world, tx, activity, draft.ceiling_wei())
    if isinstance(fees, Deny):
        return fail(world, tx, activity, fees.code, fees.detail)
    key = nonce_line_id(chain, draft.sender)
    line = tx.get(NonceLine, key) or NonceLine(key, count)
    nonce = max(line.next_nonce, count)
    tx.put(NonceLine(key, nonce + 1))
    planned = replace(
        activity,
        state=ActivityState.SENDING,
        relayer_id=key,
        fees=fees,
        attempts=(Attempt(replace(draft, nonce=nonce), world.clock.now()),),
    )
    planned = stepped(planned, "planned", at_ms=world.clock.now_ms())
    tx.put(planned)
    return planned


async def _send(world: World, activity: Activity) -> Activity:
    """Sign the newest attempt, note its hash, and hand it to the node."""
    account = await _account(world, activity)
    chain = world.chain(account.chain)
    attempt = activity.attempts[-1]
    signature = await world.vault.sign(world.relayer, chain.digest(attempt.transaction))
    signed = chain.seal(attempt.transaction, signature)
    world.checkpoint.reached("relay:after_sign")
    activity = await world.store.write(
        lambda tx: _note_hash(world, tx, activity.id, attempt, signed.tx_hash)
    )
    world.checkpoint.reached("relay:before_send")
    try:
        await chain.send(signed.raw)
    except (ChainRejected, Unavailable):
        # The plan stays: the receipt of another attempt, or the next round, settles it.
        return activity
    world.checkpoint.reached("relay:after_send")
    return activity


def _note_hash(
    world: World, tx: Tx, activity_id: str, attempt: Attempt, tx_hash: bytes
) -> Activity:
    activity = present(tx.get(Activity, activity_id), "activity")
    if activity.state in SETTLED or any(one.tx_hash == tx_hash for one in activity.attempts):
        return activity
    attempts = tuple(
        replace(one, tx_hash=tx_hash) if one.transaction == attempt.transaction else one
        for one in activity.attempts
    )
    noted = replace(activity, attempts=attempts)
    if len(attempts) == 1:
        noted = stepped(noted, "submitted", at_ms=world.clock.now_ms(), plane="chain")
    tx.put(noted)
    return noted


async def _wait(world: World, activity: Activity) -> Activity:
    """Look for a receipt until there is one or the operator's patience ends."""
    waited, pause = 0.0, POLL_S
    while activity.state is ActivityState.SENDING:
        activity = await look(world, activity)
        if activity.state is not ActivityState.SENDING or waited >= world.bounds.wait_s:
            break
        await asyncio.sleep(pause)
        waited, pause = waited + pause, min(pause * 1.5, MAX_POLL_S)
    return activity


async def look(world: World, activity: Activity) -> Activity:
    """Return *activity* settled if one of its attempts is mined deep enough, else as it is."""
    account = await _account(world, activity)
    chain = world.chain(account.chain)
    for attempt in activity.attempts:
        if attempt.tx_hash is None:
            continue
        receipt = await chain.receipt(attempt.tx_hash)
        if receipt is None:
            continue
        if receipt.confirmations < world.bounds.confirmations:
            return await _note_state(world, activity, ActivityState.INCLUDED)
        reason = await _reason(chain, account, activity, attempt, receipt)
        world.checkpoint.reached("relay:before_settle")
        ending = Ending(attempt, receipt, reason)
        settled = await world.store.write(
            partial(finish, world, activity_id=activity.id, ending=ending)
        )
        world.checkpoint.reached("relay:after_settle")
        return settled
    if activity.state is ActivityState.INCLUDED:  # the chain took its block back
        return await _note_state(world, activity, ActivityState.SENDING)
    return activity


async def _reason(
    chain: Chain, account: Account, activity: Activity, attempt: Attempt, receipt: Receipt
) -> tuple[Code, str] | None:
    """Return why a mined transaction did not do what it was for, or None if it did."""
    if activity.intent is None or attempt.transaction.to != activity.intent.to:
        return Code.DEADLINE_PASSED, "it was not mined in time and was cancelled"
    if not receipt.succeeded:
        try:
            await chain.simulate(attempt.transaction)
        except ValetkeyError as rejected:
            return rejected.code, rejected.detail
        return Code.CALL_REVERTED, "the transaction was mined and reverted"
    if activity.intent.authorizations:
        delegate = await chain.delegate_of(account.address)
        if delegate != chain.implementation:
            return Code.NOT_DELEGATED, "the chain skipped the authorization; sign it anew"
    return None


async def _note_state(world: World, activity: Activity, state: ActivityState) -> Activity:
    def body(tx: Tx) -> Activity:
        fresh = present(tx.get(Activity, activity.id), "activity")
        if fresh.state in SETTLED or fresh.state is state:
            return fresh
        noted = replace(fresh, state=state)
        tx.put(noted)
        return noted

    return await world.store.write(body)


async def reprice(world: World, activity: Activity) -> Activity:
    """
    Offer more for an activity that is not mined, or cancel it when its time is over.

    The nonce stays the same, so at most one of the attempts is ever mined.
    """
    account = await _account(world, activity)
    chain = world.chain(account.chain)
    head, fees = await asyncio.gather(chain.head(), chain.fees())
    last = activity.attempts[-1].transaction
    raised = Fees(
        max(fees.max_fee_wei, last.fees.max_fee_wei * 9 // 8 + 1),
        max(fees.priority_fee_wei, last.fees.priority_fee_wei * 9 // 8 + 1),
    )
    deadline = activity.intent.deadline if activity.intent else None
    following = replace(last, fees=raised)
    if deadline is not None and head.at >= deadline:
        following = replace(
            following, to=last.sender, data=b"", gas_limit=CANCEL_GAS, authorizations=()
        )

    def body(tx: Tx) -> Activity:
        fresh = present(tx.get(Activity, activity.id), "activity")
        if fresh.state in SETTLED or len(fresh.attempts) != len(activity.attempts):
            return fresh
        extra = following.ceiling_wei() - last.ceiling_wei()
        more = book_fees(world, tx, fresh, max(extra, 0))
        if isinstance(more, Deny):
            return fresh
        attempt = Attempt(following, world.clock.now())
        raised_once = replace(fresh, attempts=(*fresh.attempts, attempt), fees=(*fresh.fees, *more))
        tx.put(raised_once)
        return raised_once

    return await _send(world, await world.store.write(body))


async def _account(world: World, activity: Activity) -> Account:
    def facts(view: View) -> Account:
        account_id = activity.account_id
        if account_id is None and activity.session_id is not None:
            session = view.get(Session, activity.session_id)
            account_id = session.account_id if session else None
        return present(view.get(Account, account_id or ""), "account")

    return await world.store.read(facts)
