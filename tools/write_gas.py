"""
Write docs/reference/gas.md from what tests/chain/test_gas.py measured last, and its peers.

Run the test first: it leaves its figures in ``build/gas-*.txt``.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "reference" / "gas.md"
_ROW: Final = re.compile(r"^(?P<row>.+?) {2,}(?P<gas>[\d,]+) {2}of (?P<gate>[\d, ]+)$")

# Measured in one harness on anvil 1.7.1 (Prague), OpenZeppelin 5.1 ERC-20, third use of a session.
PEERS: Final = (
    ("Safe 1.4.1 + allowance module, 4367ecf", "one token; no expiry, no functions", 72_423),
    ("Coinbase SpendPermissionManager, e0004e6", "time, one token, to the spender only", 75_984),
    ("Uniswap Calibur + guard hook, 69d5eb6", "expiry, contract and function", 96_313),
    ("Ithaca (Porto) account, 767e973", "expiry, contract and function, spend", 99_608),
    ("Openfort 7702 account, 1b9f712 (EntryPoint 0.8)", "time, function, count", 127_402),
    ("SmartSession 1.0.0 on Nexus (EntryPoint 0.7)", "time, function, count", 150_137),
    ("Kernel 3.3 permissions, 0937ec5 (EntryPoint 0.7)", "time, function, count", 183_836),
    ("MetaMask Delegation Framework, d2811d6", "time, target, method, count", 175_822),
)

_ABOUT: Final = (
    "One sponsored ERC-20 transfer by a session key. Steady rows are the third use of a session"
    " with a time window, a target and a function; what else it limits is the row's name. The gate"
    " is what `tests/chain/test_gas.py` refuses to go above."
)
_ABOUT_PEERS: Final = (
    "Measured in one harness, each with its own settings at the named commit. They do not limit the"
    " same things: read the second column before quoting a margin. They moved OpenZeppelin's 5.1"
    " ERC-20, which costs 180 gas more for a plain transfer than the token of the rows above."
)
_HEAD: Final = ("# Gas", "", _ABOUT, "", "| row | anvil | py-evm | gate |", "|---|---|---|---|")
_PEERS_HEAD: Final = (
    *("## Others, for the same transfer", "", _ABOUT_PEERS, ""),
    *("| system | limits enforced | steady |", "|---|---|---|"),
)


def rows_of(engine: str) -> dict[str, tuple[int, int]]:
    """Return each row that was measured on *engine*: its gas and its gate."""
    lines = (ROOT / "build" / f"gas-{engine}.txt").read_text().splitlines()
    found = (_ROW.match(line) for line in lines)
    return {
        match["row"]: (_number(match["gas"]), _number(match["gate"])) for match in found if match
    }


def _number(text: str) -> int:
    return int(text.replace(",", "").strip())


def page() -> str:
    """Return the page."""
    anvil, pyevm = rows_of("anvil"), rows_of("py-evm")
    ours = [
        f"| {row} | {gas:,} | {pyevm[row][0]:,} | {gate:,} |" for row, (gas, gate) in anvil.items()
    ]
    peers = [f"| {name} | {limits} | {gas:,} |" for name, limits, gas in PEERS]
    return "\n".join([*_HEAD, *ours, "", *_PEERS_HEAD, *peers, ""])


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"wrote {PAGE.relative_to(ROOT)}\n")
