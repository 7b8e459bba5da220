"""What every write leaves behind: one activity, and a line in the audit log."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from valetkey.core.activity import Activity, ActivityState, Request, request_key
from valetkey.core.audit import AuditHead, first_head, next_line
from valetkey.core.errors import Code, Conflict, Forbidden
from valetkey.core.ids import Prefix
from valetkey.core.organization import Organization
from valetkey.core.session import Step
from valetkey.flows.counts import add_activity
from valetkey.flows.holder import expect_holding
from valetkey.flows.outbox import put_out

if TYPE_CHECKING:
    from valetkey.core.audit import AuditLine
    from valetkey.core.principal import Principal
    from valetkey.flows.sight import Sight
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

SYSTEM = "system"


def audit(
    tx: Tx,
    organization_id: str,
    event: str,
    *,
    at: int,
    subject_id: str,
    principal_id: str,
    **facts: str,
) -> AuditLine:
    """
    Return the line, appended to the organization's log in the transaction of the change itself.

    Webhooks that want to hear of it will: none is forgotten, none is told of what was undone.
    """
    head = tx.get(AuditHead, organization_id) or first_head(organization_id)
    line = next_line(
        head, at=at, event=event, subject_id=subject_id, principal_id=principal_id, **facts
    )
    tx.add(line)
    tx.put(AuditHead(id=organization_id, seq=line.seq, hash=line.hash))
    put_out(tx, line)
    return line


def admit(
    world: World, tx: Tx, principal: Principal, request: Request, *, is_leaving: bool = False
) -> Activity | None:
    """
    Let a request into the transaction that writes, and return the activity that it made before.

    Every write on somebody's behalf begins with this: between their proof and here a credential may
    have been revoked or lessened, a session stopped, a key rotated.

    Args:
        is_leaving: The session is given back, whatever has become of it meanwhile.

    Raises:
        Unauthenticated, Forbidden: Whoever asks is not let in any more (`expect_holding`); or the
            organization acts on another server now.
        Conflict: The id was used for another request.
    """
    expect_holding(tx, principal, now=world.clock.now(), is_leaving=is_leaving)
    return earlier(tx, principal, request)


def expect_still(world: Sight, view: View, principal: Principal) -> None:
    """
    Let pass whoever was let in before, and is to get now what was made for them meanwhile.

    Raises:
        Unauthenticated, Forbidden: They are not let in any more, or the organization acts on
            another server now.
    """
    expect_holding(view, principal, now=world.clock.now())
    refuse_moved(view, principal.organization_id)


def earlier(view: View, principal: Principal, request: Request) -> Activity | None:
    """
    Return the activity that the same request made before.

    Raises:
        Conflict: The id was used for another request.
        Forbidden: The organization acts on another server now.
    """
    key = request_key(principal.organization_id, principal.subject_id, request.id)
    found = view.find(Activity, request_key=key, limit=1)
    if not found:
        refuse_moved(view, principal.organization_id)
        return None
    if found[0].request_hash != request.hash:
        detail = "this request id was used before, for another request; take a new one"
        raise Conflict(Code.REQUEST_ID_REUSED, detail)
    return found[0]


def refuse_moved(view: View, organization_id: str) -> None:
    """
    Let pass what an organization does that is here.

    Raises:
        Forbidden: It acts on another server now: here as well would be twice.
    """
    if has_left(view, organization_id):
        detail = f"{organization_id} was moved to another server; ask there"
        raise Forbidden(Code.ORGANIZATION_MOVED, detail)


def has_left(view: View, organization_id: str) -> bool:
    """Say whether an organization acts on another server now: its log is there, and goes on."""
    owner = view.get(Organization, organization_id)
    return owner is not None and owner.moved_at is not None


def part_of(request: Request, name: str) -> Request:
    """Return what one part of *request*, called *name*, is found by: a caller's ids are shorter."""
    return Request(f"{request.id}/{name}", request.hash)


def begin(
    world: World,
    principal: Principal,
    request: Request,
    kind: str,
    *,
    organization_id: str,
    subject_id: str = "",
    session_id: str | None = None,
) -> Activity:
    """Return a new activity for *request*, finished unless the flow says otherwise."""
    return Activity(
        id=world.new_id(Prefix.ACTIVITY),
        organization_id=organization_id,
        kind=kind,
        principal_id=principal.subject_id,
        request_key=request_key(principal.organization_id, principal.subject_id, request.id),
        request_hash=request.hash,
        state=ActivityState.DONE,
        created_at=world.clock.now(),
        subject_id=subject_id,
        session_id=session_id,
    )


def write_down(world: World, tx: Tx, activity: Activity, event: str, **facts: str) -> AuditLine:
    """Add *activity* and return the line of the log that says what it did."""
    add_activity(world, tx, activity)
    return audit(
        tx,
        activity.organization_id,
        event,
        at=activity.created_at,
        subject_id=activity.subject_id,
        principal_id=activity.principal_id,
        **facts,
    )


def stepped(activity: Activity, name: str, *, at_ms: int, plane: str = "server") -> Activity:
    """Return *activity* with one more step noted."""
    return replace(activity, times=(*activity.times, Step(plane, name, at_ms)))
