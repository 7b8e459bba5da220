"""What a flow needs from the machine: time, randomness, and moments at which it may die."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """The time of day."""

    def now(self) -> int:
        """Return Unix seconds."""

    def now_ms(self) -> int:
        """Return Unix milliseconds, for receipts that show how fast a stop was."""


class Entropy(Protocol):
    """Randomness fit for keys."""

    def take(self, count: int) -> bytes:
        """Return *count* bytes that nobody can predict."""


class Checkpoint(Protocol):
    """A named moment between two effects; a crash test kills the process there."""

    def reached(self, name: str) -> None:
        """Note that the flow passed *name*, such as ``run:before_send``."""
