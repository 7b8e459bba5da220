"""Which of the server's keys pays for what, as the store says now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.activity import Activity, NonceLine
from valetkey.core.errors import Code, Conflict
from valetkey.core.sponsorship import Fund, Payer, PayerState, payer_id
from valetkey.flows.payers import load_payers
from valetkey.ports import MAX_FOUND

if TYPE_CHECKING:
    from valetkey.core.activity import Intent
    from valetkey.core.session import Session
    from valetkey.flows.world import World
    from valetkey.ports import View


async def refresh(world: World) -> None:
    """Know what the store knows of the keys that pay; a change there is in force here, too."""
    known = await load_payers(world.store)
    if known:
        world.payers.take(known)


async def refresh_if_changed(world: World) -> None:
    """Do `refresh` if the key that pays for runs is no longer the one in use."""
    known = world.payers.current(Fund.RUNS).payer
    found = await world.store.read(lambda view: view.get(Payer, known.id))
    if found is not None and found.state is not PayerState.CURRENT:
        await refresh(world)


def sender_of(world: World, session: Session | None, intent: Intent) -> bytes:
    """
    Return who brings *intent* to the chain.

    Args:
        session: Whose grant a run is made under, the root; None for anything but a run. Its
            contract takes runs from the relayer alone that the grant binds.
    """
    bound = session.permission.relayer if session and session.permission else None
    if bound is not None and world.payers.has(bound):
        return bound
    return world.payers.current(intent.fund).address


def expect_in_use(view: View, address: bytes | None) -> None:
    """
    Let pass what new sessions may bind: nothing, or the relayer that is in use.

    Raises:
        Conflict: Another one is in use since.
    """
    found = view.get(Payer, payer_id(address)) if address is not None else None
    if found is not None and found.state is not PayerState.CURRENT:
        detail = f"expected the relayer that is in use, got {found.id}, the one before; ask again"
        raise Conflict(Code.CONFLICT, detail)


def may_plan(view: View, sender: bytes, *, bound: bytes | None) -> bool:
    """Say whether a new transaction may come from *sender*: in use, or named by the session."""
    found = view.get(Payer, payer_id(sender))
    if found is None or found.state is PayerState.CURRENT:
        return True
    return found.state is PayerState.FORMER and sender == bound


def lines_of(view: View, payer: Payer) -> list[str]:
    """Return the ids of the nonce lines of *payer*, one for each chain where it ever sent."""
    found: list[str] = []
    after = ""
    while page := view.find(NonceLine, after=after):
        found += [one.id for one in page if one.id.endswith(f"/{payer.id}")]
        after = page[-1].id
        if len(page) < MAX_FOUND:
            break
    return found


def in_flight(view: View, payer: Payer) -> list[Activity]:
    """Return what *payer* has planned or sent, and no chain has settled."""
    return [
        one
        for line in lines_of(view, payer)
        for one in view.find(Activity, relayer_id=line, settled=0)
    ]
