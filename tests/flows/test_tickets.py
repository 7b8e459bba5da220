"""Tickets that nobody uses do not pile up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from valetkey.core.ticket import LIFE_S, Ticket
from valetkey.flows.tickets import SWEPT, forget_tickets, issue_ticket

if TYPE_CHECKING:
    from tests.flows.scene import Scene
    from valetkey.ports import Tx


async def test_late_tickets_are_forgotten_and_others_kept(scene: Scene) -> None:
    """Also with more of them than are looked at together."""
    held = await scene.open(await scene.wallet())
    await issue_ticket(scene.world, scene.principal, session_id=held.id)
    (late,) = await scene.world.store.read(lambda view: view.find(Ticket))

    def add(tx: Tx) -> None:
        for number in range(SWEPT + 1):
            tx.add(replace(late, id=f"{number}", subject_id="somebody"))

    await scene.world.store.write(add)
    scene.clock.advance(LIFE_S - 1)
    await issue_ticket(scene.world, scene.principal, session_id=held.id)
    assert len(await scene.world.store.read(lambda view: view.find(Ticket))) == SWEPT + 3
    scene.clock.advance(1)
    await forget_tickets(scene.world)
    (kept,) = await scene.world.store.read(lambda view: view.find(Ticket))
    assert kept.expires_at > scene.world.clock.now()
