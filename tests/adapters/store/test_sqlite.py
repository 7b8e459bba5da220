"""What only the store in a file promises."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import threading
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import pytest

from valetkey.adapters.store.files import open_reader, open_writer
from valetkey.adapters.store.sqlite import SqliteStore
from valetkey.core.activity import NonceLine
from valetkey.core.errors import Unavailable
from valetkey.core.organization import Organization, User

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from valetkey.ports import Tx, View


class Witness:
    """A checkpoint that notes what another process would see at each moment."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seen: list[tuple[str, int]] = []

    def reached(self, name: str) -> None:
        """Count the lines in the file."""
        with closing(sqlite3.connect(self.path)) as connection:
            count = connection.execute("SELECT count(*) FROM nonce_line").fetchone()[0]
        self.seen.append((name, count))


class Pause:
    """A checkpoint that stops between the bodies and their commit until it is told to go on."""

    def __init__(self) -> None:
        self.is_there = asyncio.Event()
        self.go_on = threading.Event()
        self.loop = asyncio.get_running_loop()

    def reached(self, name: str) -> None:
        """Say that the bodies have run, and wait."""
        if name == "store:before_commit":
            self.loop.call_soon_threadsafe(self.is_there.set)
            self.go_on.wait()


@pytest.fixture
def open_umask() -> Iterator[None]:
    """Let nothing but the code itself restrict new files."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes_in(folder: Path) -> dict[str, int]:
    """Return the permission bits of each file in *folder*."""
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


def add_line(tx: Tx, number: int) -> None:
    """Add one line."""
    tx.add(NonceLine(f"{number:03}", number))


async def write_lines(store: SqliteStore, numbers: range) -> None:
    """Write lines at once, each from a caller of its own."""
    await asyncio.gather(*(store.write(partial(add_line, number=number)) for number in numbers))


async def test_writes_that_wait_together_share_a_commit(path: Path) -> None:
    """Nothing is to be seen before the commit, everything after it, and it is one for many."""
    witness = Witness(path)
    store = SqliteStore(path, checkpoint=witness)
    await store.open()
    await write_lines(store, range(100))
    await store.close()
    assert witness.seen == [("store:before_commit", 0), ("store:after_commit", 100)]


async def test_a_read_never_sees_what_is_not_committed(path: Path) -> None:
    """Not even in the process that is about to commit it; nor is it waited for."""
    pause = Pause()
    store = SqliteStore(path, checkpoint=pause)
    await store.open()
    task = asyncio.create_task(write_lines(store, range(3)))
    await pause.is_there.wait()
    assert await store.read(lambda view: view.find(NonceLine)) == []
    assert not task.done()
    pause.go_on.set()
    await task
    assert len(await store.read(lambda view: view.find(NonceLine))) == 3
    await store.close()


def test_a_commit_is_on_the_disk(path: Path) -> None:
    """SQLite is asked to wait for the disk at each commit: a loss of power takes nothing back."""
    with closing(open_writer(path, wait_s=1)) as writer:
        assert writer.execute("PRAGMA synchronous").fetchone() == (2,)
        assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)


async def test_more_writes_than_a_group_takes_are_all_done(path: Path) -> None:
    """A queue of any length is worked off, some hundred bodies at a time."""
    witness = Witness(path)
    store = SqliteStore(path, checkpoint=witness)
    await store.open()
    await write_lines(store, range(600))
    await store.close()
    counts = [count for name, count in witness.seen if name == "store:after_commit"]
    assert counts == [256, 512, 600]


async def test_closing_finishes_what_waits(sqlite_store: SqliteStore, path: Path) -> None:
    """Writes that were queued before `close` are durable after it."""
    waiting = asyncio.gather(*(sqlite_store.write(partial(add_line, number=n)) for n in range(9)))
    await asyncio.sleep(0)
    await sqlite_store.close()
    await waiting
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM nonce_line").fetchone() == (9,)


async def test_a_read_sees_one_state_however_others_write(
    sqlite_store: SqliteStore, path: Path
) -> None:
    """What another process commits while a body reads is seen by the next body."""
    await sqlite_store.write(lambda tx: tx.add(User("a", "o", "ann", 1)))

    def names(view: View) -> list[str]:
        return [user.reference for user in view.find(User, organization_id="o")]

    def body(view: View) -> list[list[str]]:
        before = names(view)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("DELETE FROM user")
        return [before, names(view)]

    assert await sqlite_store.read(body) == [["ann"], ["ann"]]
    await asyncio.sleep(0)  # reads of one turn of the event loop share a state
    assert await sqlite_store.read(names) == []


async def test_what_another_store_on_the_file_wrote_is_there(
    sqlite_store: SqliteStore, path: Path
) -> None:
    """Two stores on one file are one store."""
    other = SqliteStore(path)
    await other.open()
    await asyncio.gather(write_lines(sqlite_store, range(50)), write_lines(other, range(50, 99)))
    for store in (sqlite_store, other):
        assert len(await store.read(lambda view: view.find(NonceLine))) == 99
    await other.close()


@pytest.mark.usefixtures("open_umask")
async def test_the_files_are_for_their_owner_only(sqlite_store: SqliteStore, path: Path) -> None:
    """The database and the files beside it have mode 0600, whatever the umask."""
    await sqlite_store.write(lambda tx: tx.add(Organization("o", None, "", 1)))
    modes = await asyncio.to_thread(modes_in, path.parent)
    assert modes == {"store.db": 0o600, "store.db-wal": 0o600, "store.db-shm": 0o600}


async def test_the_reading_connection_can_change_nothing(
    sqlite_store: SqliteStore, path: Path
) -> None:
    """Even a statement that writes is refused there, by SQLite itself."""
    await sqlite_store.write(lambda tx: add_line(tx, 1))
    with closing(open_reader(path, wait_s=1)) as reader:
        for statement in ("DELETE FROM nonce_line", "DROP TABLE nonce_line"):
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                reader.execute(statement)


async def test_opening_twice_is_a_mistake(sqlite_store: SqliteStore) -> None:
    """The second call is refused and the store goes on."""
    with pytest.raises(RuntimeError, match="open already"):
        await sqlite_store.open()
    await write_lines(sqlite_store, range(3))


async def test_a_cancelled_caller_loses_only_its_answer(path: Path) -> None:
    """Cancelled while the disk is waited for, the write of one is done with that of the others."""
    pause = Pause()
    store = SqliteStore(path, checkpoint=pause)
    await store.open()
    tasks = [asyncio.create_task(store.write(partial(add_line, number=n))) for n in range(3)]
    await pause.is_there.wait()
    tasks[1].cancel()
    pause.go_on.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [type(None), asyncio.CancelledError, type(None)]
    await write_lines(store, range(3, 5))
    assert len(await store.read(lambda view: view.find(NonceLine))) == 5
    await store.close()


@pytest.mark.parametrize(("version", "said"), [(900, "schema 900"), (1, "schema 1 and")])
async def test_a_file_that_was_migrated_under_it_is_found(
    sqlite_store: SqliteStore, path: Path, version: int, said: str
) -> None:
    """Newer code on the same folder has changed what this process believes to read."""
    await sqlite_store.check()
    with closing(sqlite3.connect(path)) as other:
        other.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(Unavailable, match=said):
        await sqlite_store.check()


async def test_a_lock_that_is_never_given_back_is_found(path: Path) -> None:
    """Reads go on; whoever asks whether the store can be used hears that it cannot."""
    store = SqliteStore(path, wait_s=0.05)
    await store.open()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="holds the store's lock"):
            await store.check()
    await store.check()
    await store.close()
