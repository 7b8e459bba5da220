"""A server that is killed, again and again, at every point where something could be lost."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from tests.crash.load import Load
from tests.crash.place import ROOT, nursery, open_place
from tests.crash.test_webhooks import CRASHES
from tests.worlds import Passed
from valetkey.adapters.store.sqlite import SqliteStore
from valetkey.wiring import wire

if TYPE_CHECKING:
    from pathlib import Path

# How often a process passes each point in one piece of work, about: the kill comes at one of them.
POINTS: Final = {
    "child:after_open": 2,
    "child:before_open": 2,
    "delegate:after_plan": 2,
    "delegate:after_sign": 2,
    "delegate:before_plan": 2,
    "delegate:before_sign": 2,
    "grant:after_sign": 3,
    "grant:before_sign": 3,
    "relay:after_plan": 9,
    "relay:after_send": 9,
    "relay:after_settle": 9,
    "relay:after_sign": 9,
    "relay:before_plan": 9,
    "relay:before_send": 9,
    "relay:before_settle": 9,
    "relay:before_sign": 9,
    "run:after_book": 7,
    "run:after_sign": 4,
    "run:before_book": 7,
    "run:before_sign": 4,
    "stop:after_open": 3,
    "stop:after_refuse": 3,
    "stop:before_refuse": 3,
    "store:after_commit": 25,
    "store:before_commit": 25,
    "switch:after_sign": 2,
    "switch:before_sign": 2,
    "undelegate:after_plan": 2,
    "undelegate:after_sign": 2,
    "undelegate:before_plan": 2,
    "undelegate:before_sign": 2,
}
KILLS: Final = int(os.environ.get("VALETKEY_CRASH_ROUNDS", "20"))
_REACHED: Final = re.compile(r'reached\("([a-z_:]+)"\)')


async def test_every_point_is_known_and_passed(tmp_path: Path) -> None:
    """A checkpoint that is added to the flows or the store is killed at, or this fails."""
    sources = (ROOT / "src" / "valetkey").rglob("*.py")
    written = {name for path in sources for name in _REACHED.findall(path.read_text())}
    passed = Passed()
    with open_place(tmp_path / "server") as place:
        await place.make()
        async with wire(place.folder, {}) as wired:
            store = SqliteStore(place.folder / wired.config.store, checkpoint=passed)
            await store.open()
            world = replace(wired.world, store=store, checkpoint=passed)
            await Load(world, place.folder, "recorded").work()
            await store.close()
        await place.check()
    elsewhere = {crash.rpartition(":")[0] for crash in CRASHES} - set(POINTS)
    assert set(passed.names) == set(POINTS) == written - elsewhere


@pytest.mark.parametrize("point", POINTS)
async def test_nothing_is_lost_or_done_twice(tmp_path: Path, point: str) -> None:
    """Killed at this point under load, the server comes back with every book right."""
    with open_place(tmp_path / "server") as place:
        await place.make()
        killed = 0
        with nursery(place) as made:
            for number in range(3 * KILLS):
                count = number % POINTS[point] + 1
                killed += made.run(f"{point}:{count}")[0]
                if killed == KILLS:
                    break
        assert killed == KILLS
        await place.check()


@pytest.mark.parametrize("point", ["store:before_commit", "relay:before_send", "relay:after_plan"])
async def test_another_process_goes_on(tmp_path: Path, point: str) -> None:
    """Two processes on one file and one line of nonces: one is killed, the other is not hurt."""
    with open_place(tmp_path / "server") as place:
        await place.make()
        with nursery(place) as made:
            for number in range(max(KILLS // 4, 1)):
                ends = made.run(f"{point}:{number % 5 + 1}", None)
                assert ends == [True, False]
        await place.check()
