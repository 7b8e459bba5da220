"""Receivers that fail: tried again, left alone, given up, and in nobody's way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from tests.flows.hooks import URL, Hooks, make_hooks
from tests.worlds import make_organization
from valetkey.adapters.outbound.memory import MemoryOutbound
from valetkey.adapters.store.memory import MemoryStore
from valetkey.adapters.store.sqlite import SqliteStore
from valetkey.core.webhook import FAILING_S, DeliveryState
from valetkey.flows.deliver import deliver_next
from valetkey.flows.move import leave, stay
from valetkey.ports import Posted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from valetkey.flows.world import World

BAD: Final = Posted(500)
OTHER: Final = "https://other.example/"
PAUSES_S: Final = (5, 30, 120, 600, 3_600, 21_600, 86_400)  # as the pages promise


@pytest.fixture(params=["memory", "sqlite"])
async def hooks(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Hooks]:
    """Give a world on each store, and look afterwards whether its queue is in order."""
    store: MemoryStore | SqliteStore = MemoryStore()
    if request.param == "sqlite":
        store = SqliteStore(tmp_path / "store.db")
    await store.open()
    made = await make_hooks(store=store)
    yield made
    await made.check_queue()
    await store.close()


async def test_a_failed_attempt_is_made_again_later_each_time_and_then_no_more(
    hooks: Hooks,
) -> None:
    """5 s, 30 s, 2 min, 10 min, 1 h, 6 h, 24 h, each a fifth more or less; then it is dead."""
    webhook = await hooks.add()
    hooks.outbound.answers[URL] = BAD
    await hooks.happen()
    pauses = []
    for attempts in range(1, len(PAUSES_S) + 2):
        assert await hooks.send() == 1, attempts
        (delivery,) = await hooks.deliveries(webhook)
        assert (delivery.attempts, delivery.status, delivery.reason) == (
            attempts,
            500,
            "answered 500",
        )
        if delivery.next_at is not None:
            pauses.append(delivery.next_at - hooks.clock.now())
            hooks.clock.advance(pauses[-1] - 1)
            assert await hooks.send() == 0
            hooks.clock.advance(1 + max(0, min(PAUSES_S[attempts - 1], 600) - pauses[-1]))
    assert len(pauses) == len(PAUSES_S)
    for pause, whole in zip(pauses, PAUSES_S, strict=True):
        assert 0.8 * whole - 1 <= pause <= 1.2 * whole + 1
    assert delivery.state is DeliveryState.DEAD
    hooks.clock.advance(FAILING_S)
    assert await hooks.send() == 0
    assert len({body["id"] for body in hooks.take()}) == 1


async def test_an_attempt_that_succeeds_ends_it(hooks: Hooks) -> None:
    """Whatever failed before, 2xx is the end; 3xx is none, for nothing is followed."""
    webhook = await hooks.add()
    await hooks.happen()
    answers = [Posted(None, "no answer within 10 s"), Posted(302), Posted(200)]
    for answer in answers:
        hooks.outbound.answers[URL] = answer
        assert await hooks.send() == 1
        (delivery,) = await hooks.deliveries(webhook)
        if answer.status == 302:
            assert delivery.reason == "answered 302; redirects are not followed"
        hooks.clock.advance(700)
    assert delivery.state is DeliveryState.DELIVERED
    assert delivery.reason == ""
    assert (await hooks.webhook(webhook)).failures == 0
    hooks.take()


async def test_a_failing_receiver_holds_up_nobody_else(hooks: Hooks) -> None:
    """Receivers take turns: a hundred events of one wait behind one event of another."""
    await hooks.add()
    other = await hooks.add(url=OTHER)
    hooks.outbound.answers[URL] = BAD
    await hooks.happen(50)
    turns = 0
    while not hooks.take(OTHER):
        turns += await deliver_next(hooks.world)
        assert turns <= 2
    await hooks.send()
    assert {one.state for one in await hooks.deliveries(other)} == {DeliveryState.DELIVERED}
    assert len(hooks.take()) <= 4 * 2  # and the one that fails is left alone


async def test_a_backlog_holds_up_nobody_else(hooks: Hooks) -> None:
    """
    Receivers take turns also when all that waits for one is older than what others wait for.

    A slow one that has gathered a thousand events would otherwise have a process for hours.
    """
    first = await hooks.add("user:added")
    await hooks.happen(40)
    for one in await hooks.deliveries(first):
        assert one.next_at == hooks.clock.now()
    hooks.clock.advance(60)
    founded = await make_organization(hooks.world, "Other")
    await hooks.add(url=OTHER, founded=founded)
    await hooks.happen(founded=founded)
    for _ in range(2):
        hooks.clock.advance(1)  # a turn takes some time
        assert await deliver_next(hooks.world)
    assert len(hooks.take(OTHER)) == 1
    assert len(hooks.take()) == 4


async def test_a_receiver_that_is_gone_is_switched_off(hooks: Hooks) -> None:
    """410 is an answer for good: nothing more is sent, and those who listen are told."""
    webhook = await hooks.add()
    await hooks.add("webhook:disabled", url=OTHER)
    hooks.outbound.answers[URL] = Posted(410)
    await hooks.happen(6)
    await hooks.send()
    await hooks.happen()
    assert await hooks.send() == 0
    off = await hooks.webhook(webhook)
    assert not off.is_on
    assert "410" in off.off_reason
    (told,) = hooks.take(OTHER)
    assert told["subject_id"] == webhook.id
    assert told["facts"] == {"reason": off.off_reason}
    deliveries = await hooks.deliveries(webhook)
    assert [one.state for one in deliveries] == [DeliveryState.DEAD] * 6
    assert {one.reason for one in deliveries} == {"answered 410", "the webhook is off"}


async def test_a_receiver_that_fails_for_days_is_switched_off(hooks: Hooks) -> None:
    """Three days in which something waited and nothing came through; one success is enough."""
    webhook = await hooks.add()
    hooks.outbound.answers[URL] = BAD
    for hour in range(24 * 3):
        assert (await hooks.webhook(webhook)).is_on, hour
        await hooks.happen()
        await hooks.send()
        hooks.clock.advance(3600)
    await hooks.send()
    off = await hooks.webhook(webhook)
    assert not off.is_on
    assert off.off_reason == "the receiver has failed for 3 days"


async def test_a_receiver_that_failed_once_and_is_not_asked_is_left_on(hooks: Hooks) -> None:
    """A failure of a week ago does not count when nothing waited since."""
    webhook = await hooks.add()
    hooks.outbound.answers[URL] = BAD
    for _ in range(2):
        await hooks.happen()
        while await hooks.send():
            due = [one.next_at for one in await hooks.deliveries(webhook) if one.next_at]
            hooks.clock.advance(
                max(*due, hooks.clock.now() + 600) - hooks.clock.now() if due else 0
            )
        hooks.clock.advance(7 * 24 * 3600)
    states = [one.state for one in await hooks.deliveries(webhook)]
    assert states == [DeliveryState.DEAD] * 2
    assert (await hooks.webhook(webhook)).is_on


class Meanwhile(MemoryOutbound):
    """A receiver that fails, and whose organization has left when it answers."""

    def __init__(self, world: World, organization_id: str) -> None:
        super().__init__()
        self._world = world
        self._organization_id = organization_id

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        """See `Outbound.post`."""
        await leave(self._world, self._organization_id, import_key=bytes(32))
        await super().post(url, headers, body)
        return BAD


async def test_what_has_left_is_told_nothing_more_here(hooks: Hooks) -> None:
    """An attempt that was under way when it left is the last: the other server makes the next."""
    organization_id = hooks.founded.principal.organization_id
    await hooks.add()
    await hooks.happen(6)
    leaving = Meanwhile(hooks.world, organization_id)
    assert await deliver_next(replace(hooks.world, outbound=leaving))
    assert leaving.kept
    hooks.clock.advance(3600)
    await hooks.send()
    assert hooks.take() == []
    await stay(hooks.world, organization_id)
    await hooks.send()
    assert len(hooks.take()) == 6
