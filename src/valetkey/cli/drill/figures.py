"""How long each step of a stop took: counted from the request, as p50 and p99."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.wire.activity import Step

MEDIAN: Final = 50
TAIL: Final = 99


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the smallest of *values*, at least one, that *percent* of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(len(ordered) * percent / 100), 1) - 1]


def spans(steps: Sequence[Step], asked: str) -> dict[str, float]:
    """
    Return the milliseconds from the last step called *asked* to each step behind it.

    Args:
        asked: Such as ``revoke_requested``; without it there is nothing to count from.
    """
    starts = [index for index, step in enumerate(steps) if step.name == asked]
    if not starts:
        return {}
    start = steps[starts[-1]]
    return {
        f"{step.plane} {step.name}": step.at_ms - start.at_ms for step in steps[starts[-1] + 1 :]
    }


@dataclass(slots=True)
class Figures:
    """
    What a drill measured.

    Args:
        took: Milliseconds, by way and step, in the order in which they came.
        wrong: What went on after a stop, or could not be found out.
    """

    took: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    runs: int = 0

    def note(self, way: str, times: dict[str, float]) -> None:
        """Count how long one stop took."""
        steps = self.took.setdefault(way, {})
        for step, milliseconds in times.items():
            steps.setdefault(step, []).append(milliseconds)

    def rows(self) -> list[tuple[str, str, int, float, float]]:
        """Return way, step, how often it was measured, p50 and p99 in milliseconds."""
        return [
            (way, step, len(took), percentile(took, MEDIAN), percentile(took, TAIL))
            for way, steps in self.took.items()
            for step, took in steps.items()
        ]
