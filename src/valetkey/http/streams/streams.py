"""All open streams of this process: one task looks for all of them, and ends those that must."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from valetkey.core.child_session import OVER
from valetkey.core.errors import Code, Limited, Unavailable, ValetkeyError
from valetkey.flows.holder import prove_again
from valetkey.flows.meter import in_use, look, seq_of
from valetkey.http.answer import ENCODER
from valetkey.http.streams.channel import Channel, Said
from valetkey.http.streams.told import tell_organization, tell_session, why_over

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.core.session import State
    from valetkey.flows.meter import Subject
    from valetkey.http.settings import Settings
    from valetkey.http.sight import Reads
    from valetkey.ports import View
    from valetkey.telemetry.journal import Journal

BATCH: Final = 64  # what is looked at in one state of the store, before others get a turn
LOOKED_AT_EACH_TICK: Final = 250  # sessions of organizations: more are paid for with ticks
_NEVER: Final = (-1, 0)
_ENDING: Final = "the server is ending; ask another one, or again later"


@dataclass(slots=True)
class _Watched:
    """
    A subject, and everybody who watches it.

    Args:
        said: The newest that was said.
        seen: How far the log had come when it was looked at, and when that was.
    """

    subject: Subject
    said: Said
    seen: tuple[int, int] = (-1, 0)
    channels: set[Channel] = field(default_factory=set)


class Streams:
    """
    The streams that are open.

    Each tick proves the principal of each stream again, and looks at what is watched where its
    organization's log has grown, in whatever process, or a second has passed.

    Whom that ends is told within a second: the pause between two ticks is a quarter of one.
    """

    def __init__(self, see: Reads, settings: Settings, journal: Journal) -> None:
        self._see = see
        self._limits = settings.limits
        self._journal = journal
        self._tick_s = settings.tick_s
        self._heartbeat_s = settings.heartbeat_s
        self._watched: dict[Subject, _Watched] = {}
        self._looking: asyncio.Task[None] | None = None
        self._debt = 0  # sessions of organizations that were looked at ahead of their ticks
        self._has_ended = False

    @property
    def channels(self) -> list[Channel]:
        """Every open stream."""
        return [one for watched in self._watched.values() for one in watched.channels]

    async def open(self, principal: Principal, subject: Subject) -> Channel:
        """
        Return a new stream for *principal*, who may watch *subject*; to be closed.

        Raises:
            Limited: The principal or its organization has too many.
            Unavailable: There are too many in all, or the server is ending.
        """
        self._expect_room(principal)
        said, *_ = await self._look(subject)
        self._expect_room(principal)  # others came while it was looked at
        close = partial(self._close, subject)
        channel = Channel(principal, said, close=close, heartbeat_s=self._heartbeat_s)
        watched = self._watched.setdefault(subject, _Watched(subject, said))
        watched.channels.add(channel)
        # Looked at with the next tick: so is one that is over already, which ends it.
        watched.seen = _NEVER
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._keep_looking())
        return channel

    def _close(self, subject: Subject, channel: Channel) -> None:
        """Let go of a stream; of what it watched, too, if it was the last."""
        watched = self._watched[subject]
        watched.channels.discard(channel)
        if not watched.channels:
            del self._watched[subject]

    def end(self) -> None:
        """End all of them, and open no more: the server ends."""
        self._has_ended = True
        self._end_all(Code.NOT_READY, _ENDING)
        if self._looking is not None:
            self._looking.cancel()

    def _end_all(self, code: Code, detail: str) -> None:
        for channel in self.channels:
            channel.end(code, detail)

    def _expect_room(self, principal: Principal) -> None:
        """1. the server's end; 2. in all; 3. of the organization; 4. of the principal."""
        limits, open_ones = self._limits, [one.principal for one in self.channels]
        if self._has_ended:  # 1
            raise Unavailable(Code.NOT_READY, _ENDING)
        if len(open_ones) >= limits.streams:  # 2
            raise Unavailable(Code.TOO_MANY_STREAMS, _too_many(limits.streams, "this server"))
        of_all = [one for one in open_ones if one.organization_id == principal.organization_id]
        if len(of_all) >= limits.streams_of_organization:  # 3
            most = limits.streams_of_organization
            raise Limited(Code.TOO_MANY_STREAMS, _too_many(most, "one organization"))
        own = [one for one in of_all if one.subject_id == principal.subject_id]
        if len(own) >= limits.streams_of_principal:  # 4
            most = limits.streams_of_principal
            raise Limited(Code.TOO_MANY_STREAMS, _too_many(most, "one principal"))

    async def _keep_looking(self) -> None:
        while self._watched:
            await asyncio.sleep(self._tick_s)
            try:
                await self.tick()
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody could be proven
                self._journal.unforeseen(error, during="streams")
                detail = "the store does not answer, so nobody is proven; ask again later"
                self._end_all(Code.STORE_UNAVAILABLE, detail)

    async def tick(self) -> None:
        """Prove everybody again, and say what is new."""
        proven: dict[Principal, ValetkeyError | None] = {}
        everything = list(self._watched.values())
        organizations: list[_Watched] = []
        for start in range(0, len(everything), BATCH):
            batch = everything[start : start + BATCH]
            now = self._see.clock.now()
            organizations += await self._see.store.read(
                lambda view, batch=batch, now=now: self._tick(view, batch, proven, now=now)  # type: ignore[misc]
            )
            await asyncio.sleep(0)
        self._debt = max(0, self._debt - LOOKED_AT_EACH_TICK)
        for watched in sorted(organizations, key=lambda one: one.seen[1]):
            if self._debt:
                break
            said, watched.seen, looked_at = await self._look(watched.subject)
            self._debt += looked_at
            _tell(watched, said)

    def _tick(
        self,
        view: View,
        batch: list[_Watched],
        proven: dict[Principal, ValetkeyError | None],
        *,
        now: int,
    ) -> list[_Watched]:
        """Return those organizations of *batch* that are to be looked at."""
        left: list[_Watched] = []
        for watched in batch:
            for channel in list(watched.channels):
                _prove(view, channel, proven, now=now)
            seen = seq_of(view, watched.subject.organization_id), now
            if seen == watched.seen or not watched.channels:
                continue
            if watched.subject.session_id is None:
                left.append(watched)
                continue
            watched.seen = seen
            said, state = self._said(view, watched.subject, now=now)
            _tell(watched, said)
            if state in OVER:
                for channel in watched.channels:
                    channel.end(*why_over(state))
        return left

    async def _look(self, subject: Subject) -> tuple[Said, tuple[int, int], int]:
        """Return what there is to say, what was seen, and how many sessions were looked at."""
        now, store = self._see.clock.now(), self._see.store
        seq = await store.read(lambda view: seq_of(view, subject.organization_id))
        if subject.session_id is None:
            found = await in_use(store, subject.organization_id, now=now)
            data = ENCODER.encode(tell_organization(subject.organization_id, found))
            return Said(seq, data), (seq, now), found.looked_at
        said, _ = await store.read(lambda view: self._said(view, subject, now=now))
        return said, (said.seq, now), 1

    def _said(self, view: View, subject: Subject, *, now: int) -> tuple[Said, State]:
        shown = look(view, subject.session_id or "", now=now)
        seq = seq_of(view, subject.organization_id)
        return Said(seq, ENCODER.encode(tell_session(shown))), shown.state


def _tell(watched: _Watched, said: Said) -> None:
    if said.data != watched.said.data:
        for channel in watched.channels:
            channel.tell(said)
    watched.said = said


def _prove(
    view: View,
    channel: Channel,
    proven: dict[Principal, ValetkeyError | None],
    *,
    now: int,
) -> None:
    """End *channel* if whoever opened it would not be let in any more."""
    principal = channel.principal
    if principal not in proven:
        proven[principal] = None
        try:
            prove_again(view, principal, now=now)
        except ValetkeyError as error:
            proven[principal] = error
    refused = proven[principal]
    if refused is not None:
        channel.refuse(refused)


def _too_many(most: int, whose: str) -> str:
    return f"expected at most {most} streams of {whose}, got one more"
