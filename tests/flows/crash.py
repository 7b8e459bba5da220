"""A process that ends in the middle: what it had in memory is gone, what it wrote is there."""

from __future__ import annotations


class Crash(BaseException):
    """The process ended here. Nothing catches it, as nothing catches SIGKILL."""


class CrashAt:
    """A checkpoint that ends the process at the *count*-th time that a flow passes *name*."""

    def __init__(self, name: str, count: int = 1) -> None:
        self._name = name
        self._left = count

    def reached(self, name: str) -> None:
        """Count, and end."""
        if name == self._name:
            self._left -= 1
            if self._left == 0:
                raise Crash(name)
