"""Words that the sentences about a permission share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from valetkey.core.permission.model import Operator
from valetkey.core.units import DAY_S, HOUR_S

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Names = Mapping[bytes, str]

HERE: Final = "(enforced by this server)"

_OPERATORS: Final = {
    Operator.EQUALS: "must be",
    Operator.ONE_OF: "must be one of",
    Operator.AT_MOST: "may be at most",
}


def named(address: bytes | None, names: Names) -> str:
    """Return the whole address, behind what it is called."""
    if address is None:
        return "native"
    text = f"0x{address.hex()}"
    return f"{names[address]} ({text})" if address in names else text


def short(address: bytes | None, names: Names) -> str:
    """Return what the address is called, or its ends."""
    if address is None:
        return "native"
    return names.get(address) or f"0x{address.hex()[:4]}…{address.hex()[-4:]}"


def compared(operator: Operator, values: Sequence[int]) -> str:
    """Return a comparison, such as ``must be one of 0x1, 0x2``."""
    listed = ", ".join(f"0x{value:x}" for value in values) if values else "nothing at all"
    return f"{_OPERATORS[operator]} {listed}"


def span(seconds: int) -> str:
    """Return a length of time in the longest unit that divides it."""
    for unit, name in ((DAY_S, "day"), (HOUR_S, "hour"), (60, "minute")):
        if seconds % unit == 0:
            count = seconds // unit
            return name if count == 1 else f"{count} {name}s"
    return f"{seconds} seconds"


def quoted(text: str) -> str:
    """Return somebody's own text so that nothing in it can be taken for ours."""
    return json.dumps(text, ensure_ascii=False)
