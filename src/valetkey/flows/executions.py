"""
Calls of an account that its owner signs, or a session key: planned before it is known who will.

Anybody may ask for a plan who may act for the account, and any number of them wait at the same time
without holding anything of each other: no nonce, no budget. Whoever brings a signature only carries
it: it is the proof.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from valetkey.core.activity import Activity, ActivityState
from valetkey.core.errors import Code, Conflict, Malformed
from valetkey.core.execution import (
    LIFE_S,
    NONCE_KEY_BYTES,
    check_calls,
    owner_among,
    owner_intent,
    plan_execution,
    signers_of,
    with_high_v,
)
from valetkey.flows.counts import add_activity
from valetkey.flows.delegation import accepted, authorization_request
from valetkey.flows.execution_run import book_signed, note, sessions_of
from valetkey.flows.gate import expect_known, expect_write, present
from valetkey.flows.leaving import expect_staying
from valetkey.flows.reached import account_to_act
from valetkey.flows.record import admit, begin, earlier, expect_still, stepped
from valetkey.flows.relay import drive
from valetkey.flows.settle import EXECUTE, why_stale
from valetkey.flows.sponsoring import count_calls, expect_named, sponsored_calls
from valetkey.flows.standing import runs_our_code
from valetkey.flows.unsigned import lapse_unsigned, wait_for_signature, wait_no_longer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.activity import ExecutionPlan, Request
    from valetkey.core.chain import Authorization
    from valetkey.core.execution import Signer
    from valetkey.core.permission.model import Call
    from valetkey.core.principal import Principal
    from valetkey.core.session import Session
    from valetkey.core.wallet import Account
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View


async def prepare(
    world: World,
    principal: Principal,
    request: Request,
    *,
    account_id: str,
    calls: Sequence[Call],
    sponsorship_id: str | None = None,
    authorization: bytes | None = None,
) -> Activity:
    """
    Return what is to be signed so that the account makes *calls*, once, within half an hour.

    1. who asks: a backend, or the client whose user has the account; 2. what is asked for; 3. that
    the account runs our code, or will; 4. that the sponsorship that is named would pay; 5. that not
    too many wait already; 6. written down. Nothing is booked: no nonce of a grant, nothing of a
    budget, and no use of a sponsorship.

    Args:
        calls: At most 64; none at all still is one use when a session key signs it.
        authorization: 65 bytes by the account's key that let it run our code (EIP-7702) at last.

    Raises:
        Malformed: Calls that nobody may ask for, or an authorization that does not do that.
        Conflict: The account does not run our code, and would not with what was given.
        NotFound, Forbidden: The sponsorship does not pay for this; or a client named none.
        Limited: So many of the account, or of the organization, wait for a signature as may.
    """
    expect_write(principal)
    account, before = await world.store.read(
        partial(_to_prepare, who=principal, request=request, of=account_id, paid=sponsorship_id)
    )
    if before is not None:
        return before
    check_calls(calls, never=(*account.own, world.chain(account.chain).implementation))  # 2
    plan = plan_execution(
        account,
        calls,
        nonce_key=world.entropy.take(NONCE_KEY_BYTES),
        deadline=world.clock.now() + LIFE_S,
        authorization=await _authorized(world, account, authorization),  # 3
    )
    unpaid = _planned(world, principal, request, account, plan)

    def body(tx: Tx) -> Activity:
        again = admit(world, tx, principal, request)
        if again is not None:
            return again
        expect_staying(tx, account_id)
        planned = sponsored_calls(world, tx, unpaid, account, sponsorship_id)  # 4
        return _write_down(world, tx, principal, planned)  # 5

    world.checkpoint.reached("execution:before_plan")
    planned = await world.store.write(body)  # 6
    world.checkpoint.reached("execution:after_plan")
    return planned


def _to_prepare(
    view: View, *, who: Principal, request: Request, of: str, paid: str | None
) -> tuple[Account, Activity | None]:
    account = account_to_act(view, who, of)
    expect_named(who, paid)
    return account, earlier(view, who, request)


async def _authorized(
    world: World, account: Account, signature: bytes | None
) -> Authorization | None:
    """Return what lets *account* run our code; None if it does already."""
    chain = world.chain(account.chain)
    if await runs_our_code(chain, account):
        return None
    if signature is None:
        raise _not_delegated(account, chain.implementation)
    wanted = await authorization_request(world, account)
    return accepted(wanted, account, with_high_v(signature))


def _not_delegated(account: Account, implementation: bytes) -> Conflict:
    detail = f"expected {account.caip10} to run 0x{implementation.hex()}; delegate it first"
    return Conflict(Code.NOT_DELEGATED, detail)


def _write_down(world: World, tx: Tx, principal: Principal, planned: Activity) -> Activity:
    wait_for_signature(world, tx, planned)
    add_activity(world, tx, planned)
    note(world, tx, planned, "execution:prepared", principal)
    return planned


def _planned(
    world: World, principal: Principal, request: Request, account: Account, plan: ExecutionPlan
) -> Activity:
    owner = account.organization_id
    activity = begin(
        world, principal, request, EXECUTE, organization_id=owner, subject_id=account.id
    )
    state = ActivityState.AWAITING
    activity = replace(activity, state=state, account_id=account.id, execution=plan)
    return stepped(activity, "prepared", at_ms=world.clock.now_ms())


async def sign_execution(
    world: World, principal: Principal, *, activity_id: str, signature: bytes
) -> Activity:
    """
    Return the activity, brought to the chain with *signature* over its digest.

    Who signed is found by recovery, over the digest and over its EIP-191 form. An owner's word is
    enough: what sessions may do, and budgets above them, bounds sessions, not the owner, who is not
    counted there either. What the key of a session of this account and surface signed is a run
    under that session: decided, booked and made ready in one transaction. Signing again what is
    signed already changes nothing; what is refused leaves all as it was, and may be signed again.

    Args:
        principal: Whoever carries the signature; a publishable key, too.
        signature: 65 bytes; v 27 or 28, for both forms.

    Raises:
        Malformed: It is nobody's who may act for the account.
        Forbidden: The session, its permission or the sponsorship that was named refuses.
        Limited: A budget above the session, or the number of its runs in flight, is used up.
        Conflict: The account does not run our code.
    """
    expect_known(principal)
    signed = await world.store.read(
        partial(_facts, world, principal=principal, activity_id=activity_id, signature=signature)
    )
    activity = signed.activity
    if activity.state is ActivityState.AWAITING and signed.sessions:
        activity = await book_signed(world, principal, activity, signed.signer, signed.sessions)
    elif activity.state is ActivityState.AWAITING:
        activity = await _by_owner(world, principal, signed)
    return await drive(world, activity.id)


class _Signed(NamedTuple):
    """Who signed what: the owner, or the key of *sessions*."""

    activity: Activity
    account: Account
    signer: Signer
    sessions: Sequence[Session]


def _facts(
    world: World, view: View, *, principal: Principal, activity_id: str, signature: bytes
) -> _Signed:
    activity = present(view.get(Activity, activity_id), "activity")
    if activity.execution is None:
        return present(None, "activity")
    account = account_to_act(view, principal, activity.account_id or "")
    signers = signers_of(activity.execution.digest, signature)
    owner = owner_among(account, signers)
    if owner is not None:
        return _Signed(activity, account, owner, ())
    for one in signers:
        sessions = sessions_of(view, account, one.address, now=world.clock.now())
        if sessions:
            return _Signed(activity, account, one, sessions)
    expected = f"the owner 0x{account.owner.hex()}, or by the key of a session of the account"
    detail = f"expected one by {expected}, over 0x{activity.execution.digest.hex()}"
    got = " or ".join(f"0x{one.address.hex()}" for one in signers) or "nobody"
    raise Malformed(Code.MALFORMED_SIGNATURE, f"signature: {detail}, got one by {got}")


async def _by_owner(world: World, principal: Principal, signed: _Signed) -> Activity:
    account, signature = signed.account, signed.signer.signature
    chain = world.chain(account.chain)
    runs_ours = await runs_our_code(chain, account)
    count = await chain.transaction_count(account.address)

    def body(tx: Tx) -> Activity:
        expect_still(world, tx, principal)
        fresh = present(tx.get(Activity, signed.activity.id), "activity")
        if fresh.state is not ActivityState.AWAITING or fresh.execution is None:
            return fresh
        stale = why_stale(world, tx, fresh)
        if stale is not None:
            return lapse_unsigned(world, tx, fresh, stale)
        plan = replace(fresh.execution, signature=signature)
        if runs_ours:
            plan = replace(plan, authorization=None)
        elif plan.authorization is None or plan.authorization.nonce != count:
            raise _not_delegated(account, chain.implementation)
        expect_staying(tx, account.id)
        intent = owner_intent(account, plan, signature=signature)
        ready = replace(fresh, state=ActivityState.READY, execution=plan, intent=intent)
        ready = stepped(ready, "signed", at_ms=world.clock.now_ms())
        ready = count_calls(world, tx, ready, account)
        tx.put(ready)
        wait_no_longer(tx, fresh)
        note(world, tx, ready, "execution:signed", principal)
        return ready

    world.checkpoint.reached("execution:before_book")
    activity = await world.store.write(body)
    world.checkpoint.reached("execution:after_book")
    return activity
