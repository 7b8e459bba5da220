"""What rules are made of. Every value checks itself when it is made."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

__all__ = [
    "MAX_CAPS",
    "MAX_CHECKS",
    "MAX_PROOF",
    "MAX_RULES",
    "NATIVE_VALUE",
    "NEVER_EXPIRES",
    "NONCE_WINDOW",
    "NO_CALL_LIMIT",
    "Cap",
    "Constraint",
    "GrantFormatError",
    "Meter",
    "Operator",
    "check_length",
    "check_uint",
]

NATIVE_VALUE: Final = 0x3F
"""The argument index that stands for the native value of the call."""
NO_CALL_LIMIT: Final = 0xFFFFFFFF
"""``max_calls`` of a grant whose calls are not counted down."""
NEVER_EXPIRES: Final = 0xFFFFFFFFFF
"""``expires_at`` of a grant without an end (the year 36812)."""
NONCE_WINDOW: Final = 30
"""How far beyond the nonce base a nonce may lie."""
MAX_PROOF: Final = 32
"""Siblings of a proof; a tree of that depth is larger than anybody can write."""
MAX_CAPS: Final = 8
MAX_CHECKS: Final = 31
"""Constraints and meters of one rule together."""
MAX_RULES: Final = 255
"""Listed in a grant, or brought by one run."""

ADDRESS_LENGTH: Final = 20
HASH_LENGTH: Final = 32
SELECTOR_LENGTH: Final = 4
_MAX_ALTERNATIVES: Final = 255


class GrantFormatError(ValueError):
    """Bytes or values that are not of the grant format."""


class Operator(Enum):
    """How a constraint compares an argument with its values."""

    EQUALS = "equals"
    ONE_OF = "one of"
    AT_MOST = "at most"


@dataclass(frozen=True, slots=True)
class Cap:
    """
    At most *limit* units, in all or in each window.

    Attributes:
        limit: In the smallest unit of what its meters measure; below 2**128.
        window_s: Length of a window, counted from the grant's ``starts_at``; 0 is the whole life.
    """

    limit: int
    window_s: int = 0

    def __post_init__(self) -> None:
        """Refuse what does not fit."""
        check_uint("cap limit", self.limit, 128)
        check_uint("cap window_s", self.window_s, 32)


@dataclass(frozen=True, slots=True)
class Meter:
    """
    Books the value of one argument to one cap.

    Attributes:
        argument: Word index behind the selector (0 to 62), or `NATIVE_VALUE`.
        cap: Index into the grant's caps.
    """

    argument: int
    cap: int

    def __post_init__(self) -> None:
        """Refuse what does not fit."""
        check_uint("meter argument", self.argument, 6)
        if not 0 <= self.cap < MAX_CAPS:
            raise GrantFormatError(f"meter cap: expected 0 to {MAX_CAPS - 1}, got {self.cap}")


@dataclass(frozen=True, slots=True)
class Constraint:
    """
    Lets a call through when one argument compares well with *values*.

    Attributes:
        argument: Word index behind the selector (0 to 62), or `NATIVE_VALUE`.
        operator: `Operator.ONE_OF` takes 1 to 255 values, the others one.
        values: Whole 256-bit words as integers; an address is its 160-bit number.
    """

    argument: int
    operator: Operator
    values: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse what does not fit."""
        check_uint("constraint argument", self.argument, 6)
        most = _MAX_ALTERNATIVES if self.operator is Operator.ONE_OF else 1
        if not 1 <= len(self.values) <= most:
            raise GrantFormatError(
                f"{self.operator.value!r}: expected 1 to {most} values, got {len(self.values)}"
            )
        for value in self.values:
            check_uint("constraint value", value, 256)

    @property
    def value_length(self) -> int:
        """Bytes that each value takes: as few as the largest needs, and at least one."""
        return max(1, (max(self.values).bit_length() + 7) // 8)


def check_uint(name: str, value: int, bits: int) -> None:
    """
    Refuse a *value* that *bits* bits do not hold.

    Raises:
        GrantFormatError: It is negative or too large.
    """
    if not 0 <= value < 1 << bits:
        raise GrantFormatError(f"{name}: expected 0 to 2**{bits} - 1, got {value}")


def check_length(name: str, value: bytes, length: int) -> None:
    """
    Refuse bytes of another length than *length*.

    Raises:
        GrantFormatError: It is shorter or longer.
    """
    if len(value) != length:
        raise GrantFormatError(f"{name}: expected {length} bytes, got {len(value)}")
