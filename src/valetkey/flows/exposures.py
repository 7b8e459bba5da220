"""Who is exposed to a key or a contract, across an organization, and the end of all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from valetkey.core.errors import Code, Malformed
from valetkey.core.exposed import exposed
from valetkey.core.permission.towards import Toward
from valetkey.core.session import Event, Session
from valetkey.flows.below import is_within, next_below
from valetkey.flows.gate import expect_reach, expect_secret
from valetkey.flows.line import line_of
from valetkey.flows.record import admit, begin, earlier, part_of, write_down
from valetkey.flows.shown import show
from valetkey.flows.stop import Ask, Stopped, carry, is_alive, take_out
from valetkey.flows.turns import AT_ONCE, in_turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from valetkey.core.activity import Request
    from valetkey.core.exposed import Subject
    from valetkey.core.permission.towards import Towards
    from valetkey.core.principal import Principal
    from valetkey.flows.shown import Shown
    from valetkey.flows.sight import Sight
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

PAGE: Final = 100
SCANNED: Final = 500  # sessions and organizations that one page looks at
_ADDRESS_BYTES: Final = 20
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Where:
    """
    Where to look, and what for.

    Args:
        organization_id: It, and all below it.
        after: ``next`` of the page before; empty is from the start.
        limit: The most that a page has.
    """

    organization_id: str
    subject: Subject
    after: str = ""
    limit: int = PAGE


@dataclass(frozen=True, slots=True)
class Exposure:
    """One session that is not over, and what it may do towards what was asked about."""

    shown: Shown
    towards: Towards


async def exposures(
    world: Sight, principal: Principal, where: Where
) -> tuple[list[Exposure], str | None]:
    """
    Return the sessions that are exposed and that a stop would end, and where the next page begins.

    They come in the order in which they were opened, organization by organization. A page looks at
    so many as `SCANNED`: it may be short, or empty, with others behind it. None is behind the last.

    Raises:
        Malformed: *after* is no place in such a list.
    """
    expect_secret(principal)
    now = world.clock.now()

    def body(view: View) -> tuple[list[Exposure], str | None]:
        expect_reach(view, principal, where.organization_id, "organization")

        def keep(session: Session) -> Exposure | None:
            if not is_alive(world, view, session):
                return None
            found = exposed(session, where.subject)
            return None if found is None else Exposure(show(line_of(view, session), now=now), found)

        return _page(view, where, keep)

    return await world.store.read(body)


async def revoke_exposed(
    world: World, principal: Principal, request: Request, where: Where
) -> tuple[list[Stopped], str | None]:
    """
    Revoke one page of `exposures`, and return how each went and where the next page begins.

    All of the page are refused at once, in the transaction that found them. They are brought to
    their chains a few at a time, and wait together as long as one would. Those that are opened
    meanwhile are found by whoever starts again, until nothing is left.

    Raises:
        Malformed: *after* is no place in such a list; nothing has changed.
    """
    expect_secret(principal)

    def body(tx: Tx) -> tuple[list[Stopped], str | None]:
        expect_reach(tx, principal, where.organization_id, "organization")
        if admit(world, tx, principal, request) is not None:
            return _page(tx, where, partial(_revoked_before, tx, principal, request))

        def keep(session: Session) -> Session | None:
            is_one = is_alive(world, tx, session) and exposed(session, where.subject)
            return session if is_one else None

        found, behind = _page(tx, where, keep)
        activity = begin(
            world,
            principal,
            request,
            "session:revoke_all",
            organization_id=where.organization_id,
            subject_id=where.organization_id,
        )
        facts = {where.subject.toward.value: _named(where.subject)}
        write_down(world, tx, activity, "session:revoked_all", count=str(len(found)), **facts)
        ended = [
            take_out(world, tx, Ask(principal, part_of(request, one.id), one.id, Event.REVOKE))
            for one in found
        ]
        return ended, behind

    world.checkpoint.reached("stop:before_refuse")
    refused, behind = await world.store.write(body)
    world.checkpoint.reached("stop:after_refuse")
    share = min(1, AT_ONCE / len(refused)) if refused else 1
    hurried = replace(world, bounds=replace(world.bounds, wait_s=world.bounds.wait_s * share))
    return await in_turns(partial(carry, hurried), refused), behind


def _revoked_before(
    view: View, principal: Principal, request: Request, session: Session
) -> Stopped | None:
    activity = earlier(view, principal, part_of(request, session.id))
    return None if activity is None else Stopped(session, activity)


def _named(subject: Subject) -> str:
    return "native" if subject.data is None else f"0x{subject.data.hex()}"


def _page(
    view: View, where: Where, keep: Callable[[Session], T | None]
) -> tuple[list[T], str | None]:
    kept: list[T] = []
    place = where.after
    for looked, (place, session) in enumerate(_walk(view, where), start=1):
        one = None if session is None else keep(session)
        if one is not None:
            kept.append(one)
        if len(kept) == where.limit or looked == SCANNED:
            return kept, place
    return kept, None


def _walk(view: View, where: Where) -> Iterator[tuple[str, Session | None]]:
    """Yield every session behind *after*, None for each organization, and the place behind it."""
    at, last = _place(view, where)
    while True:
        more = True
        while more:
            asked = _asked(where.subject, at)
            page = view.find(Session, after=last, limit=PAGE, newest_first=False, **asked)
            for session in page:
                last = session.id
                yield f"{at}/{last}", session
            more = len(page) == PAGE
        behind = next_below(view, where.organization_id, at)
        if behind is None:
            return
        at, last = behind, ""
        yield f"{at}/", None


def _asked(subject: Subject, organization_id: str) -> dict[str, str]:
    """Return by what the sessions of an organization are looked up; a public key has an index."""
    data = subject.data or b""
    if subject.toward is Toward.KEY and len(data) != _ADDRESS_BYTES:
        return {"key_index": f"{organization_id}/{data.hex()}"}
    return {"organization_id": organization_id}


def _place(view: View, where: Where) -> tuple[str, str]:
    """Return the organization and the session behind which to go on."""
    if not where.after:
        return where.organization_id, ""
    organization_id, slash, session_id = where.after.partition("/")
    if not slash or not is_within(view, where.organization_id, organization_id):
        detail = f"after: expected `next` of a page of this list, got {where.after[:60]!r}"
        raise Malformed(Code.MALFORMED_REQUEST, detail)
    return organization_id, session_id
