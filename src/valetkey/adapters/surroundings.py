"""The machine: its clock, its randomness, and the moments at which a crash test kills it."""

from __future__ import annotations

import os
import signal
import time

from valetkey.core.errors import Code, Malformed


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Return Unix seconds."""
        return int(time.time())

    def now_ms(self) -> int:
        """Return Unix milliseconds."""
        return time.time_ns() // 1_000_000


class SystemEntropy:
    """The operating system's randomness."""

    def take(self, count: int) -> bytes:
        """Return *count* bytes that nobody can predict."""
        return os.urandom(count)


class NoCheckpoint:
    """Lets every flow pass."""

    def reached(self, name: str) -> None:
        """Do nothing."""


class CrashPoint:
    """
    Kills this process where a crash test says so: at the n-th time that a flow passes a name.

    Args:
        text: ``name:n``, such as ``relay:before_send:3``.
    """

    def __init__(self, text: str) -> None:
        self._name, _, count = text.rpartition(":")
        if not self._name or not count.isdigit():
            detail = f"VALETKEY_CRASH_AT: expected name:count, got {text[:80]!r}"
            raise Malformed(Code.MALFORMED_CONFIG, detail)
        self._left = int(count)

    def reached(self, name: str) -> None:
        """Count, and end the process without any farewell when the count is full."""
        if name == self._name:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
