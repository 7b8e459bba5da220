"""
A process that uses a store's file beside others. Run by the tests, which may kill it.

    worker.py increment PATH COUNT            prints each number that it was the first to see
    worker.py pairs PATH NAME [MOMENT TIMES]  writes pairs until it dies, at MOMENT if there is one,
                                              and prints each number once it is promised
    worker.py open FOLDER FILE                opens it as nobody and prints the refusal
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from valetkey.adapters.store.sqlite import SqliteStore
from valetkey.core.activity import NonceLine, SeenNonce
from valetkey.core.errors import Unavailable

if TYPE_CHECKING:
    from valetkey.ports import Tx

TASKS = 8
NOBODY = 65534


class KillAt:
    """A checkpoint that ends the process when *moment* was reached for the *times*-th time."""

    def __init__(self, moment: str, times: int) -> None:
        self.moment = moment
        self.left = times

    def reached(self, name: str) -> None:
        """Die, if it is time."""
        self.left -= name == self.moment
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def say(what: object) -> None:
    """Print one line at once; a pipe takes it as a whole."""
    os.write(1, f"{what}\n".encode())


def increment(tx: Tx) -> int:
    """Add one to the line that all share and return what it was."""
    line = tx.get(NonceLine, "n") or NonceLine("n", 0)
    tx.put(NonceLine("n", line.next_nonce + 1))
    return line.next_nonce


def write_pair(tx: Tx, name: str, number: int) -> None:
    """Write two entities that belong together, and count them."""
    tx.add(SeenNonce(f"a/{name}/{number}", "", 1))
    increment(tx)
    tx.add(SeenNonce(f"b/{name}/{number}", "x" * 500, 2))


async def increments(path: Path, count: int) -> None:
    """Count *count* times, from several tasks."""
    store = SqliteStore(path, wait_s=60)
    await store.open()

    async def task() -> None:
        for _ in range(count // TASKS):
            say(await store.write(increment))

    await asyncio.gather(*(task() for _ in range(TASKS)))
    await store.close()


async def pairs(path: Path, name: str, checkpoint: KillAt | None) -> None:
    """Write pairs for ever, from several tasks."""
    store = SqliteStore(path, checkpoint=checkpoint, wait_s=60)
    await store.open()
    numbers = itertools.count()

    async def task() -> None:
        for number in numbers:
            await store.write(partial(write_pair, name=name, number=number))
            say(number)

    await asyncio.gather(*(task() for _ in range(TASKS)))


async def refusal(folder: str, file: str) -> None:
    """Open a store without any rights, and print what it says."""
    os.chdir(folder)
    if os.geteuid() == 0:
        os.setuid(NOBODY)
    try:
        await SqliteStore(Path(folder) / file).open()
    except Unavailable as error:
        say(error)


def main(task: str, path: str, *rest: str) -> None:
    """Do *task*."""
    if task == "increment":
        asyncio.run(increments(Path(path), int(rest[0])))
    elif task == "pairs":
        checkpoint = KillAt(rest[1], int(rest[2])) if rest[1:] else None
        asyncio.run(pairs(Path(path), rest[0], checkpoint))
    else:
        asyncio.run(refusal(path, rest[0]))


if __name__ == "__main__":
    main(*sys.argv[1:])
