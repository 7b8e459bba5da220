"""
Write docs/reference/value-moving-selectors.md from the list that the codec has.

`python tools/write_value_moving.py` prints it; with `--write` it replaces the one in docs. A test
compares the two.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from valetkey.spec.keccak import keccak256
from valetkey.spec.permission_bytes.value_moving import VALUE_MOVING, VALUE_MOVING_GROUPS, Group

PAGE: Final = Path(__file__).parents[1] / "docs" / "reference" / "value-moving-selectors.md"
_REFUSED: Final = (
    "Under the wide rules of a [grant](grant-format.md) (any selector on a target, any call) these"
    " {count} functions are refused with `SelectorRefused`, by the account contract and by the"
    " server alike. They move or approve tokens, hand a contract or a power in it to somebody"
    " else, or wrap such calls so that they are made as the account. An exact rule may name each"
    " of them, with its limits."
)
_NO_BOUNDARY: Final = (
    "This is a list of what is known, not a boundary: a target can move value in a function of"
    " any name, and swaps, bridges and markets do. A wide rule trusts its targets. Where a number"
    " must hold, use exact rules: only they are counted, capped and bounded."
)
_LEFT_OUT: Final = (
    "Functions that leave the value with the account are not in the list: `withdraw(uint256)` and"
    " `deposit()` of wrapped ether, claims without a receiver, `cancelAuthorization`,"
    " `invalidateNonces`."
)
_HEAD: Final = ("# Value-moving selectors", "", _REFUSED, "", _NO_BOUNDARY, "", _LEFT_OUT, "")


def render() -> str:
    """Return the page as it is committed."""
    head = "\n".join(_HEAD).format(count=len(VALUE_MOVING))
    return "\n".join([head, *map(_section, VALUE_MOVING_GROUPS)])


def _section(group: Group) -> str:
    rows = [
        f"| `0x{keccak256(function.encode())[:4].hex()}` | `{function}` |"
        for function in group.functions
    ]
    head = [f"## {group.name}", "", group.why, "", "| selector | function |", "|---|---|"]
    return "\n".join([*head, *rows, ""])


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        PAGE.write_text(render())
    else:
        print(render(), end="")
