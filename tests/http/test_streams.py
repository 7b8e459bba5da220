"""The streams of one process: how many, what a slow reader gets, and how they end."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from tests.http.calls import Caller, Token
from tests.http.gates import FailingStore
from tests.http.sse import PATIENCE_S, watching
from tests.worlds import Founded, StoppedClock, make_organization, make_world
from valetkey.core.activity import Request
from valetkey.core.command import OpenSession
from valetkey.core.errors import Code, Limited, Unavailable
from valetkey.core.principal import Access
from valetkey.core.session import Proof, Session, State
from valetkey.flows.meter import Subject
from valetkey.flows.open_session import open_session
from valetkey.flows.record import audit
from valetkey.http.readiness import Readiness
from valetkey.http.server import running
from valetkey.http.settings import Limits, Settings
from valetkey.http.sight import reads_of
from valetkey.http.streams.streams import Streams
from valetkey.telemetry.journal import Journal
from valetkey.telemetry.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.flows.world import World
    from valetkey.http.streams.channel import Channel
    from valetkey.ports import Tx

NEVER_S: Final = 3600.0  # these tests tick by hand
TICKS: Final = 1000


@dataclass(slots=True)
class Place:
    """A world, its streams, and an organization with one session that reads."""

    world: World
    streams: Streams
    founded: Founded
    session: Session

    async def open(self, subject_id: str = "") -> Channel:
        """Return a new stream of the session, by the first credential or another name."""
        principal = self.founded.principal
        if subject_id:
            principal = principal._replace(subject_id=subject_id)
        return await self.streams.open(
            principal, Subject(self.session.organization_id, self.session.id)
        )

    async def set_state(self, state: State) -> None:
        """Change the session as a flow does: with a line in the log."""

        def body(tx: Tx) -> None:
            tx.put(replace(self.session, state=state))
            at = self.world.clock.now()
            whose = self.session.organization_id
            audit(tx, whose, "session:x", at=at, subject_id=self.session.id, principal_id="x")

        await self.world.store.write(body)


@dataclass(slots=True)
class Pipe:
    """
    The other side of an answer.

    Args:
        is_stuck: Whether nothing is taken after the first piece.
    """

    is_stuck: bool = False
    body: bytes = b""
    is_over: bool = False
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, message: Mapping[str, Any]) -> None:
        """Take a piece, or wait for ever."""
        if self.is_stuck and self.body:
            await asyncio.Event().wait()
        self.body += message["body"]
        self.came.set()
        self.is_over = not message["more_body"]

    async def receive(self) -> dict[str, Any]:
        """Say that the reader is gone, once it is."""
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def until(self, count: int) -> None:
        """Wait until so many events have come."""
        while self.body.count(b"event: ") < count:
            self.came.clear()
            await asyncio.wait_for(self.came.wait(), PATIENCE_S)

    @property
    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """What came, by name."""
        blocks = [one for one in self.body.decode().split("\n\n") if "event: " in one]
        parts = [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]
        return [(one["event"], json.loads(one["data"])) for one in parts]


async def make_place(
    store: FailingStore | None = None, *, tick_s: float = NEVER_S, limits: Limits | None = None
) -> Place:
    """Return a place of its own."""
    if store is not None:
        await store.open()
    world = await make_world(store=store, clock=StoppedClock())
    founded = await make_organization(world)
    now = world.clock.now()
    command = OpenSession(
        proof=Proof.BEARER,
        access=Access.READ,
        user_id=None,
        account_id=None,
        key=None,
        permission=None,
        starts_at=now,
        expires_at=now + 3600,
        idle_s=None,
        label="",
        device="",
    )
    opened = await open_session(world, founded.principal, Request("first", ""), command)
    settings = Settings(tick_s=tick_s, limits=limits or Limits())
    see = reads_of(world, settings, Readiness({}, world.clock, Telemetry()))
    streams = Streams(see, settings, Journal(lambda _: None))
    return Place(world, streams, founded, opened.session)


async def read_to_its_end(channel: Channel, pipe: Pipe) -> None:
    """Run a stream until it has ended."""
    async with asyncio.timeout(PATIENCE_S):
        await channel.run(pipe.send, pipe.receive)
    channel.close()


@pytest.mark.parametrize(
    ("limits", "names", "kind"),
    [
        ({"streams_of_principal": 2}, ["", ""], Limited),
        ({"streams_of_organization": 2}, ["", "crd_other"], Limited),
        ({"streams": 2}, ["", "crd_other"], Unavailable),
    ],
    ids=["principal", "organization", "all"],
)
async def test_streams_are_bounded_and_one_that_is_closed_makes_room(
    limits: dict[str, int], names: list[str], kind: type[Limited | Unavailable]
) -> None:
    """Of a principal, of an organization, and in all; a refusal opens nothing."""
    place = await make_place(limits=Limits(**limits))
    channels = [await place.open(name) for name in names]
    with pytest.raises(kind) as refused:
        await place.open()
    assert refused.value.code is Code.TOO_MANY_STREAMS
    assert "at most 2" in refused.value.detail
    assert len(place.streams.channels) == 2
    channels[0].close()
    await place.open()
    place.streams.end()


async def test_who_is_slow_gets_the_newest_and_nothing_grows() -> None:
    """A thousand changes later there is one event to be read: how it is now."""
    place = await make_place()
    slow, quick = await place.open(), await place.open()
    pipe = Pipe()
    reading = asyncio.create_task(quick.run(pipe.send, pipe.receive))
    await pipe.until(1)
    for number in range(TICKS):
        await place.set_state(State.OPEN if number % 2 else State.FROZEN)
        await place.streams.tick()
        await pipe.until(number + 2)
    assert [data["state"] for _, data in pipe.events[-2:]] == ["frozen", "open"]
    late = Pipe()
    await place.set_state(State.REVOKED)
    await place.streams.tick()
    await read_to_its_end(slow, late)
    assert [(name, data.get("state")) for name, data in late.events] == [
        ("snapshot", "revoked"),
        ("end", None),
    ]
    await asyncio.wait_for(reading, PATIENCE_S)
    quick.close()
    assert [name for name, _ in pipe.events] == ["snapshot", *["change"] * (TICKS + 1), "end"]
    assert place.streams.channels == []


async def test_nothing_is_said_when_nothing_has_changed() -> None:
    """A line in the log about something else, or a tick without one, is no event."""
    place = await make_place()
    channel, pipe = await place.open(), Pipe()
    reading = asyncio.create_task(read_to_its_end(channel, pipe))
    for _ in range(TICKS):
        await place.streams.tick()
    for _ in range(3):
        await place.set_state(State.OPEN)
        await place.streams.tick()
    place.streams.end()
    await reading
    assert [name for name, _ in pipe.events] == ["snapshot", "end"]


async def test_who_takes_nothing_is_cut_off() -> None:
    """The end does not wait for a reader that is stuck."""
    place = await make_place()
    channel, pipe = await place.open(), Pipe(is_stuck=True)
    reading = asyncio.create_task(read_to_its_end(channel, pipe))
    await place.set_state(State.REVOKED)
    await place.streams.tick()
    await reading
    assert pipe.events == []
    assert not pipe.is_over
    assert place.streams.channels == []


async def test_who_goes_away_is_let_go() -> None:
    """Its place is free for others."""
    place = await make_place(limits=Limits(streams=1))
    channel, pipe = await place.open(), Pipe()
    pipe.gone.set()
    await read_to_its_end(channel, pipe)
    await place.open()
    place.streams.end()


async def test_a_store_that_does_not_answer_ends_every_stream() -> None:
    """Nobody can be proven then, so nobody looks on."""
    store = FailingStore()
    place = await make_place(store, tick_s=0.001)
    channel, pipe = await place.open(), Pipe()
    store.says = "broken"
    await read_to_its_end(channel, pipe)
    assert pipe.events[-1][1]["code"] == "store_unavailable"
    assert pipe.is_over


async def test_a_server_that_ends_says_so_and_opens_no_more() -> None:
    """Its readers go to another one, and its end does not wait for them."""
    world = await make_world(clock=StoppedClock())
    founded = await make_organization(world)
    settings = Settings(reconcile_s=0, deliver_s=0, heartbeat_s=0.01)
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(running(world, settings=settings))
        async with httpx.AsyncClient(base_url=server.url, timeout=PATIENCE_S) as client:
            caller = Caller(client, Token(founded.secret))
            async with watching(caller, "/v1/meter") as reader:
                first = await reader.next()
                assert first is not None
                assert first.data["sessions"] == []
                ending = asyncio.create_task(stack.aclose())
                assert await reader.ended() == "not_ready"
            await asyncio.wait_for(ending, PATIENCE_S)
    place = await make_place()
    place.streams.end()
    with pytest.raises(Unavailable) as refused:
        await place.open()
    assert refused.value.code is Code.NOT_READY
