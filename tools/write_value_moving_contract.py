"""
Write contracts/evm/ValueMoving.sol from the list that the codec has.

`python tools/write_value_moving_contract.py` prints it; with `--write` it replaces the committed
one. A test compares the two.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from valetkey.spec.permission_bytes.value_moving import VALUE_MOVING

SOURCE: Final = Path(__file__).parents[1] / "contracts" / "evm" / "ValueMoving.sol"
_LANES: Final = 8

_HEAD: Final = """\
// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

// Written by tools/write_value_moving_contract.py from docs/reference/value-moving-selectors.md.

/// @title The published list of selectors that no wide rule covers
/// @dev Eight selectors stand in one word, so that a word is compared at once.
library ValueMoving {
    uint256 private constant ONES = type(uint256).max / type(uint32).max;
    uint256 private constant TOPS = ONES << 31;

    /// @notice Says whether `selector`, a number of 32 bits, is in the list.
    function has(uint256 selector) internal pure returns (bool) {
        unchecked {
            uint256 same = selector * ONES; // in each of the eight places
            uint256 found;
"""
_TAIL: Final = """\
            return found != 0;
        }
    }

    /// @dev Not zero if, and only if, one of the eight numbers in `word` is zero.
    function _zerosIn(uint256 word) private pure returns (uint256) {
        unchecked {
            return (word - ONES) & ~word & TOPS;
        }
    }
}
"""


def render() -> str:
    """Return the source as it is committed."""
    entries = tuple(VALUE_MOVING.items())
    rows = [entries[at : at + _LANES] for at in range(0, len(entries), _LANES)]
    return _HEAD + "".join(map(_row, rows)) + _TAIL


def _row(row: tuple[tuple[bytes, str], ...]) -> str:
    selectors = [selector for selector, _ in row]
    # The last row may be short: it says its last selector several times.
    selectors += selectors[-1:] * (_LANES - len(selectors))
    comments = "".join(
        f"            // {selector.hex()} {_short(name)}\n" for selector, name in row
    )
    return f"{comments}            found |= _zerosIn(same ^ 0x{b''.join(selectors).hex()});\n"


def _short(function: str) -> str:
    name, _, _ = function.partition("(")
    return function if len(function) < 100 else f"{name}(...)"  # noqa: PLR2004 - to fit the line


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        SOURCE.write_text(render())
    else:
        print(render(), end="")
