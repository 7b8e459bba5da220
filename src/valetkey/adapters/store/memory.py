"""A store that is gone with its process; otherwise it keeps every promise of the port."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right, insort
from typing import TYPE_CHECKING, NamedTuple

from valetkey.adapters.store.codec import (
    COLUMNS,
    check_find,
    columns_of,
    decode,
    encode,
    taken,
)
from valetkey.core.errors import Code, Unavailable
from valetkey.ports import INDEXES, MAX_FOUND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from valetkey.adapters.store.codec import Kind
    from valetkey.ports import E, Entity, T, Tx, Value, View


class _Row(NamedTuple):
    text: str
    columns: tuple[Value, ...]


class _Table:
    """Rows of one kind by id, and for each column the sorted ids that hold a value."""

    def __init__(self, kind: Kind, unique: tuple[str, ...]) -> None:
        self.kind = kind
        self.names = COLUMNS[kind][1:]
        self.unique = unique
        self.rows: dict[str, _Row] = {}
        self.ids: list[str] = []
        self.holders: dict[str, dict[Value, list[str]]] = {name: {} for name in self.names}

    def place(self, key: str, row: _Row | None) -> _Row | None:
        """Make *row* what is under *key*, None for nothing, and return what was."""
        before = self.rows.pop(key, None)
        if before is not None:
            _remove(self.ids, key)
            for name, value in zip(self.names, before.columns[1:], strict=True):
                _remove(self.holders[name][value], key)
                if not self.holders[name][value]:
                    del self.holders[name][value]
        if row is not None:
            self.rows[key] = row
            insort(self.ids, key)
            for name, value in zip(self.names, row.columns[1:], strict=True):
                insort(self.holders[name].setdefault(value, []), key)
        return before

    def check_unique(self, key: str, row: _Row) -> None:
        """Raise `Conflict` if another entity than *key* has a unique value of *row*."""
        for name, value in zip(self.names, row.columns[1:], strict=True):
            holders = self.holders[name].get(value, ())
            if name in self.unique and value is not None and any(id_ != key for id_ in holders):
                raise taken(self.kind, name)

    def ids_where(self, where: dict[str, Value]) -> list[str]:
        """Return the shortest sorted list of ids that has all that match."""
        lists = [self.holders[name].get(value, []) for name, value in where.items()]
        return min(lists, key=len, default=self.ids)

    def matches(self, key: str, where: dict[str, Value]) -> bool:
        """Say whether the row under *key* has every value of *where*."""
        values = dict(zip(self.names, self.rows[key].columns[1:], strict=True))
        return all(values[name] == value for name, value in where.items())


def _remove(ids: list[str], key: str) -> None:
    del ids[bisect_left(ids, key)]


class _MemoryView:
    """See `View`."""

    def __init__(self, tables: dict[Kind, _Table]) -> None:
        self._open: dict[Kind, _Table] | None = tables

    @property
    def _tables(self) -> dict[Kind, _Table]:
        if self._open is None:
            raise RuntimeError("this view ended with the body that it was made for")
        return self._open

    def end(self) -> None:
        """Refuse whatever is asked from now on."""
        self._open = None

    def get(self, kind: type[E], key: str) -> E | None:
        """See `View.get`."""
        row = self._tables[kind].rows.get(key)
        return None if row is None else decode(kind, row.text)

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
        check_find(kind, where, limit)
        table = self._tables[kind]
        ids = table.ids_where(where)
        keys: Iterable[str]
        if newest_first:
            keys = reversed(ids[: bisect_left(ids, after)] if after else ids)
        else:
            keys = ids[bisect_right(ids, after) :] if after else ids
        found: list[E] = []
        for key in keys:
            if table.matches(key, where):
                found.append(decode(kind, table.rows[key].text))
                if len(found) == limit:
                    break
        return found

    def count(self, kind: type[E], **where: Value) -> int:
        """See `View.count`."""
        check_find(kind, where, 1)
        table = self._tables[kind]
        return sum(table.matches(key, where) for key in table.ids_where(where))


class _MemoryTx(_MemoryView):
    """See `Tx`. Keeps what it replaced, newest last, to put it back."""

    def __init__(self, tables: dict[Kind, _Table]) -> None:
        super().__init__(tables)
        self._replaced: list[tuple[_Table, str, _Row | None]] = []

    def add(self, entity: Entity) -> None:
        """See `Tx.add`."""
        if entity.id in self._tables[type(entity)].rows:
            raise taken(type(entity), "id")
        self.put(entity)

    def put(self, entity: Entity) -> None:
        """See `Tx.put`."""
        table = self._tables[type(entity)]
        row = _Row(encode(entity), columns_of(entity))
        table.check_unique(entity.id, row)
        self._place(table, entity.id, row)

    def drop(self, kind: type[Entity], key: str) -> None:
        """See `Tx.drop`."""
        self._place(self._tables[kind], key, None)

    def undo(self) -> None:
        """Put everything back as it was."""
        while self._replaced:
            table, key, before = self._replaced.pop()
            table.place(key, before)

    def _place(self, table: _Table, key: str, row: _Row | None) -> None:
        self._replaced.append((table, key, table.place(key, row)))


class MemoryStore:
    """
    See `Store`. Belongs to one event loop; bodies run there without interruption.

    It keeps texts, not objects, as the other stores do: what is read is never what was put.
    """

    def __init__(self) -> None:
        self._tables: dict[Kind, _Table] = {
            kind: _Table(kind, index.unique) for kind, index in INDEXES.items()
        }
        self._is_open = False

    async def open(self) -> None:
        """Take reads and writes from now on."""
        self._is_open = True

    async def close(self) -> None:
        """Refuse reads and writes from now on. What was written stays until the process ends."""
        self._is_open = False

    async def read(self, body: Callable[[View], T]) -> T:
        """See `Store.read`."""
        self._check_open()
        view = _MemoryView(self._tables)
        try:
            return body(view)
        finally:
            view.end()

    async def write(self, body: Callable[[Tx], T]) -> T:
        """See `Store.write`. Others get a turn first, as they do while a disk is waited for."""
        self._check_open()
        await asyncio.sleep(0)
        tx = _MemoryTx(self._tables)
        try:
            return body(tx)
        except BaseException:
            tx.undo()
            raise
        finally:
            tx.end()

    async def check(self) -> None:
        """See `Store.check`."""
        self._check_open()

    def _check_open(self) -> None:
        if not self._is_open:
            raise Unavailable(Code.STORE_UNAVAILABLE, "the store is not open")
