"""What a session key has signed of an account's calls: decided, booked, and made as a run."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from valetkey.core.activity import Activity, ActivityState
from valetkey.core.chain import GrantStage
from valetkey.core.child_session import refusal_in_line
from valetkey.core.errors import Code, Forbidden, Limited
from valetkey.core.execution import session_intent
from valetkey.core.grant import grant_key_index
from valetkey.core.session import Session
from valetkey.core.surface import Surface
from valetkey.flows.alerts import note_refusal
from valetkey.flows.book import Decided, book_decided, decide_run
from valetkey.flows.gate import present
from valetkey.flows.grant import granted
from valetkey.flows.line import line_of
from valetkey.flows.record import audit, expect_still, stepped
from valetkey.flows.run import gather
from valetkey.flows.settle import why_stale
from valetkey.flows.sponsoring import count_calls
from valetkey.flows.unsigned import lapse_unsigned, wait_no_longer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.execution import Signer
    from valetkey.core.principal import Principal
    from valetkey.core.wallet import Account
    from valetkey.flows.book import Facts
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

LOOKED_AT: Final = 64  # newest sessions of one key and account
TRIED: Final = 4  # of them, those in use
# Refusals of whoever pays: they say nothing of the session.
SPONSORS: Final = frozenset({Code.NOT_SPONSORED, Code.SPONSORSHIP_EXCEEDED})


def sessions_of(view: View, account: Account, address: bytes, *, now: int) -> list[Session]:
    """
    Return the sessions of *account* on this surface whose key has *address*, to be tried in turn.

    Those in use, newest first; if none is, the newest, which says why. Only such as bind a relayer:
    what others have signed somebody else might bring, after we have given up and counted it back.
    """
    found = view.find(  # of the account first: one key may hold sessions of any number of them
        Session,
        account_id=account.id,
        grant_key_index=grant_key_index(account.organization_id, address),
        newest_first=True,
        limit=LOOKED_AT,
    )
    mine = [one for one in found if _is_of_surface(one)]
    in_use = [one for one in mine if refusal_in_line(line_of(view, one), now=now) is None]
    return in_use[:TRIED] or mine[:1]


def _is_of_surface(session: Session) -> bool:
    permission = session.permission
    is_bound = permission is not None and permission.relayer is not None
    return is_bound and session.surface is Surface.OPENFORT


async def book_signed(
    world: World,
    principal: Principal,
    activity: Activity,
    signer: Signer,
    sessions: Sequence[Session],
) -> Activity:
    """
    Return *activity* ready for the chain, as a run under the first of *sessions* that allows it.

    Raises:
        Forbidden, Limited: None does; the first one's reason. Nothing is changed.
        Conflict: The account does not run our code.
    """
    refused: Forbidden | Limited | None = None
    for session in sessions:
        facts = await gather(world, session_id=session.id)
        world.checkpoint.reached("execution:before_book")
        try:
            booked = await world.store.write(
                partial(_book, world, carrier=principal, id_=activity.id, facts=facts, by=signer)
            )
        except (Forbidden, Limited) as error:
            if error.code not in SPONSORS:
                await note_refusal(world, session, error.code)
            refused = refused or error
        else:
            world.checkpoint.reached("execution:after_book")
            return booked
    if refused is None:
        return activity
    raise refused


def _book(
    world: World, tx: Tx, *, carrier: Principal, id_: str, facts: Facts, by: Signer
) -> Activity:
    expect_still(world, tx, carrier)
    activity = present(tx.get(Activity, id_), "activity")
    plan = activity.execution
    if activity.state is not ActivityState.AWAITING or plan is None:
        return activity
    stale = why_stale(world, tx, activity)
    if stale is not None:
        return lapse_unsigned(world, tx, activity, stale)
    until = min(plan.deadline, world.clock.now() + world.bounds.run_deadline_s)
    decided = decide_run(world, tx, facts, plan.calls, until=until)
    decided = replace(decided, plan=replace(decided.plan, digest=plan.digest))
    ready = _ready(activity, decided, facts, by)
    ready = stepped(ready, "signed", at_ms=world.clock.now_ms())
    ready = count_calls(world, tx, ready, facts.account)
    tx.put(ready)
    wait_no_longer(tx, activity)
    book_decided(world, tx, ready, decided)
    note(world, tx, ready, "execution:signed", carrier)
    return ready


def _ready(activity: Activity, decided: Decided, facts: Facts, signer: Signer) -> Activity:
    plan, session = present(activity.execution, "execution"), facts.session
    plan = replace(plan, signature=signer.signature, authorization=None)
    intent = session_intent(
        granted(session),
        facts.account,
        plan,
        decided.plan,
        signature=signer.signature,
        first_use=facts.on_chain.stage is GrantStage.UNKNOWN,
    )
    return replace(
        activity,
        state=ActivityState.READY,
        session_id=session.id,
        run=decided.plan,
        execution=plan,
        intent=intent,
    )


def note(world: World, tx: Tx, activity: Activity, event: str, principal: Principal) -> None:
    """Append to the log what has become of an execution."""
    plan = present(activity.execution, "execution")
    signed_by = {} if plan.signature is None else {"signed_by": activity.session_id or "owner"}
    audit(
        tx,
        activity.organization_id,
        event,
        at=world.clock.now(),
        subject_id=activity.id,
        principal_id=principal.subject_id,
        account_id=activity.account_id or "",
        digest=f"0x{plan.digest.hex()}",
        **signed_by,
    )
