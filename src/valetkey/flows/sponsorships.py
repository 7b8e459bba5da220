"""Sponsorships: made, changed, switched, deleted, looked at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Conflict, Malformed, NotFound
from valetkey.core.ids import Prefix
from valetkey.core.quota import Quota
from valetkey.core.scope import Scope
from valetkey.core.sponsoring import Rulebook, Sponsorship
from valetkey.flows.counts import count_one, count_one_less
from valetkey.flows.gate import expect_scope
from valetkey.flows.record import admit, begin, write_down
from valetkey.flows.sponsoring import sponsor_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.flows.sponsoring import Sponsor
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

MAX_TEXT_CHARS: Final = 1024
ADDED: Final = ("sponsorship:add", "sponsorship:added")
CHANGED: Final = ("sponsorship:change", "sponsorship:changed")
REMOVED: Final = ("sponsorship:remove", "sponsorship:removed")


@dataclass(frozen=True, slots=True)
class Promise:
    """What a sponsorship is to be; see `Sponsorship`."""

    name: str
    chain: str | None = None
    rulebook_id: str | None = None
    description: str = ""


async def add_sponsorship(
    world: World, principal: Principal, request: Request, promise: Promise
) -> Sponsor:
    """
    Return a new sponsorship, which pays for nothing until it has rules, or follows some.

    Raises:
        Malformed: The server does not speak to its chain, or its name is too long.
        NotFound: The organization has no such rulebook.
        Limited: It has as many sponsorships as it may.
    """
    expect_scope(principal, Scope.SPONSORSHIPS_WRITE)
    _check(world, promise)
    owner = principal.organization_id
    made = Sponsorship(
        id=world.new_id(Prefix.SPONSORSHIP),
        organization_id=owner,
        name=promise.name,
        created_at=world.clock.now(),
        chain=promise.chain,
        rulebook_id=promise.rulebook_id,
        description=promise.description,
    )

    def body(tx: Tx) -> Sponsor:
        before = admit(world, tx, principal, request)
        if before is not None:
            return sponsor_of(tx, owner, before.subject_id)
        _expect_rulebook(tx, owner, promise.rulebook_id)
        count_one(world, tx, owner, Quota.SPONSORSHIPS)
        tx.add(made)
        _write_down(world, tx, principal, request, names=ADDED, one=made)
        return sponsor_of(tx, owner, made.id)

    return await world.store.write(body)


async def change_sponsorship(
    world: World,
    principal: Principal,
    request: Request,
    *,
    sponsorship_id: str,
    change: Callable[[Promise], Promise],
) -> Sponsor:
    """
    Return the sponsorship, changed from now on; what is ready to go off is asked again.

    Args:
        change: Makes what it is to be of what it is.

    Raises:
        Malformed, NotFound: As for a new one; or it is deleted.
    """
    expect_scope(principal, Scope.SPONSORSHIPS_WRITE)

    def made(tx: Tx, found: Sponsorship) -> Sponsorship:
        wanted = change(Promise(found.name, found.chain, found.rulebook_id, found.description))
        _check(world, wanted)
        _expect_rulebook(tx, found.organization_id, wanted.rulebook_id)
        return replace(
            found,
            name=wanted.name,
            chain=wanted.chain,
            rulebook_id=wanted.rulebook_id,
            description=wanted.description,
        )

    return await _change(world, principal, request, key=sponsorship_id, names=CHANGED, made=made)


async def switch_sponsorship(
    world: World, principal: Principal, request: Request, *, sponsorship_id: str, is_enabled: bool
) -> Sponsor:
    """Return the sponsorship, on or off: off, it pays for nothing that is not on its way yet."""
    expect_scope(principal, Scope.SPONSORSHIPS_WRITE)

    def made(_: Tx, found: Sponsorship) -> Sponsorship:
        return replace(found, is_enabled=is_enabled)

    return await _change(world, principal, request, key=sponsorship_id, names=CHANGED, made=made)


async def remove_sponsorship(
    world: World, principal: Principal, request: Request, *, sponsorship_id: str
) -> Sponsor:
    """Return the sponsorship, deleted: it is still shown, and pays for nothing for ever."""
    expect_scope(principal, Scope.SPONSORSHIPS_WRITE)

    def made(tx: Tx, found: Sponsorship) -> Sponsorship:
        if not found.is_deleted:
            count_one_less(tx, found.organization_id, Quota.SPONSORSHIPS)
        return replace(found, is_deleted=True)

    return await _change(world, principal, request, key=sponsorship_id, names=REMOVED, made=made)


async def _change(
    world: World,
    principal: Principal,
    request: Request,
    *,
    key: str,
    names: tuple[str, str],
    made: Callable[[Tx, Sponsorship], Sponsorship],
) -> Sponsor:
    """Return the sponsorship that *made* makes of it; one that is deleted stays as it is."""

    def body(tx: Tx) -> Sponsor:
        found = sponsor_of(tx, principal.organization_id, key).sponsorship
        if admit(world, tx, principal, request) is None:
            if found.is_deleted:
                raise Conflict(Code.CONFLICT, "expected a sponsorship that is not deleted, it is")
            changed = made(tx, found)
            tx.put(changed)
            _write_down(world, tx, principal, request, names=names, one=changed)
        return sponsor_of(tx, found.organization_id, key)

    return await world.store.write(body)


def _write_down(
    world: World,
    tx: Tx,
    principal: Principal,
    request: Request,
    *,
    names: tuple[str, str],
    one: Sponsorship,
) -> None:
    kind, event = names
    activity = begin(
        world,
        principal,
        request,
        kind,
        organization_id=one.organization_id,
        subject_id=one.id,
    )
    state = "deleted" if one.is_deleted else "on" if one.is_enabled else "off"
    write_down(world, tx, activity, event, state=state, chain=one.chain or "any")


def _check(world: World, promise: Promise) -> None:
    if promise.chain is not None:
        world.chain(promise.chain)
    for name, text in (("name", promise.name), ("description", promise.description)):
        if len(text) > MAX_TEXT_CHARS:
            detail = f"{name}: expected at most {MAX_TEXT_CHARS} characters, got {len(text)}"
            raise Malformed(Code.MALFORMED_BODY, detail)


def _expect_rulebook(view: View, organization_id: str, rulebook_id: str | None) -> None:
    if rulebook_id is None:
        return
    found = view.get(Rulebook, rulebook_id)
    is_own = found is not None and found.organization_id == organization_id
    if found is None or not is_own or found.is_deleted:
        raise NotFound(Code.NOT_FOUND, "there is no set of rules with that id")
