"""The owner's decisions on what sessions of vendors' surfaces may do as they do at the vendor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from valetkey.core.errors import Code, Malformed
from valetkey.core.organization import Organization
from valetkey.core.scope import Scope
from valetkey.core.surface import Surface
from valetkey.flows.gate import expect_reach, expect_scope, present
from valetkey.flows.record import admit, begin, write_down

if TYPE_CHECKING:
    from collections.abc import Collection

    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.ports import Tx


async def set_raw_signing(
    world: World,
    principal: Principal,
    request: Request,
    *,
    organization_id: str,
    surfaces: Collection[Surface],
) -> Organization:
    """
    Return the organization, whose sessions of these *surfaces* may have raw digests signed.

    That is what some vendors' clients do; whoever has such a session can have anything signed that
    its wallet can sign. Sessions with a permission never do, nor do native ones.

    Raises:
        Forbidden: The principal has not the scope ``custody:write``, or is of one above.
        Malformed: The native surface is among them.
    """
    wanted = _vendors(principal, surfaces)
    switch = _Switch("raw_signing", organization_id, wanted)
    return await _switched(world, principal, request, switch)


async def set_vendor_meaning(
    world: World,
    principal: Principal,
    request: Request,
    *,
    organization_id: str,
    surfaces: Collection[Surface],
) -> Organization:
    """
    Return the organization, whose sessions of these *surfaces* are as wide as their vendor's.

    Those that are opened from now on: where the vendor's format cannot say how much may be moved,
    any amount may. Those that there are stay as they are.

    Raises:
        Forbidden: The principal has not the scope ``custody:write``, or is of one above.
        Malformed: The native surface is among them.
    """
    wanted = _vendors(principal, surfaces)
    switch = _Switch("vendor_meaning", organization_id, wanted)
    return await _switched(world, principal, request, switch)


@dataclass(frozen=True, slots=True)
class _Switch:
    """Which member of which organization is to be what."""

    name: Literal["raw_signing", "vendor_meaning"]
    organization_id: str
    wanted: tuple[Surface, ...]


def _vendors(principal: Principal, surfaces: Collection[Surface]) -> tuple[Surface, ...]:
    expect_scope(principal, Scope.CUSTODY_WRITE)
    if Surface.NATIVE in surfaces:
        detail = "surfaces: expected surfaces of vendors, got native, whose sessions never do"
        raise Malformed(Code.MALFORMED_BODY, detail)
    return tuple(sorted(set(surfaces)))


async def _switched(
    world: World, principal: Principal, request: Request, switch: _Switch
) -> Organization:
    def body(tx: Tx) -> Organization:
        found = present(tx.get(Organization, switch.organization_id), "organization")
        expect_reach(tx, principal, found.id, "organization", widens=True)
        if admit(world, tx, principal, request) is not None:
            return found
        wanted = switch.wanted
        if switch.name == "raw_signing":
            changed = replace(found, raw_signing=wanted)
        else:
            changed = replace(found, vendor_meaning=wanted)
        tx.put(changed)
        activity = begin(
            world,
            principal,
            request,
            f"organization:set_{switch.name}",
            organization_id=found.id,
            subject_id=found.id,
        )
        event = f"organization:{switch.name}_set"
        write_down(world, tx, activity, event, surfaces=" ".join(wanted))
        return changed

    return await world.store.write(body)
