"""What was read of a state, kept for as long as that is the state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import sqlite3

    from valetkey.ports import E

MAX_KEPT: Final = 4096


class Memo:
    """
    Entities that one connection has read, each under the question that it is the answer to.

    Most reads meet the same few sessions, and nobody wrote since: then neither SQLite nor the
    decoder is asked again. It is never older than the transaction that it is used in, for SQLite
    says of the very state that this reads whether anybody, in any process, has changed the file.
    """

    __slots__ = ("_kept", "_version", "known")

    def __init__(self) -> None:
        self._kept: dict[tuple[type[object], object], Any] = {}
        self._version = -1
        # The entity that answers a question about a kind, None if it is not known. Asked four times
        # for a request, so it is the dictionary's own method.
        self.known = self._kept.get

    def enter(self, connection: sqlite3.Connection) -> None:
        """Forget what is not of the state that the transaction of *connection* sees from now on."""
        version: int = connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version or len(self._kept) >= MAX_KEPT:
            self._kept.clear()
            self._version = version

    def keep(self, kind: type[E], question: object, entity: E) -> None:
        """Know *entity* from now on, if there is room; nobody can change it, for it is frozen."""
        if len(self._kept) < MAX_KEPT:
            self._kept[kind, question] = entity
