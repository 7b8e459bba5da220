"""Several processes on one file, some of which are killed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.children import reaped
from valetkey.adapters.store.sqlite import SqliteStore
from valetkey.core.activity import NonceLine, SeenNonce

if TYPE_CHECKING:
    from valetkey.ports import View

WORKER = Path(__file__).with_name("worker.py")


def start(*arguments: object) -> subprocess.Popen[str]:
    """Start a process on a store's file."""
    command = [sys.executable, str(WORKER), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own script


def look(path: Path) -> tuple[set[str], set[str], int]:
    """Open the file and return both halves of the pairs in it, and how many were counted."""

    def halves(view: View, forget_at: int) -> set[str]:
        found, after = set[str](), ""
        while page := view.find(SeenNonce, forget_at=forget_at, after=after):
            after = page[-1].id
            found |= {entity.id[2:] for entity in page}
        return found

    async def main() -> tuple[set[str], set[str], int]:
        store = SqliteStore(path)
        await store.open()
        line = await store.read(lambda view: view.get(NonceLine, "n"))
        a = await store.read(lambda view: halves(view, 1))
        b = await store.read(lambda view: halves(view, 2))
        await store.close()
        return a, b, line.next_nonce if line else 0

    return asyncio.run(main())


def promised(worker: subprocess.Popen[str], name: object) -> set[str]:
    """Wait for the end of *worker*; return the pairs that it said it had written."""
    with reaped(worker):
        rest, _ = worker.communicate()
    return {f"{name}/{line}" for line in rest.splitlines()}


def test_no_update_is_lost_between_processes(path: Path) -> None:
    """Processes that open one new file at once and count together see each number once."""
    workers = [start("increment", path, 160) for _ in range(4)]
    seen = [int(line) for worker in workers for line in worker.communicate()[0].splitlines()]
    assert [worker.returncode for worker in workers] == [0] * 4
    assert sorted(seen) == list(range(640))
    assert look(path)[2] == 640


@pytest.mark.parametrize("moment", ["store:before_commit", "store:after_commit"])
def test_a_kill_at_a_commit_leaves_all_of_it_or_nothing(moment: str, path: Path) -> None:
    """Killed just before or after a commit, no promise is broken and no half pair is there."""
    kept: set[str] = set()
    for times in range(1, 21):
        kept |= promised(start("pairs", path, times, moment, times), times)
        a, b, count = look(path)
        assert a == b
        assert count == len(a)
        assert kept <= a
    assert kept


def test_a_kill_at_any_moment_loses_nothing_that_was_promised(path: Path) -> None:
    """Of two processes under load one is killed, then the other; what they promised is there."""
    kept: set[str] = set()
    for until in (1, 5, 20, 90, 200):
        first, second = (start("pairs", path, f"{until}{side}") for side in "xy")
        for worker, side in ((first, "x"), (second, "y")):
            assert worker.stdout is not None
            for _ in range(until):
                kept.add(f"{until}{side}/{worker.stdout.readline().strip()}")
            worker.kill()
        kept |= promised(first, f"{until}x") | promised(second, f"{until}y")
        a, b, count = look(path)
        assert a == b
        assert count == len(a)
        assert kept <= a
