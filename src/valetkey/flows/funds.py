"""Funds for gas: topped up by the operator, and by a parent for its child."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from valetkey.core.budget import BudgetLine
from valetkey.core.errors import Code, Forbidden, Malformed
from valetkey.core.organization import Organization
from valetkey.core.sponsorship import Fund, fund_line_id
from valetkey.flows.gate import expect_reach, expect_secret, present
from valetkey.flows.record import admit, audit, begin, write_down

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.ports import Tx

OPERATOR: Final = "operator"


def fund_of_scope(scope_id: str) -> tuple[str, Fund] | None:
    """Return organization and fund that ``org_…:runs`` or ``org_…:stops`` names, else None."""
    organization_id, _, name = scope_id.partition(":")
    fund = next((one for one in Fund if one.value == name), None)
    return (organization_id, fund) if fund and organization_id.startswith("org_") else None


async def set_fund(
    world: World, principal: Principal, request: Request, *, scope_id: str, limit_wei: int
) -> BudgetLine:
    """
    Return the fund of a child, its limit changed by the parent.

    The money is the operator's, and a parent may hold a key of its child: so what it gives is taken
    from its own fund, and what it takes back returns there. A fund for stops is only raised: a
    parent may not take from its child what ends sessions.

    Raises:
        Forbidden: It is the principal's own.
        Malformed: The limit is out of these bounds.
    """
    expect_secret(principal)

    def body(tx: Tx) -> BudgetLine:
        organization_id, fund = present(fund_of_scope(scope_id), "fund")
        expect_reach(tx, principal, organization_id, "fund")
        if principal.organization_id == organization_id:
            detail = "expected the fund of a child, got one's own; the operator tops it up"
            raise Forbidden(Code.NOT_ALLOWED, detail)
        line = present(tx.get(BudgetLine, fund_line_id(organization_id, fund)), "fund")
        if admit(world, tx, principal, request) is not None:
            return line
        own = present(tx.get(BudgetLine, fund_line_id(principal.organization_id, fund)), "fund")
        spent = line.counter.spent
        had, left = max(line.limit, spent), max(own.limit - own.counter.spent, 0)
        least = line.limit if fund is Fund.STOPS else 0
        most = had + left
        if not least <= limit_wei <= most:
            detail = f"limit: expected {least} to {most}, got {limit_wei}"
            raise Malformed(Code.MALFORMED_BODY, detail)
        changed = replace(line, limit=limit_wei)
        tx.put(changed)
        tx.put(replace(own, limit=own.limit + had - max(limit_wei, spent)))
        activity = begin(
            world,
            principal,
            request,
            "budget:set",
            organization_id=organization_id,
            subject_id=line.id,
        )
        write_down(world, tx, activity, "budget:set", limit=str(limit_wei))
        return changed

    return await world.store.write(body)


async def top_up(world: World, *, organization_id: str, fund: Fund, limit_wei: int) -> BudgetLine:
    """
    Return a fund with the limit that the operator gives it.

    Only whoever runs the server can do this: no route leads here.
    """

    def body(tx: Tx) -> BudgetLine:
        present(tx.get(Organization, organization_id), "organization")
        line = present(tx.get(BudgetLine, fund_line_id(organization_id, fund)), "fund")
        changed = replace(line, limit=limit_wei)
        tx.put(changed)
        audit(
            tx,
            organization_id,
            "budget:set",
            at=world.clock.now(),
            subject_id=line.id,
            principal_id=OPERATOR,
            limit=str(limit_wei),
        )
        return changed

    return await world.store.write(body)
