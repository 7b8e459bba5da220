"""Connections to the one file that a SQLite store is."""

from __future__ import annotations

import os
import sqlite3
import time
from typing import TYPE_CHECKING, Final

from valetkey.adapters.store.faults import is_busy, unavailable
from valetkey.adapters.store.migrations import migrate, scripts
from valetkey.core.errors import Code, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

OWNER_ONLY: Final = 0o600
_STATEMENTS: Final = 512  # prepared ones that a connection keeps
_RETRY_S: Final = 0.002  # short, so that two busy processes take turns


def open_writer(path: Path, *, wait_s: float) -> sqlite3.Connection:
    """
    Return a connection whose commits are on the disk, to a file that is made or migrated as needed.

    It never waits for a lock by itself: `begin` does. It may be handed from thread to thread.

    Raises:
        Unavailable: There is no such directory, the file is locked for *wait_s* seconds,
            read-only, damaged, of another program or of newer code.
    """
    try:
        _make_file(path)
        connection = _connect(path, wait_s=wait_s, any_thread=True)
    except (OSError, sqlite3.Error) as error:
        raise unavailable(error) from error
    try:
        _use_wal(connection, wait_s=wait_s)
        connection.execute("PRAGMA synchronous = FULL")
        migrate(connection, scripts())
        connection.execute("PRAGMA busy_timeout = 0")
    except sqlite3.Error as error:
        connection.close()
        raise unavailable(error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(path: Path, *, wait_s: float) -> sqlite3.Connection:
    """
    Return a connection that can change nothing, for this thread only.

    Raises:
        Unavailable: It cannot be opened.
    """
    try:
        connection = _connect(path, wait_s=wait_s, any_thread=False)
        connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error as error:
        raise unavailable(error) from error
    return connection


def begin(connection: sqlite3.Connection, *, wait_s: float) -> None:
    """
    Start a transaction that holds the file's only write lock, waiting for it if need be.

    Raises:
        sqlite3.OperationalError: It was not free within *wait_s* seconds.
    """
    until = time.monotonic() + wait_s
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() >= until:
                raise
            time.sleep(_RETRY_S)
        else:
            return


def _make_file(path: Path) -> None:
    if path.is_dir():
        raise Unavailable(Code.STORE_UNAVAILABLE, f"expected a file for the store, {path} is none")
    if not path.parent.is_dir():
        raise Unavailable(
            Code.STORE_UNAVAILABLE, f"the store's directory {path.parent} does not exist"
        )
    # SQLite gives the files beside it the same mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, OWNER_ONLY))


def _connect(path: Path, *, wait_s: float, any_thread: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path,
        timeout=wait_s,
        isolation_level=None,  # transactions are begun and ended by name
        check_same_thread=not any_thread,
        cached_statements=_STATEMENTS,
    )
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def _use_wal(connection: sqlite3.Connection, *, wait_s: float) -> None:
    """Switch the file to a write-ahead log; SQLite does not wait for others when it does that."""
    until = time.monotonic() + wait_s
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() >= until:
                raise
            time.sleep(_RETRY_S)
        else:
            break
    if mode != "wal":
        raise Unavailable(
            Code.STORE_UNAVAILABLE, f"the file system allows no write-ahead log, only {mode}"
        )
