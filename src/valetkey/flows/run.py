"""Act under a session: decide, book, sign, bring to the chain."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from valetkey.core.activity import Activity, ActivityState
from valetkey.core.chain import GrantStage
from valetkey.core.errors import Code, Conflict, Forbidden, Limited, Malformed
from valetkey.core.permission.lower import lower
from valetkey.core.plan import is_run_signed_by, run_intent, run_signature, with_v
from valetkey.core.principal import PrincipalKind
from valetkey.core.session import Proof, Session
from valetkey.core.wallet import Account, SealedKey
from valetkey.flows.alerts import note_refusal
from valetkey.flows.book import Asked, Facts, book_run
from valetkey.flows.gate import expect_write, present
from valetkey.flows.grant import granted
from valetkey.flows.line import root_of
from valetkey.flows.record import earlier, stepped
from valetkey.flows.relay import drive
from valetkey.flows.settle import lapse, why_stale
from valetkey.flows.standing import grant_state_of, runs_our_code
from valetkey.flows.stop import note_killed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.activity import Request
    from valetkey.core.permission.model import Call, Permission
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

MAX_CALLS = 64


async def run(
    world: World, principal: Principal, request: Request, *, calls: Sequence[Call]
) -> Activity:
    """
    Plan a run of *calls* under the session that *principal* is, and book what it may move.

    A session whose chain key is with its holder gets back what to sign (``awaiting_signature``);
    for one whose chain key is here, the run is signed and brought to the chain at once.

    Raises:
        Forbidden: The permission or the state of the session refuses; nothing is booked.
        Limited: A budget above the session, or the number of runs in flight, is used up.
        Conflict: The account does not run our code.
    """
    expect_write(principal)
    if principal.kind is not PrincipalKind.SESSION:
        detail = "expected the session's own proof: a run is signed by its holder"
        raise Forbidden(Code.NOT_ALLOWED, detail)
    if not 1 <= len(calls) <= MAX_CALLS:
        raise Malformed(Code.MALFORMED_CALL, f"calls: expected 1 to {MAX_CALLS}, got {len(calls)}")
    before = await world.store.read(lambda view: earlier(view, principal, request))
    if before is not None:
        return await _continue(world, before)
    facts = await gather(world, session_id=principal.subject_id)
    world.checkpoint.reached("run:before_book")
    asked = Asked(principal, request, tuple(calls))
    try:
        activity = await world.store.write(lambda tx: book_run(world, tx, asked, facts))
    except (Forbidden, Limited) as refused:
        await note_refusal(world, facts.session, refused.code)
        raise
    world.checkpoint.reached("run:after_book")
    return await _continue(world, activity)


async def _continue(world: World, activity: Activity) -> Activity:
    if activity.state is ActivityState.AWAITING:
        return await sign_here(world, activity)
    return await drive(world, activity.id)


async def gather(world: World, *, session_id: str) -> Facts:
    """
    Return what has to be known of a session, and of the chain, before a run under it is decided.

    If the chain has ended it past us, that is written down.

    Raises:
        Forbidden: It only reads.
        Conflict: The account does not run our code.
    """

    def facts(view: View) -> tuple[Session, Session, Permission, Account]:
        session = present(view.get(Session, session_id), "session")
        root = root_of(view, session)
        if session.permission is None or root.permission is None:
            detail = "expected a session with a permission, got one that only reads"
            raise Forbidden(Code.READ_ONLY, detail)
        account = present(view.get(Account, session.account_id or ""), "account")
        return session, root, root.permission, account

    session, root, permission, account = await world.store.read(facts)
    chain = world.chain(account.chain)
    on_chain, is_ours = await asyncio.gather(
        grant_state_of(chain, account, granted(root), counters=len(lower(permission).limits)),
        runs_our_code(chain, account),
    )
    if not is_ours:
        detail = (
            f"expected {account.caip10} to run 0x{chain.implementation.hex()}; delegate it first"
        )
        raise Conflict(Code.NOT_DELEGATED, detail)
    if on_chain.stage is GrantStage.REVOKED:
        await world.store.write(partial(note_killed, world, session_id=root.id))
    return Facts(session, account, permission, on_chain)


async def sign_here(world: World, activity: Activity) -> Activity:
    """Return *activity* brought on, if the chain key of its root is here; else as it is."""

    def facts(view: View) -> SealedKey | None:
        key_id = granted(_root(view, activity)).key_id
        return view.get(SealedKey, key_id) if key_id else None

    key = await world.store.read(facts)
    if key is None or activity.run is None:
        return activity
    world.checkpoint.reached("run:before_sign")
    signature = with_v(await world.vault.sign(key, activity.run.digest))
    world.checkpoint.reached("run:after_sign")
    return await _bring(world, activity.id, signature)


async def sign(
    world: World, principal: Principal, *, activity_id: str, signature: bytes
) -> Activity:
    """
    Return the activity, brought to the chain with the holder's *signature* over its digest.

    A P-256 key signs with ES256: 64 bytes over the SHA-256 of the digest. Signing again
    what is signed already changes nothing.

    Raises:
        Malformed: The signature is not the session key's.
        Forbidden: The session was stopped since it was planned.
    """
    expect_write(principal)

    def facts(view: View) -> tuple[Activity, Session]:
        activity = present(view.get(Activity, activity_id), "activity")
        if activity.session_id != principal.subject_id or activity.run is None:
            return present(None, "activity")
        return activity, _root(view, activity)

    activity, root = await world.store.read(facts)
    if activity.state is not ActivityState.AWAITING:
        return await drive(world, activity_id)
    grant, digest = granted(root), activity.run.digest if activity.run else b""
    signed, key = run_signature(grant, signature), grant.session_key
    if root.proof is not Proof.CHAIN or not is_run_signed_by(digest, signed, key):
        over = "" if grant.key_address else "the SHA-256 of "
        detail = f"signature: expected one by 0x{key.hex()} over {over}0x{digest.hex()}"
        raise Malformed(Code.MALFORMED_SIGNATURE, detail)
    return await _bring(world, activity_id, signed)


async def _bring(world: World, activity_id: str, signature: bytes) -> Activity:
    first_use = await _is_first_use(world, activity_id)

    def body(tx: Tx) -> Activity:
        activity = present(tx.get(Activity, activity_id), "activity")
        if activity.state is not ActivityState.AWAITING or activity.run is None:
            return activity
        root = _root(tx, activity)
        account = present(tx.get(Account, root.account_id or ""), "account")
        stale = why_stale(world, tx, activity)
        if stale is not None:
            return lapse(world, tx, activity, stale)
        intent = run_intent(granted(root), account, activity.run, signature, first_use=first_use)
        ready = replace(activity, state=ActivityState.READY, intent=intent)
        ready = stepped(ready, "signed", at_ms=world.clock.now_ms())
        tx.put(ready)
        return ready

    return await drive(world, (await world.store.write(body)).id)


async def _is_first_use(world: World, activity_id: str) -> bool:
    def facts(view: View) -> tuple[Account, Session]:
        activity = present(view.get(Activity, activity_id), "activity")
        root = _root(view, activity)
        return present(view.get(Account, root.account_id or ""), "account"), root

    account, root = await world.store.read(facts)
    chain = world.chain(account.chain)
    state = await grant_state_of(chain, account, granted(root))
    return state.stage is GrantStage.UNKNOWN


def _root(view: View, activity: Activity) -> Session:
    return root_of(view, present(view.get(Session, activity.session_id or ""), "session"))
