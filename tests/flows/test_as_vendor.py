"""What an organization has its vendors' surfaces do as they do at the vendor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.http.calls import unique
from tests.worlds import make_organization, make_world
from valetkey.core.activity import Request
from valetkey.core.audit import AuditLine
from valetkey.core.errors import Code, Malformed
from valetkey.core.organization import Organization
from valetkey.core.surface import Surface
from valetkey.flows.as_vendor import set_raw_signing, set_vendor_meaning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.ports import View


async def test_two_switches_do_not_touch_each_other() -> None:
    """Each has its own member, its own line in the log, and is off where nothing is named."""
    world = await make_world()
    founded = await make_organization(world)
    own = founded.organization.id
    who = (world, founded.principal)
    await set_raw_signing(*who, Request(unique(), ""), organization_id=own, surfaces=[Surface.PARA])
    both = [Surface.OPENFORT, Surface.CHIPI, Surface.OPENFORT]
    changed = await set_vendor_meaning(
        *who, Request(unique(), ""), organization_id=own, surfaces=both
    )
    assert changed.vendor_meaning == (Surface.CHIPI, Surface.OPENFORT)
    assert changed.raw_signing == (Surface.PARA,)
    assert await world.store.read(lambda view: view.get(Organization, own)) == changed

    def lines(view: View) -> Sequence[AuditLine]:
        return view.find(AuditLine, organization_id=own, newest_first=True, limit=2)

    events = {line.event for line in await world.store.read(lines)}
    assert events == {"organization:raw_signing_set", "organization:vendor_meaning_set"}
    off = await set_vendor_meaning(*who, Request(unique(), ""), organization_id=own, surfaces=[])
    assert (off.vendor_meaning, off.raw_signing) == ((), (Surface.PARA,))


async def test_no_switch_is_for_native_sessions() -> None:
    """They say what they may do, and no more is meant."""
    world = await make_world()
    founded = await make_organization(world)
    own = founded.organization.id
    for switch in (set_raw_signing, set_vendor_meaning):
        with pytest.raises(Malformed) as told:
            await switch(
                world,
                founded.principal,
                Request(unique(), ""),
                organization_id=own,
                surfaces=[Surface.NATIVE],
            )
        assert told.value.code is Code.MALFORMED_BODY
    kept = await world.store.read(lambda view: view.get(Organization, own))
    assert kept == founded.organization
