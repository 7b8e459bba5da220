"""What a vendor's client was refused, where its organization will want to know why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.flows.record import audit, has_left

if TYPE_CHECKING:
    from valetkey.core.errors import Code
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.ports import Tx


async def note_refused(world: World, principal: Principal, *, wallet_id: str, code: Code) -> None:
    """Write down that a session was refused a signature, and why; not of who has left."""
    now = world.clock.now()

    def body(tx: Tx) -> None:
        if has_left(tx, principal.organization_id):
            return
        audit(
            tx,
            principal.organization_id,
            "wallet:signature_refused",
            at=now,
            subject_id=wallet_id,
            principal_id=principal.subject_id,
            code=code.value,
        )

    await world.store.write(body)
