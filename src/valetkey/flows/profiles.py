"""Users with notes of their organization: added, changed, taken out of sight."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from valetkey.core.child_session import OVER
from valetkey.core.errors import Code, Conflict
from valetkey.core.ids import Prefix
from valetkey.core.organization import User
from valetkey.core.profile import Profile, merged
from valetkey.core.quota import Quota
from valetkey.core.scope import Scope
from valetkey.core.session import Session
from valetkey.flows.counts import count_one
from valetkey.flows.gate import expect_reach, expect_scope, present
from valetkey.flows.record import admit, begin, write_down

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.core.activity import Activity, Request
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View


@dataclass(frozen=True, slots=True)
class Notes:
    """
    What is to be noted; None leaves it as it is.

    Args:
        metadata: See `merged`.
    """

    name: str | None = None
    description: str | None = None
    metadata: Mapping[str, str | float] | None = None


def profile_of(view: View, user: User) -> Profile:
    """Return what is noted of *user*: nothing but what they are called, where nobody noted more."""
    known = view.get(Profile, user.id)
    return known or Profile(user.id, user.organization_id, user.reference)


def shown_user(view: View, principal: Principal, user_id: str) -> tuple[User, Profile]:
    """
    Return a user whom *principal* reaches, with what is noted.

    Raises:
        NotFound: There is none, or none any more.
    """
    user = present(view.get(User, user_id), "player")
    expect_reach(view, principal, user.organization_id, "player")
    profile = profile_of(view, user)
    return present(user if profile.deleted_at is None else None, "player"), profile


async def add_noted_user(
    world: World, principal: Principal, request: Request, notes: Notes
) -> tuple[User, Profile]:
    """
    Return a new user of the principal's organization, with what is noted.

    Raises:
        Malformed: The notes are too long.
        Limited: The organization has as many users as it may.
    """
    expect_scope(principal, Scope.USERS_WRITE)
    owner = principal.organization_id
    user = User(
        id=world.new_id(Prefix.USER),
        organization_id=owner,
        reference=notes.name or "",
        created_at=world.clock.now(),
    )
    profile = _noted(Profile(user.id, owner, ""), notes)

    def body(tx: Tx) -> tuple[User, Profile]:
        before = admit(world, tx, principal, request)
        if before is not None:
            found = present(tx.get(User, before.subject_id), "player")
            return found, profile_of(tx, found)
        count_one(world, tx, owner, Quota.USERS)
        tx.add(user)
        tx.add(profile)
        made = _activity(world, principal, request, "user:add", user)
        write_down(world, tx, made, "user:added")
        return user, profile

    return await world.store.write(body)


async def note(
    world: World, principal: Principal, request: Request, *, user_id: str, notes: Notes
) -> tuple[User, Profile]:
    """
    Return a user with what is noted from now on.

    Raises:
        Malformed: The notes are too long.
        NotFound: There is no such user.
    """
    expect_scope(principal, Scope.USERS_WRITE)

    def body(tx: Tx) -> tuple[User, Profile]:
        user, profile = shown_user(tx, principal, user_id)
        expect_reach(tx, principal, user.organization_id, "player", widens=True)
        if admit(world, tx, principal, request) is not None:
            return user, profile
        changed = _noted(profile, notes)
        tx.put(changed)
        made = _activity(world, principal, request, "user:note", user)
        write_down(world, tx, made, "user:noted")
        return user, changed

    return await world.store.write(body)


async def take_out(world: World, principal: Principal, request: Request, *, user_id: str) -> None:
    """
    Forget what is noted of a user, who is shown no more; their accounts and log stay.

    Raises:
        NotFound: There is no such user.
        Conflict: They have a session that is not over: it would go on with nobody to see it.
    """
    expect_scope(principal, Scope.USERS_WRITE)

    def body(tx: Tx) -> None:
        if admit(world, tx, principal, request) is not None:
            return
        user, _ = shown_user(tx, principal, user_id)
        expect_reach(tx, principal, user.organization_id, "player", widens=True)
        _expect_no_session(world, tx, user_id)
        now = world.clock.now()
        tx.put(Profile(user.id, user.organization_id, "", deleted_at=now))
        made = _activity(world, principal, request, "user:take_out", user)
        write_down(world, tx, made, "user:taken_out")

    await world.store.write(body)


def _expect_no_session(world: World, tx: Tx, user_id: str) -> None:
    after = ""
    while page := tx.find(Session, user_id=user_id, after=after):
        for one in page:
            if one.state not in OVER and world.clock.now() < one.lasts_until:
                detail = f"expected a player without sessions, got one with {one.id}; revoke it"
                raise Conflict(Code.CONFLICT, detail, session_id=one.id)
        after = page[-1].id


def _noted(profile: Profile, notes: Notes) -> Profile:
    if notes.name is not None:
        profile = replace(profile, name=notes.name)
    if notes.description is not None:
        profile = replace(profile, description=notes.description)
    if notes.metadata is not None:
        profile = replace(profile, metadata=merged(profile.metadata, notes.metadata))
    return profile


def _activity(
    world: World, principal: Principal, request: Request, kind: str, user: User
) -> Activity:
    owner = user.organization_id
    return begin(world, principal, request, kind, organization_id=owner, subject_id=user.id)
