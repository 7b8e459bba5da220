"""Reads: each takes a view of the store, never a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from valetkey.core.activity import Activity, ActivityState
from valetkey.core.budget import BudgetLine
from valetkey.core.credential import Credential
from valetkey.core.custody import SplitKey
from valetkey.core.errors import Code, Forbidden
from valetkey.core.organization import Organization, User
from valetkey.core.principal import PrincipalKind
from valetkey.core.session import Session
from valetkey.core.wallet import Account, Wallet
from valetkey.core.webhook import Delivery, Webhook
from valetkey.flows.gate import expect_known, expect_reach, expect_secret, present
from valetkey.flows.line import is_below, line_of, root_of
from valetkey.flows.scan import PAGE
from valetkey.flows.shown import show

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.flows.shown import Shown
    from valetkey.flows.sight import Sight
    from valetkey.ports import Value, View

Owned = TypeVar(
    "Owned",
    User,
    Credential,
    Wallet,
    SplitKey,
    Account,
    Activity,
    BudgetLine,
    Webhook,
    Delivery,
)


async def session(world: Sight, principal: Principal, *, session_id: str) -> Shown:
    """Return one session: the organization's or of one below, the one that asks or below it."""
    expect_known(principal)
    now = world.clock.now()

    def body(view: View) -> Shown:
        found = present(view.get(Session, session_id), "session")
        if found.id != principal.subject_id and not is_below(view, found, principal.subject_id):
            expect_own(principal, session_id)
        expect_reach(view, principal, found.organization_id, "session")
        return show(line_of(view, found), now=now)

    return await world.store.read(body)


async def shown(world: Sight, session: Session) -> Shown:
    """Return *session*, which a write has just answered with, as it is now."""
    now = world.clock.now()
    return await world.store.read(lambda view: show(line_of(view, session), now=now))


async def to_sign(world: Sight, activity: Activity) -> tuple[Session, Account] | None:
    """Return under whose grant a run waits to be signed, or None if *activity* is no such run."""
    session_id = activity.session_id
    if activity.state is not ActivityState.AWAITING or session_id is None:
        return None

    def body(view: View) -> tuple[Session, Account]:
        found = present(view.get(Session, session_id), "session")
        return root_of(view, found), present(view.get(Account, found.account_id or ""), "account")

    return await world.store.read(body)


def expect_own(principal: Principal, session_id: str) -> None:
    """
    Let sessions see themselves alone, and publishable keys nothing of this kind.

    Raises:
        NotFound, Forbidden: It is another session, or a publishable key.
    """
    if principal.kind is PrincipalKind.SESSION and principal.subject_id != session_id:
        present(None, "session")
    if principal.kind is PrincipalKind.PUBLISHABLE:
        raise Forbidden(Code.NOT_ALLOWED, "a publishable key reads the consent of a session only")


async def owned(
    world: Sight, principal: Principal, kind: type[Owned], what: str, *, key: str
) -> Owned:
    """Return one thing of the organization or of a child, by its id."""
    expect_secret(principal)

    def body(view: View) -> Owned:
        found = present(view.get(kind, key), what)
        expect_reach(view, principal, found.organization_id, what)
        return found

    return await world.store.read(body)


async def listed(
    world: Sight,
    principal: Principal,
    kind: type[Owned],
    *,
    organization_id: str,
    after: str = "",
    limit: int = PAGE,
    **where: Value,
) -> list[Owned]:
    """Return things of an organization that are as *where* says, newest first, in pages."""
    expect_secret(principal)

    def body(view: View) -> list[Owned]:
        expect_reach(view, principal, organization_id, "organization")
        return view.find(
            kind,
            after=after,
            limit=limit,
            newest_first=True,
            organization_id=organization_id,
            **where,
        )

    return await world.store.read(body)


async def organization(world: Sight, principal: Principal, *, key: str) -> Organization:
    """Return the organization or one of its children."""
    expect_secret(principal)

    def body(view: View) -> Organization:
        expect_reach(view, principal, key, "organization")
        return present(view.get(Organization, key), "organization")

    return await world.store.read(body)


async def children(
    world: Sight, principal: Principal, *, after: str = "", limit: int = PAGE
) -> list[Organization]:
    """Return the organizations below the principal's, in pages."""
    expect_secret(principal)
    return await world.store.read(
        lambda view: view.find(
            Organization, after=after, limit=limit, parent_id=principal.organization_id
        )
    )


async def activity(world: Sight, principal: Principal, *, activity_id: str) -> Activity:
    """Return one activity: the organization's, or of the session that asks."""
    expect_known(principal)

    def body(view: View) -> Activity:
        found = present(view.get(Activity, activity_id), "activity")
        if principal.kind is PrincipalKind.SESSION and found.session_id != principal.subject_id:
            return present(None, "activity")
        expect_own(principal, principal.subject_id)
        expect_reach(view, principal, found.organization_id, "activity")
        return found

    return await world.store.read(body)
