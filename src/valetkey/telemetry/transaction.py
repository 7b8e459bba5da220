"""What a write leaves behind, seen while it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.activity import Activity
from valetkey.core.audit import AuditLine
from valetkey.core.session import Session, Step
from valetkey.telemetry.telemetry import StopStep

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from valetkey.ports import About, Entity, Tx

_REQUESTED: Final = "_requested"
_UNFROZEN: Final = "unfrozen"
_REFUSED: Final = "refused"
_STEPS: Final = frozenset({_REFUSED, "submitted", "included", "final", "failed"})


class WatchedTx:
    """
    A transaction that remembers what it was given: audit lines, and steps of stops.

    Args:
        tx: What it passes everything on to.
        errand: Told which activity it is about: a body may run in another task than its caller.
    """

    __slots__ = ("_errand", "_tx", "count", "drop", "find", "get", "lines", "stopped")

    def __init__(self, tx: Tx, errand: About | None) -> None:
        self._tx = tx
        self._errand = errand
        self.get = tx.get
        self.find = tx.find
        self.count = tx.count
        self.drop = tx.drop
        self.lines: list[AuditLine] = []
        self.stopped: list[tuple[Sequence[Step], int]] = []

    def add(self, entity: Entity) -> None:
        """See `Tx.add`."""
        self._tx.add(entity)
        if isinstance(entity, AuditLine):
            self.lines.append(entity)
        elif isinstance(entity, Activity):
            self._note(entity)

    def put(self, entity: Entity) -> None:
        """See `Tx.put`."""
        if isinstance(entity, Session) and entity.steps:
            before = self._tx.get(Session, entity.id)
            known = len(before.steps) if before else 0
            if len(entity.steps) > known:
                self.stopped.append((entity.steps, known))
        elif isinstance(entity, Activity):
            self._note(entity)
        self._tx.put(entity)

    def steps(self, *, at_ms: int) -> list[StopStep]:
        """
        Return the steps of stops that this write has added.

        Args:
            at_ms: When the write was durable: from then on the session is refused here.
        """
        return [
            step
            for steps, known in self.stopped
            for step in _after_requests(steps, known, at_ms=at_ms)
        ]

    def _note(self, activity: Activity) -> None:
        if self._errand is not None and not self._errand.activity_id:
            self._errand.activity_id = activity.id


def _after_requests(steps: Sequence[Step], known: int, *, at_ms: int) -> Iterator[StopStep]:
    """Yield each step from *known* on, with the time since the stop that it belongs to."""
    requested: Step | None = None
    for place, step in enumerate(steps):
        if step.name.endswith(_REQUESTED):
            requested = step
        elif step.name == _UNFROZEN:
            requested = None
        elif place >= known and requested is not None and step.name in _STEPS:
            kind = requested.name.removesuffix(_REQUESTED)
            then = at_ms if step.name == _REFUSED else step.at_ms
            name = f"{step.plane}:{step.name}"
            yield StopStep(kind, name, (then - requested.at_ms) / 1000)
