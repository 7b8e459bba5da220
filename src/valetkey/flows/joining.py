"""One joining of shares: who may ask, the plan before it, the word to the signer, the end of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from valetkey.core.activity import Activity, ActivityState, Outcome
from valetkey.core.child_session import refusal_in_line
from valetkey.core.custody import Approval, Order, SplitKey
from valetkey.core.errors import Code, Conflict, Forbidden, ValetkeyError
from valetkey.core.principal import PrincipalKind
from valetkey.core.scope import Scope
from valetkey.core.session import Session
from valetkey.core.surface import Surface
from valetkey.core.wallet import Wallet
from valetkey.flows.counts import add_activity
from valetkey.flows.gate import expect_reach, expect_scope, expect_write, forbid, present
from valetkey.flows.line import line_of
from valetkey.flows.record import admit, audit, begin, expect_still
from valetkey.flows.settle import fail, lapse

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.custody import Carried, SigningPlan
    from valetkey.core.principal import Principal
    from valetkey.core.secret_bytes import SecretBytes
    from valetkey.core.wallet import Curve
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

APPROVAL_S: Final = 30
LAPSE_S: Final = 10 * APPROVAL_S  # so long a request may be made again
_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Joining:
    """
    What is planned, with what the signer needs for it.

    Args:
        sealed: The server's share; empty if it is to be made.
        share: The other one, if there is one.
        message: What is to be signed, if anything.
        commitment: The client's, if the key is not to be joined.
    """

    activity: Activity
    plan: SigningPlan
    curve: Curve
    key: SplitKey | None
    sealed: bytes = b""
    share: SecretBytes | None = None
    message: bytes = b""
    commitment: bytes = b""


def split_key_of(
    world: World, view: View, principal: Principal, wallet_id: str, *, is_ejecting: bool = False
) -> tuple[Wallet, SplitKey]:
    """
    Return a split wallet and its key, if *principal* may have it used now, or get what came of it.

    A credential needs the scope ``wallets:sign``. A session has to be in use, to have write access,
    and to be of the wallet, or of its user and of no other wallet.

    Args:
        is_ejecting: Whether one that was given away counts as well.

    Raises:
        NotFound: There is no such wallet, or it is not the principal's to know of.
        Unauthenticated, Forbidden: The principal may not, or no more (`expect_still`).
        Conflict: Its key is not split, or was given away.
    """
    wallet = view.get(Wallet, wallet_id)
    if principal.kind is PrincipalKind.SESSION:
        expect_write(principal)
        session = present(view.get(Session, principal.subject_id), "session")
        if wallet is None or not _is_of(session, wallet):
            return present(None, "wallet")
        denied = refusal_in_line(line_of(view, session), now=world.clock.now())
        if denied is not None:
            raise forbid(denied)
    else:
        expect_scope(principal, Scope.WALLETS_SIGN)
        owner = present(wallet, "wallet").organization_id
        expect_reach(view, principal, owner, "wallet", widens=True)
    expect_still(world, view, principal)
    found = present(wallet, "wallet")
    key = split_of(view, found)
    if key.ejected_at is not None and not is_ejecting:
        detail = f"expected a wallet of this server, got one that was ejected at {key.ejected_at}"
        raise Conflict(Code.WALLET_EJECTED, detail)
    return found, key


def expect_may_renew(view: View, principal: Principal) -> None:
    """
    Let pass who may have new shares made: a credential, or a vendor's session without limits.

    Raises:
        Forbidden: It is a session of ours: with a share of its own it could outlive its end.
    """
    if principal.kind is not PrincipalKind.SESSION:
        return
    session = present(view.get(Session, principal.subject_id), "session")
    is_bare = all(one.permission is None for one, _ in line_of(view, session))
    if session.surface is Surface.NATIVE or not is_bare:
        detail = "expected a secret key: no session makes shares of the owner's key"
        raise Forbidden(Code.NOT_ALLOWED, detail)


def split_of(view: View, wallet: Wallet) -> SplitKey:
    """
    Return the split key of *wallet*.

    Raises:
        Conflict: There is none.
    """
    key = view.get(SplitKey, wallet.id)
    if key is None:
        detail = f"expected a wallet whose key is split, got one that is {wallet.owner_key}"
        raise Conflict(Code.WALLET_NOT_SPLIT, detail)
    return key


def _is_of(session: Session, wallet: Wallet) -> bool:
    if session.organization_id != wallet.organization_id:
        return False
    if session.wallet_id is not None:
        return session.wallet_id == wallet.id
    return session.user_id is not None and session.user_id == wallet.user_id


def plan_joining(
    world: World,
    tx: Tx,
    principal: Principal,
    request: Request,
    plan: SigningPlan,
    **facts: str,
) -> Activity:
    """Return the activity with *plan*, written down: the same one for the same request."""
    before = admit(world, tx, principal, request)
    if before is not None:
        return before
    activity = begin(
        world,
        principal,
        request,
        f"wallet:{plan.purpose}",
        organization_id=principal.organization_id,
        subject_id=plan.wallet_id,
    )
    is_session = principal.kind is PrincipalKind.SESSION
    activity = replace(
        activity,
        state=ActivityState.AWAITING,
        session_id=principal.subject_id if is_session else None,
        signing=plan,
    )
    add_activity(world, tx, activity)
    facts |= {"purpose": plan.purpose.value, "generation": str(plan.generation)}
    _note(world, tx, activity, "wallet:joining", digest=f"0x{plan.digest.hex()}", **facts)
    return activity


async def carry_out(world: World, joining: Joining) -> Carried:
    """
    Return what the signer made of a plan that is written down, under a new approval.

    What the signer refuses ends the activity; one that does not answer leaves it as it was, and
    the same request may be made again.

    Raises:
        Forbidden, Unavailable: As `Signer.carry_out`.
    """
    await world.signer.check()  # it takes no approval from before it began
    activity, now = joining.activity, world.clock.now()
    approval = Approval(
        id=world.entropy.take(_ID_BYTES).hex(),
        activity_id=activity.id,
        organization_id=activity.organization_id,
        plan=joining.plan,
        issued_at_ms=world.clock.now_ms(),
        expires_at=now + APPROVAL_S,
    )
    order = Order(
        approval=approval,
        approval_signature=await world.vault.sign(world.approver, approval.message),
        curve=joining.curve,
        public_key=joining.key.public_key if joining.key else None,
        sealed=joining.sealed,
        share=joining.share,
        message=joining.message,
        commitment=joining.commitment,
    )
    try:
        return await world.signer.carry_out(order)
    except Forbidden as refused:
        await world.store.write(partial(_fail, world, activity.id, refused))
        raise


def _fail(world: World, activity_id: str, refused: ValetkeyError, tx: Tx) -> None:
    fresh = present(tx.get(Activity, activity_id), "activity")
    if fresh.state is ActivityState.AWAITING:
        fail(world, tx, fresh, refused.code, refused.detail)


async def let_lapse(world: World, activity: Activity) -> Activity:
    """
    Return the activity, lapsed if nobody can carry it out any more.

    The client's share came with the request and is nowhere here: what was not done then is not.
    """

    def body(tx: Tx) -> Activity:
        fresh = present(tx.get(Activity, activity.id), "activity")
        is_late = world.clock.now() >= fresh.created_at + LAPSE_S
        if fresh.state is not ActivityState.AWAITING or not is_late:
            return fresh
        return lapse(world, tx, fresh, (Code.DEADLINE_PASSED, "it was not carried out in time"))

    return await world.store.write(body)


def end_joining(world: World, tx: Tx, activity_id: str, event: str, **facts: str) -> Activity:
    """Return the activity, done; *event* is written down once."""
    fresh = present(tx.get(Activity, activity_id), "activity")
    if fresh.state is not ActivityState.AWAITING:
        return fresh
    done = replace(
        fresh, state=ActivityState.DONE, outcome=Outcome(succeeded=True, code=None, detail="")
    )
    tx.put(done)
    _note(world, tx, done, event, **facts)
    return done


def _note(world: World, tx: Tx, activity: Activity, event: str, **facts: str) -> None:
    audit(
        tx,
        activity.organization_id,
        event,
        at=world.clock.now(),
        subject_id=activity.subject_id,
        principal_id=activity.principal_id,
        activity_id=activity.id,
        **facts,
    )
