"""What a body sees of a SQLite store: a view, and a view that can change things."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Never

from valetkey.adapters.store import statements
from valetkey.adapters.store.codec import TABLES, check_find, columns_of, decode, encode, taken
from valetkey.adapters.store.faults import unavailable
from valetkey.ports import MAX_FOUND

if TYPE_CHECKING:
    from valetkey.adapters.store.memo import Memo
    from valetkey.core.errors import Unavailable
    from valetkey.ports import E, Entity, Value


class SqliteView:
    """
    See `View`.

    Args:
        connection: In a transaction, which the maker of the view ends after `end`.
        memo: Of the state that *connection* sees; None remembers nothing.
    """

    __slots__ = ("_execute", "_memo", "fault")

    def __init__(self, connection: sqlite3.Connection, memo: Memo | None = None) -> None:
        self._execute = connection.execute
        self._memo = memo
        self.fault: Unavailable | None = None  # what SQLite could not do; nothing of it counts

    def end(self) -> None:
        """Refuse whatever is asked from now on."""
        self._execute = _refuse
        self._memo = None

    def get(self, kind: type[E], key: str) -> E | None:
        """See `View.get`."""
        memo = self._memo
        known: E | None = memo.known((kind, key)) if memo is not None else None
        if known is not None:
            return known
        try:
            row = self._execute(statements.GET[kind], (key,)).fetchone()
        except sqlite3.Error as error:
            raise self._broken(error) from error
        if row is None:
            return None
        found = decode(kind, row[0])
        if memo is not None:
            memo.keep(kind, key, found)
        return found

    def find(
        self,
        kind: type[E],
        *,
        after: str = "",
        limit: int = MAX_FOUND,
        newest_first: bool = False,
        **where: Value,
    ) -> list[E]:
        """See `View.find`."""
        memo = self._memo
        question = (after, limit, newest_first, *where.items())
        known: E | None = memo.known((kind, question)) if memo is not None else None
        if known is not None:
            return [known]
        check_find(kind, where, limit)
        shape = tuple([(name, value is None) for name, value in where.items()])
        sql = statements.find(TABLES[kind], shape, after=after != "", newest_first=newest_first)
        values: list[Value] = [value for value in where.values() if value is not None]
        if after:
            values.append(after)
        values.append(limit)
        try:
            rows = self._execute(sql, values).fetchall()
        except OverflowError:
            return []  # nothing is indexed by an integer of more than 64 bits
        except sqlite3.Error as error:
            raise self._broken(error) from error
        found = [decode(kind, row[0]) for row in rows]
        if memo is not None and len(found) == 1:
            memo.keep(kind, question, found[0])
        return found

    def count(self, kind: type[E], **where: Value) -> int:
        """See `View.count`."""
        check_find(kind, where, 1)
        shape = tuple([(name, value is None) for name, value in where.items()])
        values = [value for value in where.values() if value is not None]
        try:
            found: int = self._execute(statements.count(TABLES[kind], shape), values).fetchone()[0]
        except OverflowError:
            return 0  # nothing is indexed by an integer of more than 64 bits
        except sqlite3.Error as error:
            raise self._broken(error) from error
        return found

    def _broken(self, error: sqlite3.Error) -> Unavailable:
        """Refuse the rest of the body: SQLite may have undone the whole transaction."""
        self.end()
        self.fault = unavailable(error)
        return self.fault


class SqliteTx(SqliteView):
    """See `Tx`."""

    __slots__ = ()

    def add(self, entity: Entity) -> None:
        """See `Tx.add`."""
        self._store(statements.INSERT[type(entity)], entity)

    def put(self, entity: Entity) -> None:
        """See `Tx.put`."""
        self._store(statements.REPLACE[type(entity)], entity)

    def drop(self, kind: type[Entity], key: str) -> None:
        """See `Tx.drop`."""
        try:
            self._execute(statements.DELETE[kind], (key,))
        except sqlite3.Error as error:
            raise self._broken(error) from error

    def _store(self, sql: str, entity: Entity) -> None:
        try:
            self._execute(sql, (*columns_of(entity), encode(entity)))
        except sqlite3.IntegrityError as error:
            if error.sqlite_errorname not in _TAKEN:
                raise self._broken(error) from error
            attribute = str(error).rpartition(".")[2]
            raise taken(type(entity), attribute) from error
        except sqlite3.Error as error:
            raise self._broken(error) from error


_TAKEN = frozenset({"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"})


def _refuse(*_: object) -> Never:
    raise RuntimeError("this view ended with the body that it was made for")
