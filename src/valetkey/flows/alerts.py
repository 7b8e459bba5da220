"""Alerts: an event, once, when something comes near its end or happens too often."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.alert import Refusals, Told, is_nearly_used, refused_again
from valetkey.core.budget import booked_in
from valetkey.core.errors import ValetkeyError
from valetkey.core.event import BUDGET_80, REFUSAL_BURST, RELAYER_BALANCE_LOW
from valetkey.core.organization import Organization
from valetkey.core.permission.lower import lower
from valetkey.flows.outbox import listening
from valetkey.flows.record import SYSTEM, audit, has_left
from valetkey.ports import MAX_FOUND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from valetkey.core.budget import BudgetLine
    from valetkey.core.errors import Code
    from valetkey.core.permission.decide import Spent
    from valetkey.core.session import Session
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View


def note_budget(tx: Tx, line: BudgetLine, *, held: int = 0, now: int) -> None:
    """
    Tell once, in each window and for each limit, that 80 % of a budget or fund is used.

    Args:
        line: As it is booked now.
        held: What sessions may move of it that no server stands before.
    """
    window, booked = booked_in(line, now=now)
    used = booked + held
    if is_nearly_used(used, line.limit):
        told = Told(f"budget/{line.id}", f"{window}/{line.limit}")
        facts = {"asset": line.asset, "limit": str(line.limit), "used": str(used)}
        _tell(tx, told, line.organization_id, at=now, subject_id=line.scope_id, **facts)


def note_caps(tx: Tx, session: Session, spent: Spent, *, now: int) -> None:
    """Tell once, in each window, that 80 % of a cap of *session*, or of its calls, is used."""
    permission = session.permission
    if permission is None:
        return
    near: list[tuple[Told, dict[str, str]]] = []
    most = permission.max_calls
    if most is not None and is_nearly_used(spent.calls, most):
        facts = {"cap": "calls", "limit": str(most), "used": str(spent.calls)}
        near.append((Told(f"cap/{session.id}/calls", ""), facts))
    limits = lower(permission).limits
    for index, (limit, counter) in enumerate(zip(limits, spent.counters, strict=True)):
        if is_nearly_used(counter.spent, limit.limit):
            asset = "native" if limit.asset is None else f"0x{limit.asset.hex()}"
            facts = {"limit": str(limit.limit), "used": str(counter.spent), "asset": asset}
            facts["cap"] = limit.caveat
            near.append((Told(f"cap/{session.id}/{index}", str(counter.window)), facts))
    for told, facts in near:
        _tell(tx, told, session.organization_id, at=now, subject_id=session.id, **facts)


def _tell(
    tx: Tx, told: Told, organization_id: str, *, at: int, subject_id: str, **facts: str
) -> None:
    if tx.get(Told, told.id) == told:
        return
    tx.put(told)
    audit(
        tx, organization_id, BUDGET_80, at=at, subject_id=subject_id, principal_id=SYSTEM, **facts
    )


async def note_refusal(world: World, session: Session, code: Code) -> None:
    """
    Count that a run of *session* was refused, and tell once a window that it happens too often.

    Without a webhook that wants to hear of it a refusal leaves nothing behind; nor does one beyond
    the number that is told of.
    """
    now = world.clock.now()
    most, window_s = world.bounds.refusals, world.bounds.refusals_s

    def counts(view: View) -> Refusals | None:
        owner = session.organization_id
        if has_left(view, owner) or not listening(view, owner, REFUSAL_BURST):
            return None
        before = view.get(Refusals, session.id)
        counted = refused_again(before, session.id, now=now, window_s=window_s)
        return counted if counted.count <= most else None

    def body(tx: Tx) -> None:
        counted = counts(tx)
        if counted is None:
            return
        tx.put(counted)
        if counted.count == most:
            audit(
                tx,
                session.organization_id,
                REFUSAL_BURST,
                at=now,
                subject_id=session.id,
                principal_id=SYSTEM,
                refusals=str(most),
                window_s=str(window_s),
                last_code=code.value,
            )

    if await world.store.read(counts) is not None:
        await world.store.write(body)


async def look_at_balances(world: World) -> None:
    """
    Tell the organizations without a parent, once, that a key which pays for gas has little left.

    It is told again only after it had more in between. A chain that does not answer says nothing.
    """
    payers = list(world.payers.in_service())
    for name, chain in world.chains.items():
        for role, address in payers:
            try:
                balance = await chain.balance(address)
            except ValetkeyError:
                continue
            await _note_balance(world, f"{role}/{name}/0x{address.hex()}", balance)


async def _note_balance(world: World, key: str, balance: int) -> None:
    is_low = balance < world.bounds.low_balance_wei
    known = await world.store.read(lambda view: view.get(Told, key))
    if is_low == (known is not None):
        return
    role, chain, address = key.split("/")

    def body(tx: Tx) -> None:
        if not is_low:
            tx.drop(Told, key)
            return
        if tx.get(Told, key) is not None:  # by another process
            return
        tx.put(Told(key, "low"))
        for organization in _first_ones(tx):
            audit(
                tx,
                organization.id,
                RELAYER_BALANCE_LOW,
                at=world.clock.now(),
                subject_id=address,
                principal_id=SYSTEM,
                role=role,
                chain=chain,
                balance_wei=str(balance),
                threshold_wei=str(world.bounds.low_balance_wei),
            )

    await world.store.write(body)


def _first_ones(view: View) -> Iterator[Organization]:
    after = ""
    while page := view.find(Organization, after=after, parent_id=None):
        yield from (one for one in page if one.moved_at is None)
        after = page[-1].id
        if len(page) < MAX_FOUND:
            return
