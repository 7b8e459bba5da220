"""Sessions, activities and lines of the audit log: listed by what they are, in bounded parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.activity import Activity, ActivityState
from valetkey.core.audit import AuditLine
from valetkey.core.exposed import Subject, exposed
from valetkey.core.ids import Prefix
from valetkey.core.principal import PrincipalKind
from valetkey.core.session import Session, State
from valetkey.flows.gate import expect_known, expect_reach, expect_secret
from valetkey.flows.line import line_of
from valetkey.flows.reads import expect_own
from valetkey.flows.scan import EVER, Part, Span, scan
from valetkey.flows.shown import show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.core.principal import Principal
    from valetkey.flows.shown import Shown
    from valetkey.flows.sight import Sight
    from valetkey.ports import Value, View


@dataclass(frozen=True, slots=True)
class WhichSessions:
    """
    Which sessions are listed: those that have all that is not None.

    Args:
        parent_id: Directly under this one.
        permission_id: With exactly this permission.
        expires_before: At the end by then, even if they are used until then.
        exposed_to: Each of them: a key, a contract or a token that they reach.
    """

    state: State | None = None
    user_id: str | None = None
    wallet_id: str | None = None
    account_id: str | None = None
    parent_id: str | None = None
    permission_id: str | None = None
    expires_before: int | None = None
    exposed_to: tuple[Subject, ...] = ()

    def has(self, session: Session) -> bool:
        """Say whether *session* is one, but for its state."""
        asked = (
            (self.user_id, session.user_id),
            (self.wallet_id, session.wallet_id),
            (self.account_id, session.account_id),
            (self.parent_id, session.parent_id),
            (self.permission_id, session.permission_id),
        )
        if any(wanted not in {None, got} for wanted, got in asked):
            return False
        if self.expires_before is not None and session.expires_at >= self.expires_before:
            return False
        return all(exposed(session, one) is not None for one in self.exposed_to)

    def looked_up(self, organization_id: str) -> dict[str, Value]:
        """Return the attribute that the fewest sessions share."""
        return _first(
            parent_id=self.parent_id,
            account_id=self.account_id,
            wallet_id=self.wallet_id,
            user_id=self.user_id,
            organization_id=organization_id,
        )


@dataclass(frozen=True, slots=True)
class WhichActivities:
    """Which activities are listed: those that have all that is not None."""

    kind: str | None = None
    state: ActivityState | None = None
    session_id: str | None = None
    account_id: str | None = None
    created: Span = EVER


@dataclass(frozen=True, slots=True)
class WhichLines:
    """
    Which lines of the audit log are listed: those that have all that is not None.

    Args:
        resource, action: The halves of the event's name.
        subject_id: What it happened to.
        at: When.
    """

    resource: str | None = None
    action: str | None = None
    subject_id: str | None = None
    principal_id: str | None = None
    at: Span = EVER


EVERY_SESSION: Final = WhichSessions()
EVERY_ACTIVITY: Final = WhichActivities()
EVERY_LINE: Final = WhichLines()
NEWEST: Final = Part()
OLDEST: Final = Part(newest_first=False)


def _first(**attributes: Value) -> dict[str, Value]:
    name, value = next((name, value) for name, value in attributes.items() if value is not None)
    return {name: value}


async def sessions(
    world: Sight,
    principal: Principal,
    *,
    organization_id: str,
    which: WhichSessions = EVERY_SESSION,
    part: Part = NEWEST,
) -> tuple[list[Shown], str | None]:
    """
    Return sessions of an organization, and where the next part begins, as `scan` does.

    A session gets its own children alone.
    """
    if principal.kind is not PrincipalKind.SESSION or which.parent_id != principal.subject_id:
        expect_secret(principal)
    now = world.clock.now()

    def body(view: View) -> tuple[list[Shown], str | None]:
        expect_reach(view, principal, organization_id, "organization")

        def keep(found: Session) -> Shown | None:
            if found.organization_id != organization_id or not which.has(found):
                return None
            one = show(line_of(view, found), now=now)
            return one if which.state in {None, one.state} else None

        return scan(view, Session, which.looked_up(organization_id), keep, part)

    return await world.store.read(body)


async def activities(
    world: Sight,
    principal: Principal,
    *,
    organization_id: str,
    which: WhichActivities = EVERY_ACTIVITY,
    part: Part = NEWEST,
) -> tuple[list[Activity], str | None]:
    """
    Return activities, and where the next part begins, as `scan` does.

    A session gets its own alone.
    """
    expect_known(principal)
    expect_own(principal, principal.subject_id)
    own = principal.subject_id if principal.kind is PrincipalKind.SESSION else None
    looked_up = _first(
        session_id=own or which.session_id,
        account_id=which.account_id,
        organization_id=organization_id,
    )

    def keep(found: Activity) -> Activity | None:
        asked = (
            (organization_id, found.organization_id),
            (own, found.session_id),
            (which.session_id, found.session_id),
            (which.account_id, found.account_id),
            (which.kind, found.kind),
            (which.state, found.state),
        )
        is_one = all(wanted in {None, got} for wanted, got in asked)
        return found if is_one and found.created_at in which.created else None

    def body(view: View) -> tuple[list[Activity], str | None]:
        expect_reach(view, principal, organization_id, "organization")
        ids = which.created.ids(Prefix.ACTIVITY)
        return scan(view, Activity, looked_up, keep, part, ids=ids)

    return await world.store.read(body)


async def audit_log(
    world: Sight,
    principal: Principal,
    *,
    organization_id: str,
    which: WhichLines = EVERY_LINE,
    part: Part = OLDEST,
) -> tuple[list[AuditLine], str | None]:
    """Return lines of the audit log, and where the next part begins, as `scan` does."""
    expect_secret(principal)

    def keep(found: AuditLine) -> AuditLine | None:
        resource, _, action = found.event.partition(":")
        asked = (
            (which.resource, resource),
            (which.action, action),
            (which.subject_id, found.subject_id),
            (which.principal_id, found.principal_id),
        )
        is_one = all(wanted in {None, got} for wanted, got in asked)
        return found if is_one and found.at in which.at else None

    def body(view: View) -> tuple[list[AuditLine], str | None]:
        expect_reach(view, principal, organization_id, "organization")
        where: Mapping[str, Value] = {"organization_id": organization_id}
        return scan(view, AuditLine, where, keep, part)

    return await world.store.read(body)
