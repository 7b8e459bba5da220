"""The owner's decision whose sessions may have signed what nobody can read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

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
    expect_scope(principal, Scope.CUSTODY_WRITE)
    if Surface.NATIVE in surfaces:
        detail = "surfaces: expected surfaces of vendors, got native, whose sessions never do"
        raise Malformed(Code.MALFORMED_BODY, detail)
    wanted = tuple(sorted(set(surfaces)))

    def body(tx: Tx) -> Organization:
        found = present(tx.get(Organization, organization_id), "organization")
        expect_reach(tx, principal, found.id, "organization", widens=True)
        if admit(world, tx, principal, request) is not None:
            return found
        changed = replace(found, raw_signing=wanted)
        tx.put(changed)
        activity = begin(
            world,
            principal,
            request,
            "organization:set_raw_signing",
            organization_id=found.id,
            subject_id=found.id,
        )
        write_down(world, tx, activity, "organization:raw_signing_set", surfaces=" ".join(wanted))
        return changed

    return await world.store.write(body)
