"""Deliveries on request: to try a webhook with, and once more."""

from __future__ import annotations

import pytest

from tests.flows.hooks import URL, Hooks, add_dead, make_hooks, request
from valetkey.core.webhook import DeliveryState
from valetkey.flows import deliveries
from valetkey.flows.deliver import deliver_next
from valetkey.ports import Posted

BAD = Posted(500)


@pytest.fixture
async def hooks() -> Hooks:
    """Give a world of its own."""
    return await make_hooks()


async def test_trying_a_webhook_sends_an_event_whatever_it_wants(hooks: Hooks) -> None:
    """Once, also to one that is left alone because it failed."""
    webhook = await hooks.add()
    hooks.outbound.answers[URL] = BAD
    await hooks.happen()
    await hooks.send()
    hooks.take()
    hooks.outbound.answers.clear()
    same = request()
    for _ in range(2):
        delivery = await deliveries.try_webhook(
            hooks.world, hooks.founded.principal, same, webhook_id=webhook.id
        )
    await hooks.send()
    (body,) = hooks.take()
    assert (body["type"], body["id"]) == ("webhook:tested", delivery.event_id)


async def test_a_try_stands_before_what_waits(hooks: Hooks) -> None:
    """Whoever mends a receiver tries it first, and does not wait for a thousand events."""
    webhook = await hooks.add()
    await hooks.happen(50)
    hooks.clock.advance(60)
    await deliveries.try_webhook(
        hooks.world, hooks.founded.principal, request(), webhook_id=webhook.id
    )
    assert await deliver_next(hooks.world)
    assert hooks.take()[0]["type"] == "webhook:tested"
    await hooks.check_queue()
    await hooks.send()
    assert len(hooks.take()) == 50 + 1 - 4


async def test_tries_that_fail_stand_in_nobodys_way(hooks: Hooks) -> None:
    """Made again later, they wait for their time as every other one does."""
    webhook = await hooks.add()
    hooks.outbound.answers[URL] = BAD
    for _ in range(8):
        await deliveries.try_webhook(
            hooks.world, hooks.founded.principal, request(), webhook_id=webhook.id
        )
    await hooks.send()
    hooks.take()
    hooks.outbound.answers.clear()
    await hooks.happen()
    await deliveries.try_webhook(
        hooks.world, hooks.founded.principal, request(), webhook_id=webhook.id
    )
    await hooks.check_queue()
    await hooks.send()
    assert [one["type"] for one in hooks.take()][-2:] == ["webhook:tested", "user:added"]
    await hooks.check_queue()


async def test_a_dead_delivery_is_replayed_with_its_own_id(hooks: Hooks) -> None:
    """The receiver sees what it is; one that waits is left as it is."""
    webhook = await hooks.add()
    await add_dead(hooks, webhook)
    (dead,) = await hooks.deliveries(webhook)
    same = request()
    for _ in range(2):
        fresh = await deliveries.replay(
            hooks.world, hooks.founded.principal, same, delivery_id=dead.id
        )
        assert fresh.state is DeliveryState.PENDING
    await hooks.send()
    (body,) = hooks.take()
    assert body["id"] == dead.event_id
    await deliveries.replay(hooks.world, hooks.founded.principal, request(), delivery_id=dead.id)
    await hooks.send()
    assert [one["id"] for one in hooks.take()] == [dead.event_id]


async def test_all_that_died_since_a_time_is_replayed(hooks: Hooks) -> None:
    """From that second on; the same request answers the same and does nothing more."""
    webhook = await hooks.add()
    await add_dead(hooks, webhook, 2)
    hooks.clock.advance(100)
    since = hooks.clock.now()
    await add_dead(hooks, webhook, 3)
    same = request()
    for _ in range(2):
        count = await deliveries.replay_dead(
            hooks.world, hooks.founded.principal, same, webhook_id=webhook.id, since=since
        )
        assert count == 3
        await hooks.send()
    assert len(hooks.take()) == 3
    for late, expected in ((2**53 - 1, 0), (0, 2), (0, 0)):
        count = await deliveries.replay_dead(
            hooks.world, hooks.founded.principal, request(), webhook_id=webhook.id, since=late
        )
        assert count == expected
