"""The SQL that asks the tables of `schema/`. Names come from the code alone, values never."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from valetkey.adapters.store.codec import COLUMNS, TABLES

if TYPE_CHECKING:
    from valetkey.adapters.store.codec import Kind


def _get(kind: Kind) -> str:
    return f"SELECT body FROM {TABLES[kind]} WHERE id = ?"  # noqa: S608 - a table of ours


def _insert(kind: Kind) -> str:
    names = (*COLUMNS[kind], "body")
    marks = ", ".join("?" * len(names))
    return f"INSERT INTO {TABLES[kind]} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608


def _replace(kind: Kind) -> str:
    names = (*COLUMNS[kind][1:], "body")
    changes = ", ".join(f"{name} = excluded.{name}" for name in names)
    return f"{_insert(kind)} ON CONFLICT (id) DO UPDATE SET {changes}"


def _delete(kind: Kind) -> str:
    return f"DELETE FROM {TABLES[kind]} WHERE id = ?"  # noqa: S608 - a table of ours


GET: Final = {kind: _get(kind) for kind in TABLES}
INSERT: Final = {kind: _insert(kind) for kind in TABLES}
REPLACE: Final = {kind: _replace(kind) for kind in TABLES}
DELETE: Final = {kind: _delete(kind) for kind in TABLES}


@lru_cache(maxsize=512)
def find(
    table: str, shape: tuple[tuple[str, bool], ...], *, after: bool, newest_first: bool
) -> str:
    """
    Return the statement for one shape of question.

    Args:
        shape: Checked attribute names, each with whether NULL is asked for. The others are bound
            in this order, then the id to start behind if *after*, then the limit.
    """
    terms = _terms(shape)
    if after:
        terms.append("id < ?" if newest_first else "id > ?")
    where = f" WHERE {' AND '.join(terms)}" if terms else ""
    order = "id DESC" if newest_first else "id"
    return f"SELECT body FROM {table}{where} ORDER BY {order} LIMIT ?"  # noqa: S608


@lru_cache(maxsize=128)
def count(table: str, shape: tuple[tuple[str, bool], ...]) -> str:
    """Return the statement that counts for one shape of question; see `find`."""
    terms = _terms(shape)
    where = f" WHERE {' AND '.join(terms)}" if terms else ""
    return f"SELECT COUNT(*) FROM {table}{where}"  # noqa: S608


def _terms(shape: tuple[tuple[str, bool], ...]) -> list[str]:
    return [f"{name} IS NULL" if is_null else f"{name} = ?" for name, is_null in shape]
