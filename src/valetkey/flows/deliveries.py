"""Deliveries on request: one to try a webhook with, and those that failed, once more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from valetkey.core.activity import Outcome
from valetkey.core.errors import Code, Conflict
from valetkey.core.event import TESTED
from valetkey.core.ids import ID_ENTROPY_BYTES, Prefix, make_id
from valetkey.core.webhook import Delivery, DeliveryState, Webhook
from valetkey.flows.gate import expect_reach, expect_secret, present
from valetkey.flows.outbox import queue, summon, tell
from valetkey.flows.record import admit, write_down
from valetkey.flows.webhooks import begun, own_webhook

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.ports import Tx

MAX_REPLAYED: Final = 1000  # in one request


async def try_webhook(
    world: World, principal: Principal, request: Request, *, webhook_id: str
) -> Delivery:
    """
    Return the delivery of an event that says nothing but that it was asked for.

    Raises:
        Conflict: The webhook is off.
    """
    expect_secret(principal)

    def body(tx: Tx) -> Delivery:
        webhook = own_webhook(tx, principal, webhook_id)
        before = admit(world, tx, principal, request)
        if before is not None:
            return present(tx.get(Delivery, before.subject_id), "delivery")
        _expect_on(webhook)
        activity = begun(world, principal, request, "webhook:test", webhook)
        delivery = tell(tx, webhook, write_down(world, tx, activity, TESTED))
        summon(tx, webhook_id, due_at=delivery.at, is_urgent=True)
        tx.put(replace(activity, subject_id=delivery.id))
        return delivery

    return await world.store.write(body)


async def replay(
    world: World, principal: Principal, request: Request, *, delivery_id: str
) -> Delivery:
    """
    Return a delivery that is over, to be tried again from the start; one that waits, as it is.

    Raises:
        Conflict: Its webhook is off.
    """
    expect_secret(principal)

    def body(tx: Tx) -> Delivery:
        delivery = present(tx.get(Delivery, delivery_id), "delivery")
        expect_reach(tx, principal, delivery.organization_id, "delivery", widens=True)
        again = admit(world, tx, principal, request) is not None
        if again or delivery.state is DeliveryState.PENDING:
            return delivery
        webhook = own_webhook(tx, principal, delivery.webhook_id)
        _expect_on(webhook)
        activity = begun(world, principal, request, "webhook:replay", webhook)
        write_down(world, tx, activity, "webhook:replayed", deliveries="1")
        return _start_again(world, tx, delivery)

    return await world.store.write(body)


async def replay_dead(
    world: World, principal: Principal, request: Request, *, webhook_id: str, since: int
) -> int:
    """
    Return how many dead deliveries of a webhook are tried again from the start.

    Args:
        since: Only events of this second and later; of those the oldest `MAX_REPLAYED`.

    Raises:
        Conflict: The webhook is off.
    """
    expect_secret(principal)
    start = make_id(
        Prefix.DELIVERY, bytes(ID_ENTROPY_BYTES), at_ms=1000 * min(since, world.clock.now())
    )

    def body(tx: Tx) -> int:
        webhook = own_webhook(tx, principal, webhook_id)
        before = admit(world, tx, principal, request)
        if before is not None and before.outcome is not None:
            return int(before.outcome.detail)
        _expect_on(webhook)
        dead = tx.find(
            Delivery,
            after=start,
            limit=MAX_REPLAYED,
            webhook_id=webhook_id,
            state=DeliveryState.DEAD,
        )
        for one in dead:
            _start_again(world, tx, one)
        count = str(len(dead))
        activity = begun(world, principal, request, "webhook:replay", webhook)
        activity = replace(activity, outcome=Outcome(succeeded=True, code=None, detail=count))
        write_down(world, tx, activity, "webhook:replayed", deliveries=count)
        return len(dead)

    return await world.store.write(body)


def _start_again(world: World, tx: Tx, delivery: Delivery) -> Delivery:
    fresh = replace(delivery, attempts=0, status=None, reason="")
    return queue(tx, fresh, due_at=world.clock.now(), is_urgent=True)


def _expect_on(webhook: Webhook) -> None:
    if not webhook.is_on:
        detail = f"expected a webhook that is on, got {webhook.id}, which is off; switch it on"
        raise Conflict(Code.CONFLICT, detail)
