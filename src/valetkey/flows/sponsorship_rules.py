"""Rules of sponsorships: added, changed, taken away."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from valetkey.core.budget import BudgetLine
from valetkey.core.errors import Code, Conflict, Malformed
from valetkey.core.ids import Prefix
from valetkey.core.scope import Scope
from valetkey.core.sponsor_limit import MAX_INTERVALS
from valetkey.core.sponsoring import MAX_RULES, SponsorshipRule
from valetkey.core.units import UINT128_MAX
from valetkey.flows.gate import expect_scope, present
from valetkey.flows.record import admit, begin, write_down
from valetkey.flows.sponsoring import sponsor_of

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.core.sponsor_limit import Limit
    from valetkey.core.sponsoring import Clause
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

ADDED: Final = ("sponsorship:add_rule", "sponsorship:rule_added")
CHANGED: Final = ("sponsorship:change_rule", "sponsorship:rule_changed")
REMOVED: Final = ("sponsorship:remove_rule", "sponsorship:rule_removed")


@dataclass(frozen=True, slots=True)
class Says:
    """What a rule is to say: a clause or a limit; see `SponsorshipRule`."""

    clause: Clause | None = None
    limit: Limit | None = None
    function: str | None = None
    contract_id: str | None = None


async def add_rule(
    world: World, principal: Principal, request: Request, *, sponsorship_id: str, says: Says
) -> SponsorshipRule:
    """
    Return a new rule of a sponsorship.

    Raises:
        Malformed: A limit is out of its bounds.
        NotFound: The organization has no such sponsorship.
        Conflict: It has `MAX_RULES` already.
    """
    expect_scope(principal, Scope.SPONSORSHIPS_WRITE)
    _check_limit(says.limit)
    owner = principal.organization_id
    rule = SponsorshipRule(
        id=world.new_id(Prefix.SPONSORSHIP_RULE),
        organization_id=owner,
        sponsorship_id=sponsorship_id,
        created_at=world.clock.now(),
        clause=says.clause,
        limit=says.limit,
        function=says.function,
        contract_id=says.contract_id,
    )

    def body(tx: Tx) -> SponsorshipRule:
        found = sponsor_of(tx, owner, sponsorship_id)
        before = admit(world, tx, principal, request)
        if before is not None:
            return present(tx.get(SponsorshipRule, before.subject_id), "rule")
        if found.sponsorship.is_deleted:
            raise Conflict(Code.CONFLICT, "expected a sponsorship that is not deleted, it is")
        if len(found.rules) >= MAX_RULES:
            detail = f"expected at most {MAX_RULES} rules of one sponsorship, got one more"
            raise Conflict(Code.CONFLICT, detail)
        tx.add(rule)
        _write_down(world, tx, principal, request, names=ADDED, one=rule)
        return rule

    return await world.store.write(body)


async def change_rule(
    world: World, principal: Principal, request: Request, *, rule_id: str, says: Says
) -> SponsorshipRule:
    """
    Return the rule, which says something else from now on.

    What a limit has counted stays counted, unless its interval is another one.

    Raises:
        Malformed: A limit is out of its bounds.
    """
    expect_scope(principal, Scope.SPONSORSHIPS_WRITE)
    _check_limit(says.limit)

    def body(tx: Tx) -> SponsorshipRule:
        found = own_rule(tx, principal, rule_id)
        if admit(world, tx, principal, request) is not None:
            return found
        changed = replace(
            found,
            clause=says.clause,
            limit=says.limit,
            function=says.function,
            contract_id=says.contract_id,
        )
        tx.put(changed)
        _write_down(world, tx, principal, request, names=CHANGED, one=changed)
        return changed

    return await world.store.write(body)


async def remove_rule(
    world: World, principal: Principal, request: Request, *, rule_id: str
) -> None:
    """Take a rule away, with what it has counted."""
    expect_scope(principal, Scope.SPONSORSHIPS_WRITE)

    def body(tx: Tx) -> None:
        if admit(world, tx, principal, request) is not None:
            return
        found = own_rule(tx, principal, rule_id)
        for line in tx.find(BudgetLine, scope_id=rule_id):
            tx.drop(BudgetLine, line.id)
        tx.drop(SponsorshipRule, rule_id)
        _write_down(world, tx, principal, request, names=REMOVED, one=found)

    await world.store.write(body)


def own_rule(view: View, principal: Principal, rule_id: str) -> SponsorshipRule:
    """Return a rule of the principal's organization, or raise `NotFound`."""
    found = view.get(SponsorshipRule, rule_id)
    is_own = found is not None and found.organization_id == principal.organization_id
    return present(found if is_own else None, "rule")


def _check_limit(limit: Limit | None) -> None:
    if limit is None:
        return
    if not 0 <= limit.most <= UINT128_MAX:
        raise _malformed("most", "0 to 2^128 - 1", limit.most)
    if not 1 <= limit.intervals <= MAX_INTERVALS:
        raise _malformed("intervals", f"1 to {MAX_INTERVALS}", limit.intervals)


def _malformed(where: str, expected: str, got: int) -> Malformed:
    return Malformed(Code.MALFORMED_BODY, f"{where}: expected {expected}, got {got}")


def _write_down(
    world: World,
    tx: Tx,
    principal: Principal,
    request: Request,
    *,
    names: tuple[str, str],
    one: SponsorshipRule,
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
    write_down(world, tx, activity, event, sponsorship_id=one.sponsorship_id)
