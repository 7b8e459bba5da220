"""What SQLite and the file system could not do, in our words."""

from __future__ import annotations

import sqlite3
from typing import Final

from valetkey.core.errors import Code, Unavailable

_PRIMARY: Final = 0xFF  # the low byte of an extended result code

_MEANINGS: Final = {
    sqlite3.SQLITE_BUSY: "another process holds the store's lock",
    sqlite3.SQLITE_LOCKED: "another connection holds the store's lock",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk refused to read or write",
    sqlite3.SQLITE_CORRUPT: "the store's file is damaged; restore a backup",
    sqlite3.SQLITE_NOTADB: "the file is no SQLite database",
    sqlite3.SQLITE_READONLY: "the store's file or its directory is read-only",
    sqlite3.SQLITE_CANTOPEN: "the store's file cannot be opened",
    sqlite3.SQLITE_PERM: "the store's file may not be used by this user",
    sqlite3.SQLITE_NOMEM: "there is no memory left",
}


def unavailable(error: sqlite3.Error | OSError) -> Unavailable:
    """Return our error for *error*: what it means, and SQLite's or the system's own words."""
    code = getattr(error, "sqlite_errorcode", None)
    meaning = None if code is None else _MEANINGS.get(code & _PRIMARY)
    detail = f"{meaning} ({error})" if meaning else f"the store failed: {error}"
    return Unavailable(Code.STORE_UNAVAILABLE, detail)


def is_busy(error: sqlite3.Error) -> bool:
    """Say whether *error* passes when another connection is done."""
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    return code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
