"""A store that remembers what changed in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from valetkey.adapters.store.memory import MemoryStore
from valetkey.core.activity import SeenNonce
from valetkey.core.session import Usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from valetkey.ports import E, Entity, T, Tx


class _WatchedTx:
    """A transaction that notes what was under each key that it writes."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._before: dict[tuple[type[Any], str], Entity | None] = {}

    def get(self, kind: type[E], key: str) -> E | None:
        """See `View.get`."""
        return self._tx.get(kind, key)

    def find(self, kind: type[E], **how: Any) -> list[E]:  # noqa: ANN401 - whatever `View` takes
        """See `View.find`."""
        return self._tx.find(kind, **how)

    def count(self, kind: type[E], **where: Any) -> int:  # noqa: ANN401 - whatever `View` takes
        """See `View.count`."""
        return self._tx.count(kind, **where)

    def add(self, entity: Entity) -> None:
        """See `Tx.add`."""
        self._note(type(entity), entity.id)
        self._tx.add(entity)

    def put(self, entity: Entity) -> None:
        """See `Tx.put`."""
        self._note(type(entity), entity.id)
        self._tx.put(entity)

    def drop(self, kind: type[Entity], key: str) -> None:
        """See `Tx.drop`."""
        self._note(kind, key)
        self._tx.drop(kind, key)

    def changes(self) -> list[str]:
        """Return what is not as it was."""
        return [
            f"{kind.__name__} {key}"
            for (kind, key), before in self._before.items()
            if kind is not SeenNonce and _counted(before) != _counted(self._tx.get(kind, key))
        ]

    def _note(self, kind: type[Any], key: str) -> None:
        if (kind, key) not in self._before:
            self._before[kind, key] = self._tx.get(kind, key)


def _counted(entity: object) -> object:
    """Return *entity* without what whoever proves anything may change: when it was used last."""
    return replace(entity, last_used_at=0) if isinstance(entity, Usage) else entity


class WatchedStore(MemoryStore):
    """
    A store that remembers each change, but for when proofs were seen.

    It sees what two looks at everything would not: what was changed and changed back, and what
    stands behind the first thousand of its kind.

    Args:
        in_front: Something that somebody else does just before the next write, once.
        let_pass: How many writes it lets pass before that.
    """

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[str] = []
        self.in_front: Callable[[Tx], None] | None = None
        self.let_pass = 0

    async def write(self, body: Callable[[Tx], T]) -> T:
        """See `Store.write`."""
        await self._come_between()

        def watched(tx: Tx) -> T:
            watching = _WatchedTx(tx)
            made = body(watching)
            self.changes += watching.changes()
            return made

        return await super().write(watched)

    async def _come_between(self) -> None:
        if self.in_front is None:
            return
        if self.let_pass > 0:
            self.let_pass -= 1
            return
        body, self.in_front = self.in_front, None
        await super().write(body)
