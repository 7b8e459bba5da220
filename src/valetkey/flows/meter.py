"""What is watched: one session, or those of an organization that are used most."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.audit import AuditHead
from valetkey.core.child_session import OVER
from valetkey.core.session import Session
from valetkey.flows import reads
from valetkey.flows.gate import expect_reach, expect_secret, present
from valetkey.flows.line import line_of
from valetkey.flows.shown import show

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.flows.shown import Shown
    from valetkey.flows.sight import Reader, Sight
    from valetkey.ports import View

PAGE: Final = 100
SCANNED: Final = 1000
PERMILLE: Final = 1000


@dataclass(frozen=True, slots=True)
class Subject:
    """
    What is watched.

    Args:
        organization_id: Whose log tells that something happened.
        session_id: None for all sessions of the organization.
    """

    organization_id: str
    session_id: str | None = None


async def watch_session(world: Sight, principal: Principal, *, session_id: str) -> Subject:
    """
    Return the session as what is watched, if *principal* may see it.

    Raises:
        NotFound: There is none, or this principal may not know of it.
    """
    found = await reads.session(world, principal, session_id=session_id)
    return Subject(found.session.organization_id, session_id)


async def watch_organization(
    world: Sight, principal: Principal, *, organization_id: str
) -> Subject:
    """
    Return the sessions of an organization as what is watched, if *principal* may see them.

    Raises:
        NotFound: There is none, or this principal may not know of it.
    """
    expect_secret(principal)
    await world.store.read(
        lambda view: expect_reach(view, principal, organization_id, "organization")
    )
    return Subject(organization_id)


def seq_of(view: View, organization_id: str) -> int:
    """
    Return how far the log of an organization has come.

    Whatever a request or the chain changes about its sessions adds a line in the same transaction,
    in any process; time alone does not.
    """
    head = view.get(AuditHead, organization_id)
    return 0 if head is None else head.seq


def look(view: View, session_id: str, *, now: int) -> Shown:
    """Return a watched session as it is now."""
    return show(line_of(view, present(view.get(Session, session_id), "session")), now=now)


@dataclass(frozen=True, slots=True)
class InUse:
    """
    The sessions of an organization that are not over.

    Args:
        looked_at: Among how many they were found, the newest; more than `SCANNED` are not.
    """

    sessions: list[Shown]
    looked_at: int

    @property
    def has_more(self) -> bool:
        """Whether there may be others."""
        return self.looked_at >= SCANNED


async def in_use(store: Reader, organization_id: str, *, now: int) -> InUse:
    """Return the sessions of an organization that are not over; others get turns meanwhile."""
    found: list[Shown] = []
    looked_at, after = 0, ""
    while looked_at < SCANNED:

        def body(view: View, after: str = after) -> list[Shown]:
            page = view.find(
                Session,
                after=after,
                limit=PAGE,
                newest_first=True,
                organization_id=organization_id,
            )
            return [show(line_of(view, one), now=now) for one in page]

        page = await store.read(body)
        looked_at += len(page)
        found += [one for one in page if one.state not in OVER]
        if len(page) < PAGE:
            break
        after = page[-1].session.id
        await asyncio.sleep(0)
    return InUse(found, looked_at)


def used_permille(shown: Shown) -> int:
    """Return how much of its tightest limit a session has used; 0 if nothing limits it."""
    shares = [(one.spent, one.limit) for one in shown.left]
    if shown.calls_left is not None:
        calls = shown.usage.spent.calls
        shares.append((calls, calls + shown.calls_left))
    used = [PERMILLE * spent // limit for spent, limit in shares if limit]
    return min(max(used, default=0), PERMILLE)
