"""
Let an account run our code no more: every session is revoked on chain first.

Undelegating is not revocation. What the account's contract knows stays in its storage, so that a
session which is alive when the code goes is alive again when it comes back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from valetkey.core.activity import SETTLED, Activity, ActivityState, Intent
from valetkey.core.chain import Authorization
from valetkey.core.errors import Code, Conflict, Forbidden, Malformed
from valetkey.core.plan import delegation_digest, is_signed_by, without_v
from valetkey.core.session import Event
from valetkey.core.sponsorship import Fund
from valetkey.core.wallet import Account, SealedKey, Wallet
from valetkey.flows.counts import add_activity
from valetkey.flows.due import watch_now
from valetkey.flows.gate import expect_reach, expect_secret, present
from valetkey.flows.kill_again import endings_of, has_note, is_ending, plan_kill
from valetkey.flows.kill_note import ready_to_kill
from valetkey.flows.leave_code import (
    NO_CODE,
    alive_of,
    expect_other,
    expect_over,
    still_alive,
    undelegation,
)
from valetkey.flows.leaving import moves_of
from valetkey.flows.leftovers import AliveGrant, sessions_of, signed_of
from valetkey.flows.record import admit, audit, begin, earlier, part_of
from valetkey.flows.relay import drive, read_activity
from valetkey.flows.settle import UNDELEGATE, lapse
from valetkey.flows.standing import expect_delegable
from valetkey.flows.stop import Ask, is_alive, take_out
from valetkey.flows.turns import in_turns

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

WAITS_S: Final = 3600  # for the chain, or for its owner: until then no session begins


@dataclass(frozen=True, slots=True)
class Undelegated:
    """How far it has come, and which sessions it waits for."""

    activity: Activity
    alive: tuple[AliveGrant, ...]


async def undelegate(
    world: World,
    principal: Principal,
    request: Request,
    *,
    account_id: str,
    delegate: bytes = NO_CODE,
    signature: bytes | None,
) -> Undelegated:
    """
    Return what takes our code from the account.

    1. every session is refused here, and its kill is planned; 2. the kills are final; 3. the owner
    signs; 4. it is sent. With the owner's key outside 3 is a request of its own, with *signature*.
    Meanwhile no session begins. What does not come to its end in `WAITS_S` lapses, and changes
    nothing more; what was revoked stays so.

    Args:
        signature: 65 bytes by an owner whose key is outside, over `undelegation`.

    Raises:
        Forbidden: This server is to sign for code of somebody else.
        Conflict: The account does not run our code; or a session is alive that was signed over.
        Malformed: The signature is not the owner's.
    """
    expect_secret(principal)

    def facts(view: View) -> tuple[Account, SealedKey | None, Activity | None]:
        account = present(view.get(Account, account_id), "account")
        expect_reach(view, principal, account.organization_id, "account", widens=True)
        expect_delegable(account)
        return account, _key_of(view, account), earlier(view, principal, request)

    account, key, before = await world.store.read(facts)
    if before is None:
        chain = world.chain(account.chain)
        expect_other(delegate, chain.implementation)
        if key is not None and delegate != NO_CODE:
            detail = "delegate: expected none: this server signs for its own code, and for none"
            raise Forbidden(Code.NOT_ALLOWED, detail)
        if await chain.delegate_of(account.address) != chain.implementation:
            detail = "expected an account that runs our code, got one that does not"
            raise Conflict(Code.CONFLICT, f"{detail}: no session can be revoked there")
        if key is not None or signature is None:
            before = await _begin(world, principal, request, account, delegate)
        else:
            before = await _bring(world, principal, request, account, (delegate, signature))
    activity = await advance(world, before)
    return Undelegated(activity, await alive_of(world, account))


def _key_of(view: View, account: Account) -> SealedKey | None:
    wallet = present(view.get(Wallet, account.wallet_id), "wallet")
    return view.get(SealedKey, wallet.key_id) if wallet.key_id else None


async def _begin(
    world: World, principal: Principal, request: Request, account: Account, delegate: bytes
) -> Activity:
    """Refuse every session of the account, plan their kills, and what comes after them."""
    alive = {one.session.id for one in await alive_of(world, account)}
    chain_id = world.chain(account.chain).chain_id
    unsigned = Authorization(chain_id, delegate, 0, b"")
    activity = _planned(world, principal, request, account, unsigned)

    def body(tx: Tx) -> Activity:
        again = admit(world, tx, principal, request)
        if again is not None:
            return again
        _take_over(world, tx, account)
        add_activity(world, tx, activity)
        for session in sessions_of(tx, account.id):
            if session.grant is not None and is_alive(world, tx, session):
                part = part_of(request, session.id)
                take_out(world, tx, Ask(principal, part, session.id, Event.REVOKE))
            elif session.id in alive and has_note(session) and not is_ending(tx, session):
                plan_kill(world, tx, session)
            if session.id in alive:
                watch_now(tx, session.id, now=world.clock.now())
        _note(tx, activity, delegate, sessions=len(alive))
        return activity

    world.checkpoint.reached("undelegate:before_plan")
    planned = await world.store.write(body)
    world.checkpoint.reached("undelegate:after_plan")
    return planned


async def _bring(
    world: World,
    principal: Principal,
    request: Request,
    account: Account,
    signed: tuple[bytes, bytes],
) -> Activity:
    """Plan what the owner has signed, if nothing is alive."""
    delegate, signature = signed
    wanted = await undelegation(world, principal, account_id=account.id, delegate=delegate)
    if wanted.digest is None or wanted.nonce is None:
        raise still_alive(wanted.alive)
    if not is_signed_by(wanted.digest, signature, account.address):
        detail = f"signature: expected 65 bytes by the account's owner over 0x{wanted.digest.hex()}"
        raise Malformed(Code.MALFORMED_SIGNATURE, f"{detail} (nonce {wanted.nonce})")
    bare = without_v(signature)
    authorization = Authorization(wanted.chain_id, delegate, wanted.nonce, bare)
    planned = _planned(world, principal, request, account, authorization)

    def body(tx: Tx) -> Activity:
        again = admit(world, tx, principal, request)
        if again is not None:
            return again
        _take_over(world, tx, account)
        expect_over(world, tx, account)
        ready = replace(planned, state=ActivityState.READY)
        add_activity(world, tx, ready)
        _note(tx, ready, delegate, sessions=0)
        return ready

    return await world.store.write(body)


def _planned(
    world: World,
    principal: Principal,
    request: Request,
    account: Account,
    authorization: Authorization,
) -> Activity:
    owner = account.organization_id
    activity = begin(
        world, principal, request, UNDELEGATE, organization_id=owner, subject_id=account.id
    )
    intent = Intent(to=account.address, data=b"", fund=Fund.RUNS, authorizations=(authorization,))
    return replace(activity, state=ActivityState.AWAITING, account_id=account.id, intent=intent)


def _note(tx: Tx, activity: Activity, delegate: bytes, *, sessions: int) -> None:
    audit(
        tx,
        activity.organization_id,
        "account:undelegating",
        at=activity.created_at,
        subject_id=activity.subject_id,
        principal_id=activity.principal_id,
        delegate=f"0x{delegate.hex()}",
        sessions=str(sessions),
    )


def _take_over(world: World, tx: Tx, account: Account) -> None:
    """End what waits to change the code, for this takes its place; what is sent stays."""
    for one in moves_of(tx, account.id):
        if one.state not in {ActivityState.AWAITING, ActivityState.READY}:
            name = one.kind.rpartition(":")[2]
            detail = f"expected nothing on its way that changes the code, got a {name}: {one.id}"
            raise Conflict(Code.CONFLICT, detail, activity_id=one.id)
        lapse(world, tx, one, (Code.CONFLICT, "an undelegation took its place"))


async def advance(world: World, activity: Activity) -> Activity:
    """
    Return the undelegation as far as it gets: kills are sent, and it is signed when all are final.

    Does nothing to one that waits for an owner whose key is outside, until its time is over.
    """
    if activity.state is not ActivityState.AWAITING:
        return await drive(world, activity.id)

    def facts(view: View) -> tuple[Account, SealedKey | None, list[Activity]]:
        account = present(view.get(Account, activity.account_id or ""), "account")
        ends = [
            one
            for session in signed_of(view, account.id, now=world.clock.now())
            for one in endings_of(view, session)
        ]
        return account, _key_of(view, account), [one for one in ends if one.state not in SETTLED]

    account, key, ends = await world.store.read(facts)
    await in_turns(partial(_carry, world), ends)
    if world.clock.now() >= activity.created_at + WAITS_S:
        return await _lapse(world, activity)
    if key is None or await alive_of(world, account):
        return await read_activity(world, activity.id)
    return await drive(world, (await _sign(world, activity, account, key)).id)


async def _carry(world: World, ending: Activity) -> None:
    if ending.state is ActivityState.AWAITING:
        ending = await ready_to_kill(world, ending)
    await drive(world, ending.id)


async def _lapse(world: World, activity: Activity) -> Activity:
    def body(tx: Tx) -> Activity:
        fresh = present(tx.get(Activity, activity.id), "activity")
        if fresh.state is not ActivityState.AWAITING:
            return fresh
        why = f"it was not signed in {WAITS_S} s; what was revoked stays revoked"
        return lapse(world, tx, fresh, (Code.DEADLINE_PASSED, why))

    return await world.store.write(body)


async def _sign(world: World, activity: Activity, account: Account, key: SealedKey) -> Activity:
    """Return the undelegation, ready for the chain, signed with the owner's key that is here."""
    intent = present(activity.intent, "intent")
    (planned,) = intent.authorizations
    nonce = await world.chain(account.chain).transaction_count(account.address)
    digest = delegation_digest(chain=account.chain, delegate=planned.delegate, nonce=nonce)
    world.checkpoint.reached("undelegate:before_sign")
    signature = await world.vault.sign(key, digest)
    world.checkpoint.reached("undelegate:after_sign")
    signed = replace(planned, nonce=nonce, signature=signature)

    def body(tx: Tx) -> Activity:
        fresh = present(tx.get(Activity, activity.id), "activity")
        if fresh.state is not ActivityState.AWAITING:
            return fresh
        expect_over(world, tx, account)
        ready = replace(
            fresh,
            state=ActivityState.READY,
            intent=replace(intent, authorizations=(signed,)),
        )
        tx.put(ready)
        return ready

    return await world.store.write(body)
