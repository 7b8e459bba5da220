"""Runs and activities, and what a run would be answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

from msgspec import Meta

from valetkey.core.activity import ActivityState
from valetkey.core.errors import Code
from valetkey.core.ids import Prefix
from valetkey.core.permission.decide import Deny
from valetkey.core.plan import chain_id_of
from valetkey.core.scope import Scope, SessionScope
from valetkey.core.session import Proof
from valetkey.flows import lists, reads, run
from valetkey.flows import preview as previewing
from valetkey.flows.grant import granted
from valetkey.flows.scan import Span
from valetkey.http.native.pages import Order, OwnedPage, cursor_of, owner_of, part_of
from valetkey.http.routes import SECRET_OR_SESSION, SESSION, Ask, Read, Route, Write
from valetkey.wire import activity as wire
from valetkey.wire.base import Page, Seconds, read_bytes

if TYPE_CHECKING:
    from valetkey.core import activity as core
    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted
    from valetkey.http.routes import NoQuery
    from valetkey.http.sight import Reads


class ActivitiesQuery(OwnedPage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """
    Which activities.

    Args:
        kind: Such as ``run`` or ``session:revoke``.
        since, until: Unix seconds: the first one, and the first one that is not in it any more.
    """

    kind: Annotated[str, Meta(max_length=64)] | None = None
    state: (
        Literal["awaiting_signature", "ready", "sending", "included", "done", "failed", "lapsed"]
        | None
    ) = None
    session_id: str | None = None
    account_id: str | None = None
    since: Seconds | None = None
    until: Seconds | None = None
    order: Order = "newest"


async def _write(see: Reads, activity: core.Activity) -> wire.Activity:
    return wire.write_activity(activity, next_action=await _next_action(see, activity))


async def _next_action(see: Reads, activity: core.Activity) -> wire.SignNext | None:
    facts = await reads.to_sign(see, activity)
    if facts is None or activity.run is None:
        return None
    session, account = facts
    if session.proof is not Proof.CHAIN:
        return None
    chain_id = chain_id_of(account.chain)
    return wire.write_sign_next(activity.run, granted(session), account, chain_id=chain_id)


async def _run(admitted: Admitted, ask: Ask[wire.Run, NoQuery]) -> wire.Activity:
    activity = await run.run(
        admitted.world,
        admitted.principal,
        admitted.request,
        calls=wire.read_calls(ask.body.calls),
    )
    return await _write(admitted.reads, activity)


async def _sign(admitted: Admitted, ask: Ask[wire.SignRun, NoQuery]) -> wire.Activity:
    signature = read_bytes(ask.body.signature, "signature", code=Code.MALFORMED_SIGNATURE)
    activity = await run.sign(
        admitted.world, admitted.principal, activity_id=ask.id, signature=signature
    )
    return await _write(admitted.reads, activity)


async def _activities(
    see: Reads, principal: Principal, ask: Ask[None, ActivitiesQuery]
) -> Page[wire.Activity]:
    query = ask.query
    found, behind = await lists.activities(
        see,
        principal,
        organization_id=owner_of(principal, query.organization_id),
        which=lists.WhichActivities(
            kind=query.kind,
            state=None if query.state is None else ActivityState(query.state),
            session_id=query.session_id,
            account_id=query.account_id,
            created=Span(query.since, query.until),
        ),
        part=part_of(query, cursor_of(query, Prefix.ACTIVITY), query.order),
    )
    return Page(items=[wire.write_activity(one) for one in found], next=behind)


async def _activity(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> wire.Activity:
    return await _write(see, await reads.activity(see, principal, activity_id=ask.id))


async def _preview(
    see: Reads, principal: Principal, ask: Ask[wire.Preview, NoQuery]
) -> wire.Verdict:
    verdict = await previewing.preview(
        see, principal, session_id=ask.id, calls=wire.read_calls(ask.body.calls)
    )
    if isinstance(verdict, Deny):
        return wire.Verdict(
            allowed=False,
            code=verdict.code.value,
            caveat=verdict.caveat,
            detail=verdict.detail,
            call=verdict.call,
        )
    return wire.Verdict(allowed=True, rules=list(verdict.rules))


ROUTES: Final[tuple[Route, ...]] = (
    Write(
        method="POST",
        path="/v1/runs",
        who=SESSION,
        session_scope=SessionScope.RUN,
        summary="Make calls under the session that signs the request",
        body=wire.Run,
        answer=wire.Activity,
        handle=_run,
    ),
    Write(
        method="POST",
        path="/v1/activities/{activity_id}/signature",
        who=SESSION,
        session_scope=SessionScope.RUN,
        summary="Bring the session key's signature over a run",
        body=wire.SignRun,
        answer=wire.Activity,
        handle=_sign,
    ),
    Read(
        method="GET",
        path="/v1/activities",
        who=SECRET_OR_SESSION,
        session_scope=SessionScope.READ,
        scope=Scope.READ,
        summary="List activities: all, or the ones of the session that asks",
        query=ActivitiesQuery,
        answer=Page[wire.Activity],
        handle=_activities,
    ),
    Read(
        method="GET",
        path="/v1/activities/{activity_id}",
        who=SECRET_OR_SESSION,
        session_scope=SessionScope.READ,
        scope=Scope.READ,
        summary="Show an activity: plan, state and outcome",
        answer=wire.Activity,
        handle=_activity,
    ),
    Read(
        method="POST",
        path="/v1/sessions/{session_id}/preview",
        who=SECRET_OR_SESSION,
        session_scope=SessionScope.READ,
        scope=Scope.READ,
        summary="Decide about calls without booking them",
        body=wire.Preview,
        answer=wire.Verdict,
        handle=_preview,
    ),
)
