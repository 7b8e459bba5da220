"""What the disk, other processes and wrong settings can do, each with a clear error."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from valetkey.adapters.store.sqlite import SqliteStore
from valetkey.core.activity import NonceLine
from valetkey.core.errors import Code, Unavailable
from valetkey.core.organization import User

if TYPE_CHECKING:
    from collections.abc import Iterator

    from valetkey.ports import Tx, View

WORKER = Path(__file__).with_name("worker.py")


@contextmanager
def other_process(path: Path, *statements: str) -> Iterator[sqlite3.Connection]:
    """Run *statements* on the file past the store."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
        yield connection


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond *size* bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def refusal(path: Path) -> Unavailable:
    """Open *path* and return why it is refused."""
    with pytest.raises(Unavailable) as caught:
        await SqliteStore(path, wait_s=0.05).open()
    assert caught.value.code is Code.STORE_UNAVAILABLE
    return caught.value


def add_user(tx: Tx, id_: str) -> None:
    """Add a user that fills some pages."""
    tx.add(User(id_, "o", "x" * 50_000, 1))


async def open_and_read(store: SqliteStore) -> None:
    """Do both; damage may be noticed by either."""
    await store.open()
    await store.read(all_users)


def all_users(view: View) -> list[str]:
    """Return the ids of all users."""
    return [user.id for user in view.find(User)]


async def test_a_missing_directory_is_named(path: Path) -> None:
    """Nothing is made but the file; the error says which directory is not there."""
    error = await refusal(path.parent / "nowhere" / "store.db")
    assert str(path.parent / "nowhere") in error.detail


async def test_a_directory_is_no_store(path: Path) -> None:
    """The error says that a file was expected."""
    assert "expected a file" in (await refusal(path.parent)).detail


@pytest.mark.parametrize("content", [b"no database at all, but long enough " * 200, b"short"])
async def test_a_file_of_something_else_is_refused_untouched(content: bytes, path: Path) -> None:
    """What is no database is not written to."""
    await asyncio.to_thread(path.write_bytes, content)
    assert "no SQLite database" in (await refusal(path)).detail
    assert await asyncio.to_thread(path.read_bytes) == content


@pytest.mark.parametrize(("folder_mode", "file_mode"), [(0o555, 0o444), (0o555, 0o666)])
def test_a_place_that_is_read_only_is_refused(folder_mode: int, file_mode: int) -> None:
    """A store that could not keep anything does not open."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        path.touch()
        path.chmod(file_mode)
        path.parent.chmod(folder_mode)
        command = [sys.executable, str(WORKER), "open", folder, path.name]
        said = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own script
        path.parent.chmod(0o755)
    assert said.stdout.startswith("store_unavailable: ")
    assert any(
        word in said.stdout for word in ("ermission denied", "read-only", "cannot be opened")
    )


async def test_a_lock_held_too_long_is_unavailable(path: Path) -> None:
    """A write waits as long as it was told; reads go on; afterwards everything does."""
    store = SqliteStore(path, wait_s=0.05)
    await store.open()
    await store.write(lambda tx: add_user(tx, "a"))
    with other_process(path, "BEGIN IMMEDIATE") as other:
        with pytest.raises(Unavailable, match="another process holds the store's lock"):
            await store.write(lambda tx: add_user(tx, "b"))
        assert await store.read(all_users) == ["a"]
        other.execute("ROLLBACK")
        await store.write(lambda tx: add_user(tx, "c"))
    assert await store.read(all_users) == ["a", "c"]
    await store.close()


async def test_a_lock_that_is_let_go_in_time_is_waited_for(
    sqlite_store: SqliteStore, path: Path
) -> None:
    """Nobody is told of a lock that another process held for a moment."""
    with other_process(path, "BEGIN IMMEDIATE") as other:
        task = asyncio.create_task(sqlite_store.write(lambda tx: add_user(tx, "a")))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not task.done()
        other.execute("ROLLBACK")
        await task
    assert await sqlite_store.read(all_users) == ["a"]


async def test_a_full_disk_fails_all_that_shared_the_commit(
    sqlite_store: SqliteStore, path: Path
) -> None:
    """Nobody is promised anything, nothing of it is there, and later the store goes on."""
    await sqlite_store.write(lambda tx: add_user(tx, "a"))
    log = path.with_name("store.db-wal")
    with full_disk((await asyncio.to_thread(log.stat)).st_size + 10_000):
        results = await asyncio.gather(
            sqlite_store.write(lambda tx: add_user(tx, "b")),
            sqlite_store.write(lambda tx: add_user(tx, "a")),
            sqlite_store.write(lambda tx: tx.add(NonceLine("n", 1))),
            return_exceptions=True,
        )
    for result in results:
        assert isinstance(result, Unavailable)
        assert "disk" in result.detail
    assert await sqlite_store.read(all_users) == ["a"]
    await sqlite_store.write(lambda tx: add_user(tx, "c"))
    assert await sqlite_store.read(all_users) == ["a", "c"]
    assert await sqlite_store.read(lambda view: view.get(NonceLine, "n")) is None


@pytest.mark.parametrize("body", ["{", '{"id":"a"}', "[]", '{"id":"a","reference":7}'])
async def test_a_damaged_entity_is_unavailable(
    body: str, sqlite_store: SqliteStore, path: Path
) -> None:
    """It is never read as something else; the others are still there."""
    await sqlite_store.write(lambda tx: add_user(tx, "a"))
    await sqlite_store.write(lambda tx: add_user(tx, "b"))
    with other_process(path) as other:
        other.execute("UPDATE user SET body = ? WHERE id = 'a'", (body,))
    with pytest.raises(Unavailable, match="damaged"):
        await sqlite_store.read(lambda view: view.get(User, "a"))
    assert await sqlite_store.read(lambda view: view.get(User, "b")) is not None


async def test_a_damaged_file_is_unavailable(path: Path) -> None:
    """Pages that were overwritten are noticed when they are read."""
    store = SqliteStore(path)
    await store.open()
    for id_ in "abc":
        await store.write(partial(add_user, id_=id_))
    await store.close()
    content = await asyncio.to_thread(path.read_bytes)
    await asyncio.to_thread(path.write_bytes, content[:4096] + b"\xff" * (len(content) - 4096))
    with pytest.raises(Unavailable, match="damaged"):
        await open_and_read(store)
    await store.close()


async def test_a_body_cannot_pass_over_a_failing_disk(
    sqlite_store: SqliteStore, path: Path
) -> None:
    """A body that catches the failure goes no further, and nothing of its group is kept."""
    with other_process(path, "ALTER TABLE user RENAME TO moved"):
        pass

    def body(tx: Tx) -> None:
        tx.add(NonceLine("before", 1))
        for _ in range(2):
            with pytest.raises((Unavailable, RuntimeError)):
                add_user(tx, "a")
        with pytest.raises(RuntimeError, match="ended"):
            tx.add(NonceLine("after", 1))

    results = await asyncio.gather(
        sqlite_store.write(body),
        sqlite_store.write(lambda tx: tx.add(NonceLine("other", 1))),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [Unavailable, Unavailable]
    assert await sqlite_store.read(lambda view: view.find(NonceLine)) == []
    await sqlite_store.write(lambda tx: tx.add(NonceLine("later", 1)))
