"""Events reach those who want to hear them: at least once, in good time, and by one process."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from tests.flows.crash import Crash, CrashAt
from tests.flows.hooks import URL, Hooks, make_hooks, request
from tests.worlds import Passed, SeededEntropy, make_organization
from valetkey.adapters.store.memory import MemoryStore
from valetkey.adapters.store.sqlite import SqliteStore
from valetkey.core.audit import AuditLine
from valetkey.core.errors import Code, Conflict
from valetkey.core.webhook import KEPT_S, DeliveryState
from valetkey.flows import webhooks
from valetkey.flows.deliver import LEASE_S, deliver_next, forget_old
from valetkey.flows.record import audit
from valetkey.ports import Fetched, Posted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from valetkey.ports import Tx

BAD: Final = Posted(500)
OTHER: Final = "https://other.example/"


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


async def test_an_event_is_told_as_the_audit_log_has_it(hooks: Hooks) -> None:
    """The receiver gets the line, with an id of its own, signed at the time of sending."""
    webhook = await hooks.add()
    await hooks.happen()
    hooks.clock.advance(7)
    assert await hooks.send() == 1
    assert hooks.is_signed(0, hooks.secrets[webhook.id])
    sent = hooks.outbound.kept[0]
    assert sent.headers["webhook-timestamp"] == str(hooks.clock.now())
    assert sent.headers["content-type"] == "application/json"
    (body,) = hooks.take()
    lines = await hooks.world.store.read(lambda view: view.find(AuditLine))
    line = next(one for one in lines if one.event == "user:added")
    assert body == {
        "id": sent.headers["webhook-id"],
        "type": "user:added",
        "at_ms": line.at * 1000,
        "organization_id": hooks.founded.organization.id,
        "subject_id": line.subject_id,
        "principal_id": hooks.founded.principal.subject_id,
        "audit_seq": line.seq,
        "facts": {},
    }
    (delivery,) = await hooks.deliveries(webhook)
    assert delivery.state is DeliveryState.DELIVERED
    assert (delivery.attempts, delivery.status, delivery.next_at) == (1, 204, None)


async def test_what_was_undone_is_never_told(hooks: Hooks) -> None:
    """An event is written with what it tells of, or not at all."""
    webhook = await hooks.add()

    def body(tx: Tx) -> None:
        who = hooks.founded.organization.id
        audit(tx, who, "user:added", at=hooks.clock.now(), subject_id="u", principal_id="p")
        raise Conflict(Code.CONFLICT, "and then something else was in the way")

    with pytest.raises(Conflict):
        await hooks.world.store.write(body)
    assert await hooks.send() == 0
    assert await hooks.deliveries(webhook) == []


async def test_only_what_is_wanted_is_told(hooks: Hooks) -> None:
    """By name, by family, or all of it; and never what another organization did."""
    stranger = await make_organization(hooks.world, "Stranger")
    await hooks.add("user:added", url=f"{URL}/name")
    await hooks.add("user:*", url=f"{URL}/family")
    await hooks.add("*", url=f"{URL}/all")
    await hooks.add("session:*", url=f"{URL}/sessions")
    await hooks.send()
    hooks.outbound.kept.clear()
    await hooks.happen()
    await hooks.happen(founded=stranger)
    await hooks.send()
    assert sorted(one.url for one in hooks.outbound.kept) == [
        f"{URL}/{one}" for one in ("all", "family", "name")
    ]


async def test_events_of_one_receiver_come_in_their_order(hooks: Hooks) -> None:
    """As long as nothing fails: the ids of events sort as they happened."""
    await hooks.add()
    for _ in range(3):
        await hooks.happen(3)
        hooks.clock.advance(1)
    await hooks.send()
    ids = [body["id"] for body in hooks.take()]
    assert len(ids) == 9
    assert ids == sorted(ids)


async def test_many_processes_send_each_attempt_once(hooks: Hooks) -> None:
    """A turn is taken in the store; eight workers of two processes share the work."""
    await hooks.add()
    await hooks.add(url=OTHER)
    await hooks.happen(20)
    worlds = [hooks.world, replace(hooks.world, entropy=SeededEntropy(9))] * 4
    while sum(await asyncio.gather(*(hooks.send(world) for world in worlds))):
        pass
    for url in (URL, OTHER):
        ids = [body["id"] for body in hooks.take(url)]
        assert len(ids) == len(set(ids)) == 20


@pytest.mark.parametrize("place", ["webhook:before_send", "webhook:after_send"])
async def test_a_process_that_dies_while_it_sends_loses_nothing(place: str) -> None:
    """Another takes over when the lease is over; the id tells the receiver what it has already."""
    hooks = await make_hooks()
    webhook = await hooks.add()
    await hooks.happen(2)
    dying = replace(hooks.world, checkpoint=CrashAt(place))
    with pytest.raises(Crash):
        await deliver_next(dying)
    sent = hooks.take()
    assert len(sent) == (2 if place == "webhook:after_send" else 0)
    hooks.clock.advance(LEASE_S - 1)
    assert await hooks.send() == 0
    hooks.clock.advance(1)
    assert await hooks.send() == 1
    again = hooks.take()
    assert len(again) == 2
    assert sent in ([], again)
    assert {one.state for one in await hooks.deliveries(webhook)} == {DeliveryState.DELIVERED}
    await hooks.check_queue()


class Slow:
    """A receiver that answers when it is let; what was sent before, somebody else sends again."""

    def __init__(self) -> None:
        self.came = asyncio.Event()
        self.go = asyncio.Event()

    async def check(self, url: str) -> None:
        """Let every URL pass."""
        del url

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        """Wait, and fail."""
        del url, headers, body
        self.came.set()
        await self.go.wait()
        return BAD

    async def fetch(self, url: str) -> Fetched:
        """Find nothing."""
        del url
        return Fetched(None)


async def test_who_comes_too_late_changes_nothing(hooks: Hooks) -> None:
    """The answer to an attempt whose lease is over does not undo what another process did."""
    webhook = await hooks.add()
    await hooks.happen()
    slow = Slow()
    late = asyncio.create_task(deliver_next(replace(hooks.world, outbound=slow)))
    await slow.came.wait()
    hooks.clock.advance(LEASE_S)
    assert await hooks.send() == 1
    await hooks.happen()
    slow.go.set()
    assert await late
    assert [one.state for one in await hooks.deliveries(webhook)] == [
        DeliveryState.DELIVERED,
        DeliveryState.PENDING,
    ]
    hooks.clock.advance(LEASE_S)
    await hooks.send()
    assert len(hooks.take()) == 2


async def test_what_waits_for_a_webhook_that_is_removed_is_gone(hooks: Hooks) -> None:
    """Nothing is sent to it any more, and nothing is left in the queue."""
    webhook = await hooks.add()
    hooks.outbound.answers[URL] = BAD
    await hooks.happen(3)
    await hooks.send()
    hooks.take()
    await webhooks.remove_webhook(
        hooks.world, hooks.founded.principal, request(), webhook_id=webhook.id
    )
    hooks.clock.advance(60)
    await hooks.send()
    assert hooks.take() == []
    assert await hooks.deliveries(webhook) == []


async def test_what_ended_long_ago_is_forgotten(hooks: Hooks) -> None:
    """Deliveries are listed for a month; the audit log keeps what they told."""
    webhook = await hooks.add()
    await hooks.happen()
    await hooks.send()
    hooks.clock.advance(KEPT_S)
    assert await forget_old(hooks.world) == 0
    await hooks.happen()
    hooks.clock.advance(1)
    assert await forget_old(hooks.world) == 1
    (left,) = await hooks.deliveries(webhook)
    assert left.state is DeliveryState.PENDING
    assert isinstance(hooks.world.checkpoint, Passed)
