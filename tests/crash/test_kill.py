"""A server that is killed, again and again, at every point where something could be lost."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import cycle, islice, zip_longest
from typing import TYPE_CHECKING, Final

import pytest

from tests.crash.load import Load
from tests.crash.place import ROOT, nursery, open_place
from tests.crash.test_webhooks import CRASHES
from tests.searched import LONGER
from tests.worlds import Passed
from valetkey.adapters.store.sqlite import SqliteStore
from valetkey.wiring import wire

if TYPE_CHECKING:
    from pathlib import Path

# How often a process passes each point in one piece of work, about: it is killed at each of those.
POINTS: Final = {
    "child": {"after_open": 2, "before_open": 2},
    "delegate": {"after_plan": 2, "after_sign": 2, "before_plan": 2, "before_sign": 2},
    "execution": {"after_book": 9, "after_plan": 9, "before_book": 9, "before_plan": 9},
    "grant": {"after_sign": 3, "before_sign": 3},
    "register": {"after_plan": 3, "after_sign": 3, "before_plan": 3, "before_sign": 3},
    "relay plans": {"after_plan": 9, "after_sign": 9, "before_plan": 9, "before_sign": 9},
    "relay sends": {"after_send": 9, "after_settle": 9, "before_send": 9, "before_settle": 9},
    "run": {"after_book": 7, "after_sign": 4, "before_book": 7, "before_sign": 4},
    "stop": {"after_open": 3, "after_refuse": 3, "before_refuse": 3},
    "store": {"after_commit": 25, "before_commit": 25},
    "switch": {"after_sign": 2, "before_sign": 2},
    "undelegate": {"after_plan": 2, "after_sign": 2, "before_plan": 2, "before_sign": 2},
}
AT_LEAST: Final = 4  # kills at a point, also if a process passes it less often
_REACHED: Final = re.compile(r'reached\("([a-z_:]+)"\)')


def kills(part: str) -> list[str]:
    """Return where a process is killed: at every pass of every point, the points in turn."""
    family = part.partition(" ")[0]
    passes = {
        f"{family}:{name}": islice(cycle(range(1, times + 1)), max(times, AT_LEAST))
        for name, times in POINTS[part].items()
    }
    turns = zip_longest(*([f"{point}:{n}" for n in each] for point, each in passes.items()))
    return [crash_at for turn in turns for crash_at in turn if crash_at]


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
    known = {crash_at.rpartition(":")[0] for part in POINTS for crash_at in kills(part)}
    elsewhere = {crash_at.rpartition(":")[0] for crash_at in CRASHES} - known
    assert set(passed.names) == known == written - elsewhere


@pytest.mark.parametrize("part", POINTS)
async def test_nothing_is_lost_or_done_twice(tmp_path: Path, part: str) -> None:
    """Killed at each of these points under load, the server comes back with every book right."""
    with open_place(tmp_path / "server") as place:
        await place.make()
        with nursery(place) as made:
            for crash_at in kills(part) * LONGER:
                # What a process finds to do is not always the same: another one may get there.
                assert any(made.run(crash_at)[0] for _ in range(3)), crash_at
        await place.check()


@pytest.mark.parametrize("point", ["store:before_commit", "relay:before_send", "relay:after_plan"])
async def test_another_process_goes_on(tmp_path: Path, point: str) -> None:
    """Two processes on one file and one line of nonces: one is killed, the other is not hurt."""
    with open_place(tmp_path / "server") as place:
        await place.make()
        with nursery(place) as made:
            for count in (1, 3, 5) * LONGER:
                ends = made.run(f"{point}:{count}", None)
                assert ends == [True, False]
        await place.check()
