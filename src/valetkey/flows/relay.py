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
from valetkey.flows.line import root_of
from valetkey.flows.make_account import carried_by
from valetkey.flows.mined import why_failed, why_no_code
from valetkey.flows.paid_by import may_plan, sender_of
from valetkey.flows.paying import cancellation, pay, waits_for_money
from valetkey.flows.record import stepped
from valetkey.flows.settle import Ending, fail, finish, lapse, refuse, why_stale
from valetkey.flows.telling import tell_sent
from valetkey.ports import doing

if TYPE_CHECKING:
    from valetkey.core.activity import Intent
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

POLL_S = 0.05
MAX_POLL_S = 1.0
# A node may simulate on top of what still waits. If that is never mined, slots which looked written
# are new, and each costs 17,100 more: enough for three of them.
SLOTS_GAS = 60_000
# What a node says about itself and not about the transaction, or that there is none for a chain.
NODE_CODES = frozenset({Code.CHAIN_UNREACHABLE, Code.CHAIN_REJECTED, Code.WRONG_CHAIN})


async def drive(world: World, activity_id: str) -> Activity:
    """
    Bring an activity as far as it gets within the operator's patience, and return it.

    Does nothing to one that waits for a signature or has ended. Safe to call from anywhere, any
    number of times, also after a crash: each step looks at what is written down first.
    """
    with doing(activity_id):
        return await _drive(world, activity_id)


async def _drive(world: World, activity_id: str) -> Activity:
    activity = await read_activity(world, activity_id)
    try:
        if activity.state is ActivityState.READY:
            activity = await _plan(world, activity)
        if activity.state is ActivityState.SENDING:
            activity = await send(world, activity)
            activity = await _wait(world, activity)
    except ValetkeyError as error:
        if error.code not in NODE_CODES:
            raise
        return await read_activity(
            world, activity_id
        )  # the node is not there now; the next round goes on
    return activity


async def read_activity(world: World, activity_id: str) -> Activity:
    """Return the activity as it is written down now."""
    return await world.store.read(lambda view: present(view.get(Activity, activity_id), "activity"))


