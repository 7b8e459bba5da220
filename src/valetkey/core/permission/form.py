"""What several caveats must look like, and the error that names a place which does not."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.model import ADDRESS_BYTES, Operator
from valetkey.core.units import UINT32_MAX, UINT256_MAX

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

MAX_VALUES: Final = 64  # of one constraint
MIN_WINDOW_S: Final = 60

_SHOWN_CHARS: Final = 40


def refuse(where: str, expected: str, got: object) -> Malformed:
    """Return the error that names the place, what was expected and what came."""
    return Malformed(Code.MALFORMED_PERMISSION, f"{where}: expected {expected}, got {got}")


def shown(text: str) -> str:
    """Return *text* as an error may show it."""
    return repr(text[:_SHOWN_CHARS])


def check_target(where: str, target: bytes, never: Collection[bytes]) -> None:
    """Refuse what is no address, or one that no session may call or sign for (`Malformed`)."""
    if len(target) != ADDRESS_BYTES:
        raise refuse(where, f"{ADDRESS_BYTES} bytes", len(target))
    if target in never:
        expected = "not the account, its implementation, an EntryPoint or zero"
        raise refuse(where, expected, f"0x{target.hex()}")


def check_values(where: str, operator: Operator, values: Sequence[int]) -> None:
    """Refuse what a constraint cannot compare with (`Malformed`)."""
    if operator is not Operator.ONE_OF and len(values) != 1:
        raise refuse(where, "exactly one", len(values))
    check_count(where, values, MAX_VALUES)
    if any(not 0 <= value <= UINT256_MAX for value in values):
        raise refuse(where, "32-byte words", "larger or negative")
    check_sorted(where, values)


def check_window(where: str, window_s: int) -> None:
    """Refuse a window that is too short or too long to be counted (`Malformed`)."""
    if not MIN_WINDOW_S <= window_s <= UINT32_MAX:
        raise refuse(where, f"{MIN_WINDOW_S} to {UINT32_MAX}", window_s)


def check_count(where: str, listed: Sequence[object], most: int) -> None:
    """Refuse a list that is longer than *most* (`Malformed`)."""
    if len(listed) > most:
        raise refuse(where, f"at most {most}", len(listed))


def check_sorted(where: str, keys: Sequence[Any]) -> None:
    """Refuse a list whose *keys* do not ascend: one meaning has one document (`Malformed`)."""
    if any(not left < right for left, right in pairwise(keys)):
        raise refuse(where, "ascending order without repeats", "another order")
