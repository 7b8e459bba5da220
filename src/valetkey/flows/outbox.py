"""What an event leaves for those who want to hear it, in the transaction of the event itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from valetkey.core.event import TESTED, event_id, is_wanted, line_id
from valetkey.core.ids import Prefix
from valetkey.core.webhook import (
    Delivery,
    DeliveryState,
    Turn,
    TurnState,
    Waiting,
    Webhook,
    turn_id,
    waiting_id,
)

if TYPE_CHECKING:
    from valetkey.core.audit import AuditLine
    from valetkey.ports import Tx, View

MOST: Final = 1000  # webhooks of one organization that are looked at; far more than it may have


def put_out(tx: Tx, line: AuditLine) -> None:
    """Have every webhook told of *line* that is on and wants to hear it."""
    for webhook in listening(tx, line.organization_id, line.event):
        if webhook.form is None or webhook.form.concerns(line.facts):
            tell(tx, webhook, line)


def listening(view: View, organization_id: str, event: str) -> list[Webhook]:
    """Return the webhooks of the organization that are on and want to hear *event*."""
    found = view.find(Webhook, organization_id=organization_id, limit=MOST)
    return [one for one in found if one.is_on and is_wanted(event, one.events)]


def tell(tx: Tx, webhook: Webhook, line: AuditLine) -> Delivery:
    """Return the delivery of *line* to *webhook*, to be sent at once."""
    delivery = Delivery(
        id=line_id(Prefix.DELIVERY, line, webhook.id),
        organization_id=webhook.organization_id,
        webhook_id=webhook.id,
        state=DeliveryState.PENDING,
        event_id=event_id(line),
        line_id=line.id,
        event=line.event,
        at=line.at,
        next_at=line.at,
    )
    queue(tx, delivery, due_at=line.at)
    return delivery


def queue(tx: Tx, delivery: Delivery, *, due_at: int, is_urgent: bool = False) -> Delivery:
    """
    Return *delivery*, to be tried at *due_at*.

    Args:
        is_urgent: Whether a receiver that just failed is asked all the same.
    """
    queued = replace(delivery, state=DeliveryState.PENDING, next_at=due_at)
    tx.put(queued)
    key = _place(queued, due_at=due_at)
    tx.put(Waiting(key, queued.webhook_id, queued.id, due_at))
    summon(tx, queued.webhook_id, due_at=due_at, is_urgent=is_urgent)
    return queued


def unqueue(tx: Tx, delivery: Delivery) -> None:
    """Take a pending *delivery* out of the queue."""
    if delivery.next_at is not None:
        tx.drop(Waiting, _place(delivery, due_at=delivery.next_at))


def _place(delivery: Delivery, *, due_at: int) -> str:
    """Return where *delivery* waits: a first try before all, for somebody waits to see it."""
    is_try = delivery.event == TESTED and delivery.attempts == 0
    return waiting_id(delivery, due_at=0 if is_try else due_at)


def summon(tx: Tx, webhook_id: str, *, due_at: int, is_urgent: bool = False) -> None:
    """Have a webhook served at *due_at*, unless it is anyway, or is left alone."""
    turn = turn_of(tx, webhook_id)
    if turn is not None:
        is_held = turn.state is TurnState.HELD and not is_urgent
        if turn.state is TurnState.TAKEN or is_held or turn.due_at <= due_at:
            return
    set_turn(tx, webhook_id, due_at=due_at, state=TurnState.WAITING)


def set_turn(tx: Tx, webhook_id: str, *, due_at: int, state: TurnState) -> Turn:
    """Return the one turn of a webhook, as it is from now on."""
    drop_turn(tx, webhook_id)
    turn = Turn(turn_id(webhook_id, due_at=due_at), webhook_id, due_at, state)
    tx.put(turn)
    return turn


def drop_turn(tx: Tx, webhook_id: str) -> None:
    """Have a webhook served no more: nothing waits."""
    turn = turn_of(tx, webhook_id)
    if turn is not None:
        tx.drop(Turn, turn.id)


def turn_of(view: View, webhook_id: str) -> Turn | None:
    """Return the turn of a webhook, None if nothing waits."""
    found = view.find(Turn, webhook_id=webhook_id, limit=1)
    return found[0] if found else None