async def _plan(world: World, activity: Activity) -> Activity:
    """Simulate the intent, then write down the transaction and book its cost."""
    account = await account_of(world, activity)
    chain = world.chain(account.chain)
    if activity.intent is None:
        return activity
    root = await world.store.read(lambda view: _root_of_run(view, activity))
    intent = await carried_by(world, activity, account, root, _drive)
    if isinstance(intent, Activity):
        return intent
    draft = _draft(intent, sender_of(world, root, intent))
    try:
        used, fees, count, balance, why = await asyncio.gather(
            chain.simulate(draft),
            chain.fees(),
            chain.transaction_count(draft.sender),
            chain.balance(draft.sender),
            why_no_code(chain, account, intent),
        )
    except ChainRejected as rejected:
        if rejected.code in NODE_CODES:
            raise
        return await refuse(world, activity, rejected)
    if why is not None:
        return await refuse(world, activity, why)
    world.checkpoint.reached("relay:before_plan")
    draft = replace(draft, gas_limit=used + used // 5 + SLOTS_GAS, fees=fees)
    if activity.is_act and draft.gas_limit > world.bounds.run_gas:
        detail = f"expected a run of at most {world.bounds.run_gas} gas, got {draft.gas_limit}"
        return await refuse(world, activity, ChainRejected(Code.SPONSORSHIP_EXCEEDED, detail))
    seen = NonceLine(nonce_line_id(chain.chain, draft.sender), count)
    planned = await world.store.write(
        lambda tx: _write_plan(world, tx, activity.id, draft, seen=seen, balance=balance)
    )
    world.checkpoint.reached("relay:after_plan")
    return planned


def _root_of_run(view: View, activity: Activity) -> Session | None:
    """Return the session whose grant *activity* is a run under, if it is one."""
    if activity.run is None or activity.session_id is None:
        return None
    return root_of(view, present(view.get(Session, activity.session_id), "session"))


def _draft(intent: Intent, sender: bytes) -> Transaction:
    return Transaction(
        sender=sender,
        nonce=0,
        to=intent.to,
        value_wei=0,
        data=intent.data,
        gas_limit=0,
        fees=Fees(0, 0),
        authorizations=intent.authorizations,
    )


def _write_plan(
    world: World, tx: Tx, activity_id: str, draft: Transaction, *, seen: NonceLine, balance: int
) -> Activity:
    activity = present(tx.get(Activity, activity_id), "activity")
    if activity.state is not ActivityState.READY:
        return activity
    stale = why_stale(world, tx, activity)
    if stale is not None:
        return lapse(world, tx, activity, stale)
    root = _root_of_run(tx, activity)
    bound = root.permission.relayer if root and root.permission else None
    if not may_plan(tx, draft.sender, bound=bound):
        return activity  # it was replaced meanwhile: the next round knows by whom
    fees = pay(world, tx, activity, draft, line_id=seen.id, balance=balance)
    if isinstance(fees, Deny):
        if waits_for_money(tx, activity, seen.id, fees):
            return activity
        return fail(world, tx, activity, fees.code, fees.detail)
    line = tx.get(NonceLine, seen.id) or seen
    nonce = max(line.next_nonce, seen.next_nonce)
    tx.put(NonceLine(seen.id, nonce + 1))
    planned = replace(
        activity,
        state=ActivityState.SENDING,
        relayer_id=seen.id,
        fees=fees,
        attempts=(Attempt(replace(draft, nonce=nonce), world.clock.now()),),
    )
    planned = stepped(planned, "planned", at_ms=world.clock.now_ms())
    tx.put(planned)
    return planned


async def send(world: World, activity: Activity) -> Activity:
    """
    Sign the newest attempt, note its hash, and hand it to the node.

    What was never handed over and came too late, or whose session was stopped, is not: its nonce is
    used up by nothing at all.
    """
    account = await account_of(world, activity)
    chain = world.chain(account.chain)
    while True:
        attempt = activity.attempts[-1]
        payer = world.payers.key_of(attempt.transaction.sender)
        world.checkpoint.reached("relay:before_sign")
        signature = await world.vault.sign(payer, chain.digest(attempt.transaction))
        signed = chain.seal(attempt.transaction, signature)
        world.checkpoint.reached("relay:after_sign")
        activity = await world.store.write(
            partial(
                _note_hash,
                world,
                activity_id=activity.id,
                attempt=attempt,
                tx_hash=signed.tx_hash,
            )
        )
        if activity.state in SETTLED or activity.attempts[-1].transaction == attempt.transaction:
            break
    world.checkpoint.reached("relay:before_send")
    if activity.state in SETTLED:
        return activity
    try:
        await chain.send(signed.raw)
    except (ChainRejected, Unavailable):
        # The plan stays: the receipt of another attempt, or the next round, settles it.
        return activity
    world.checkpoint.reached("relay:after_send")
    return activity


def _note_hash(
    world: World, tx: Tx, *, activity_id: str, attempt: Attempt, tx_hash: bytes
) -> Activity:
    activity = present(tx.get(Activity, activity_id), "activity")
    if activity.state in SETTLED or any(one.tx_hash == tx_hash for one in activity.attempts):
        return activity
    planned = attempt.transaction
    if planned.to != planned.sender and why_stale(world, tx, activity) is not None:
        instead = replace(attempt, transaction=cancellation(planned, planned.fees))
        activity = replace(activity, attempts=(*activity.attempts[:-1], instead))
        tx.put(activity)
        return activity
    attempts = tuple(
        replace(one, tx_hash=tx_hash) if one.transaction == attempt.transaction else one
        for one in activity.attempts
    )
    noted = replace(activity, attempts=attempts)
    if len(attempts) == 1:
        noted = stepped(noted, "submitted", at_ms=world.clock.now_ms(), plane="chain")
        tell_sent(tx, noted, tx_hash, at=world.clock.now())
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
    account = await account_of(world, activity)
    chain = world.chain(account.chain)
    for attempt in activity.attempts:
        if attempt.tx_hash is None:
            continue
        receipt = await chain.receipt(attempt.tx_hash)
        if receipt is None:
            continue
        if receipt.confirmations < world.bounds.confirmations:
            return await _note_state(world, activity, ActivityState.INCLUDED)
        reason = await why_failed(chain, account, activity, attempt, receipt)
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


async def _note_state(world: World, activity: Activity, state: ActivityState) -> Activity:
    def body(tx: Tx) -> Activity:
        fresh = present(tx.get(Activity, activity.id), "activity")
        if fresh.state in SETTLED or fresh.state is state:
            return fresh
        name = "included" if state is ActivityState.INCLUDED else "dropped"
        noted = stepped(fresh, name, at_ms=world.clock.now_ms(), plane="chain")
        noted = replace(noted, state=state)
        tx.put(noted)
        return noted

    return await world.store.write(body)


async def account_of(world: World, activity: Activity) -> Account:
    """Return the account that *activity* acts on."""

    def facts(view: View) -> Account:
        account_id = activity.account_id
        if account_id is None and activity.session_id is not None:
            session = view.get(Session, activity.session_id)
            account_id = session.account_id if session else None
        return present(view.get(Account, account_id or ""), "account")

    return await world.store.read(facts)
