"""Rulebooks: clauses that several sponsorships may follow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Conflict, Malformed
from valetkey.core.ids import Prefix
from valetkey.core.quota import Quota
from valetkey.core.scope import Scope
from valetkey.core.sponsoring import MAX_RULES, Rulebook, Written
from valetkey.core.wallet import Account
from valetkey.flows.counts import count_one, count_one_less
from valetkey.flows.gate import expect_reach, expect_scope, present
from valetkey.flows.record import admit, begin, write_down

if TYPE_CHECKING:
    from collections.abc import Callable

    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.core.sponsoring import Clause
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

MAX_TEXT_CHARS: Final = 1024
MAX_CLAUSE_CHARS: Final = 65_536
ADDED: Final = ("rulebook:add", "rulebook:added")
CHANGED: Final = ("rulebook:change", "rulebook:changed")
REMOVED: Final = ("rulebook:remove", "rulebook:removed")


@dataclass(frozen=True, slots=True)
class Draft:
    """
    What a rulebook is to be; see `Rulebook`.

    Args:
        clauses: Each with how it was written. None leaves those that there are.
    """

    scope: str
    clauses: tuple[tuple[Clause, str], ...] | None
    account_id: str | None = None
    description: str | None = None
    priority: int = 0
    is_enabled: bool = True


async def add_rulebook(
    world: World, principal: Principal, request: Request, draft: Draft
) -> Rulebook:
    """
    Return a new rulebook. Nothing follows it yet.

    Raises:
        Malformed: It has too many clauses, or one is too long.
        NotFound: There is no such account.
        Limited: The organization has as many as it may.
    """
    expect_scope(principal, Scope.SPONSORSHIPS_WRITE)
    owner = principal.organization_id
    written = _written(world, draft) or ()
    made = Rulebook(
        id=world.new_id(Prefix.RULEBOOK),
        organization_id=owner,
        created_at=world.clock.now(),
        scope=draft.scope,
        clauses=written,
        account_id=draft.account_id,
        description=draft.description,
        priority=draft.priority,
        is_enabled=draft.is_enabled,
    )

    def body(tx: Tx) -> Rulebook:
        before = admit(world, tx, principal, request)
        if before is not None:
            return own_rulebook(tx, principal, before.subject_id)
        if draft.account_id is not None:
            account = present(tx.get(Account, draft.account_id), "account")
            expect_reach(tx, principal, account.organization_id, "account", widens=True)
        count_one(world, tx, owner, Quota.SPONSORSHIPS)
        tx.add(made)
        _write_down(world, tx, principal, request, names=ADDED, one=made)
        return made

    return await world.store.write(body)


async def change_rulebook(
    world: World,
    principal: Principal,
    request: Request,
    *,
    rulebook_id: str,
    change: Callable[[Draft], Draft],
) -> Rulebook:
    """
    Return the rulebook, changed from now on for all sponsorships that follow it.

    Args:
        change: Makes what it is to be of what it is; scope and account stay.

    Raises:
        Malformed: As for a new one.
        Conflict: It is deleted.
    """
    expect_scope(principal, Scope.SPONSORSHIPS_WRITE)

    def made(_: Tx, found: Rulebook) -> Rulebook:
        now = Draft(
            scope=found.scope,
            clauses=None,
            description=found.description,
            priority=found.priority,
            is_enabled=found.is_enabled,
        )
        draft = change(now)
        written = _written(world, draft)
        return replace(
            found,
            clauses=found.clauses if written is None else written,
            description=draft.description,
            priority=draft.priority,
            is_enabled=draft.is_enabled,
        )

    return await _change(world, principal, request, key=rulebook_id, names=CHANGED, made=made)


async def remove_rulebook(
    world: World, principal: Principal, request: Request, *, rulebook_id: str
) -> Rulebook:
    """Return the rulebook, deleted: sponsorships that follow it pay for nothing."""
    expect_scope(principal, Scope.SPONSORSHIPS_WRITE)

    def made(tx: Tx, found: Rulebook) -> Rulebook:
        count_one_less(tx, found.organization_id, Quota.SPONSORSHIPS)
        return replace(found, is_deleted=True)

    return await _change(world, principal, request, key=rulebook_id, names=REMOVED, made=made)


def own_rulebook(view: View, principal: Principal, rulebook_id: str) -> Rulebook:
    """Return a rulebook of the principal's organization, or raise `NotFound`."""
    found = view.get(Rulebook, rulebook_id)
    is_own = found is not None and found.organization_id == principal.organization_id
    return present(found if is_own else None, "set of rules")


async def _change(
    world: World,
    principal: Principal,
    request: Request,
    *,
    key: str,
    names: tuple[str, str],
    made: Callable[[Tx, Rulebook], Rulebook],
) -> Rulebook:
    def body(tx: Tx) -> Rulebook:
        found = own_rulebook(tx, principal, key)
        if admit(world, tx, principal, request) is not None:
            return found
        if found.is_deleted:
            raise Conflict(Code.CONFLICT, "expected a set of rules that is not deleted, it is")
        changed = made(tx, found)
        tx.put(changed)
        _write_down(world, tx, principal, request, names=names, one=changed)
        return changed

    return await world.store.write(body)


def _written(world: World, draft: Draft) -> tuple[Written, ...] | None:
    if len(draft.description or "") > MAX_TEXT_CHARS:
        raise _too_long("description", MAX_TEXT_CHARS, len(draft.description or ""))
    if draft.clauses is None:
        return None
    if len(draft.clauses) > MAX_RULES:
        detail = f"rules: expected at most {MAX_RULES}, got {len(draft.clauses)}"
        raise Malformed(Code.MALFORMED_BODY, detail)
    for _, text in draft.clauses:
        if len(text) > MAX_CLAUSE_CHARS:
            raise _too_long("rules", MAX_CLAUSE_CHARS, len(text))
    return tuple(
        Written(world.new_id(Prefix.SPONSORSHIP_RULE), clause, text)
        for clause, text in draft.clauses
    )


def _too_long(where: str, most: int, got: int) -> Malformed:
    return Malformed(Code.MALFORMED_BODY, f"{where}: expected at most {most} characters, got {got}")


def _write_down(
    world: World,
    tx: Tx,
    principal: Principal,
    request: Request,
    *,
    names: tuple[str, str],
    one: Rulebook,
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
    write_down(world, tx, activity, event, state=state)
