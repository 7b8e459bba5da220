"""Numbered SQL scripts that bring a file to the form that this code reads."""

from __future__ import annotations

import sqlite3
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

APPLICATION_ID: Final = 0x766B6579  # "vkey", in the header of every file of ours


def scripts() -> list[str]:
    """Return the text of each migration; the first one has number 1."""
    found = [path for path in (files(__package__) / "schema").iterdir() if path.name[:4].isdigit()]
    return [path.read_text("utf-8") for path in sorted(found, key=lambda path: path.name)]


def migrate(connection: sqlite3.Connection, steps: list[str]) -> None:
    """
    Run the *steps* that the file has not seen, each in a transaction of its own.

    ``user_version`` in the file's header is the number of the last one. Several processes may do
    this at once: each step looks again once it has the lock.

    Raises:
        Unavailable: The file belongs to newer code or to another program.
        sqlite3.Error: A step failed; the file is as it was before that step.
    """
    while True:
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = _check_file(connection, newest=len(steps))
            if version == len(steps):
                return
            for statement in _split(steps[version]):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def expect_schema(connection: sqlite3.Connection) -> None:
    """
    Pass if the file has the form that this code reads, without changing it.

    Raises:
        Unavailable: It belongs to older or newer code, or to another program.
    """
    newest = len(scripts())
    version = _check_file(connection, newest=newest)
    if version < newest:
        raise Unavailable(
            Code.STORE_UNAVAILABLE,
            f"the file has schema {version} and this version reads {newest}; "
            "`valetkey serve` brings it there: keep a copy before",
        )


def _check_file(connection: sqlite3.Connection, *, newest: int) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    mark = connection.execute("PRAGMA application_id").fetchone()[0]
    is_empty = connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone() is None
    if mark != APPLICATION_ID and not (is_empty and version == 0):
        raise Unavailable(
            Code.STORE_UNAVAILABLE, "the file is a database of another program; name another file"
        )
    if version > newest:
        raise Unavailable(
            Code.STORE_UNAVAILABLE,
            f"the file has schema {version} and this version knows {newest} at most; "
            "use the valetkey that wrote it, or a newer one",
        )
    return version


def _split(script: str) -> Iterator[str]:
    """Yield the statements of *script*: run as a whole it would commit what was begun."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
