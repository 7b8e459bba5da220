"""A file comes to the form that the code reads, or is refused."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from valetkey.adapters.store import migrations
from valetkey.adapters.store.codec import COLUMNS, TABLES
from valetkey.adapters.store.migrations import APPLICATION_ID, migrate, scripts
from valetkey.adapters.store.sqlite import SqliteStore
from valetkey.core.activity import NonceLine
from valetkey.core.errors import Code, Unavailable
from valetkey.ports import INDEXES

if TYPE_CHECKING:
    from valetkey.ports import Entity, Tx

FIRST = "CREATE TABLE a (x);\n-- a word; with a semicolon\nINSERT INTO a VALUES ('1;\n2');\n"
SECOND = "CREATE TABLE b (x);\nINSERT INTO b SELECT x FROM a;\n"
BROKEN = "CREATE TABLE c (x);\nINSERT INTO nowhere VALUES (1);\n"


def connect(path: Path) -> closing[sqlite3.Connection]:
    """Open *path* past the store."""
    return closing(sqlite3.connect(path, isolation_level=None))


def put_number(tx: Tx, number: int) -> None:
    """Write the one line."""
    tx.put(NonceLine("n", number))


def version_of(connection: sqlite3.Connection) -> int:
    """Return the number of the last migration."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


async def test_a_fresh_file_gets_every_migration(sqlite_store: SqliteStore, path: Path) -> None:
    """The header says whose file it is and how far it has come."""
    await sqlite_store.write(lambda tx: tx.add(NonceLine("n", 1)))
    with connect(path) as connection:
        assert version_of(connection) == len(scripts())
        mark = connection.execute("PRAGMA application_id").fetchone()[0]
        assert mark == APPLICATION_ID


async def test_a_migrated_file_is_opened_as_it_is(path: Path) -> None:
    """Opening again runs nothing again and keeps what is there."""
    for number in range(3):
        store = SqliteStore(path)
        await store.open()
        line = await store.read(lambda view: view.get(NonceLine, "n"))
        assert (line.next_nonce if line else 0) == number
        await store.write(partial(put_number, number=number + 1))
        await store.close()


async def test_a_newer_file_is_refused_untouched(path: Path) -> None:
    """Code never writes to a file whose form it does not know."""
    store = SqliteStore(path)
    await store.open()
    await store.close()
    with connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(scripts()) + 1}")
    before = await asyncio.to_thread(path.read_bytes)
    with pytest.raises(Unavailable, match="newer") as caught:
        await SqliteStore(path).open()
    assert caught.value.code is Code.STORE_UNAVAILABLE
    assert await asyncio.to_thread(path.read_bytes) == before


async def test_a_file_of_another_program_is_refused(path: Path) -> None:
    """A wrong path in the configuration does not put our tables among theirs."""
    with connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    with pytest.raises(Unavailable, match="another program"):
        await SqliteStore(path).open()
    with connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("theirs",)]


def test_steps_run_in_order_and_once(path: Path) -> None:
    """Statements are told apart by SQLite, not by semicolons; what ran does not run again."""
    with connect(path) as connection:
        migrate(connection, [FIRST])
        migrate(connection, [FIRST, SECOND])
        migrate(connection, [FIRST, SECOND])
        assert connection.execute("SELECT x FROM b").fetchall() == [("1;\n2",)]
        assert version_of(connection) == 2


def test_a_step_that_fails_leaves_nothing_of_itself(path: Path) -> None:
    """Each step is one transaction; those before it stay."""
    with connect(path) as connection:
        with pytest.raises(sqlite3.OperationalError, match="nowhere"):
            migrate(connection, [FIRST, BROKEN])
        assert version_of(connection) == 1
        assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("a",)]
        migrate(connection, [FIRST, SECOND])
        assert version_of(connection) == 2


@pytest.mark.parametrize("kind", [pytest.param(kind, id=kind.__name__) for kind in INDEXES])
async def test_every_index_of_the_port_is_one_of_the_file(
    kind: type[Entity], sqlite_store: SqliteStore, path: Path
) -> None:
    """The tables have the columns that the port names; no question walks through a table."""
    await sqlite_store.write(lambda _: None)
    table = TABLES[kind]
    with connect(path) as connection:
        columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
        assert tuple(row[1] for row in columns) == (*COLUMNS[kind], "body")
        for name in COLUMNS[kind]:
            plan = connection.execute(
                f"EXPLAIN QUERY PLAN SELECT body FROM {table} WHERE {name} = ? ORDER BY id",  # noqa: S608 - our own names
                ("x",),
            ).fetchall()
            assert [row[3].split()[0] for row in plan] == ["SEARCH"], plan


def test_the_number_of_a_script_is_its_place() -> None:
    """A file says which scripts it has seen by how many they are: none is left out, none twice."""
    folder = Path(migrations.__file__).parent / "schema"
    numbers = sorted(int(path.name[:4]) for path in folder.glob("*.sql"))
    assert numbers == list(range(1, len(scripts()) + 1))
