"""
Write docs/reference/gas.md from what the tests of gas measured last, and its peers.

Run tests/chain/test_gas*.py first: they leave their figures in ``build/gas-*.txt``.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "reference" / "gas.md"
_ROW: Final = re.compile(r"^(?P<row>.+?) {2,}(?P<gas>[\d,]+) {2}of (?P<gate>[\d, ]+)$")

# Measured in one harness on anvil 1.7.1 (Prague), OpenZeppelin 5.1 ERC-20, third use of a session.
ENTRY_POINT: Final = (
    (
        "Openfort upgradeable account, openfort-contracts b0ed06c (EntryPoint 0.6)",
        "time, contract (no function), count",
        *(131_606, 114_506, 178_581, 91_290),
    ),
    (
        "Openfort 7702 account, 1b9f712 (0.8)",
        "time, contract and function, count",
        *(144_490, 127_402, 225_648, 103_210),
    ),
    ("the same with a token cap", "and spend", 173_629, 136_301, 251_339, 121_023),
    (
        "SmartSession 1.0.0, f5aaf86, on Nexus (0.7)",
        "time, contract and function, count",
        *(167_237, 150_137, 267_451, 171_886),
    ),
    ("the same, count and spend", "all of them", 187_870, 170_770, 353_874, 181_519),
    (
        "SmartSession 1.0.0 on Kernel 3.3 (0.7)",
        "time, contract and function, count",
        *(195_656, 178_580, 297_884, 189_364),
    ),
    (
        "Kernel 3.3 permissions, plugins 0937ec5 (0.7)",
        "time, contract and function, count",
        *(644_783, 183_836, 270_160, 183_149),
    ),
    (
        "MetaMask Delegation Framework d2811d6, sponsored (0.7)",
        "time, contract and function, count",
        *(265_557, 231_369, None, 80_069),
    ),
)
DIRECT: Final = (
    (
        "Safe 1.4.1 with the allowance module, safe-modules 4367ecf",
        "one token, spend; no expiry, no functions",
        *(72_411, 72_423, None, 63_594),
    ),
    (
        "Coinbase SpendPermissionManager, e0004e6",
        "time, one token per period, to the spender only",
        *(92_848, 75_984, None, 53_135),
    ),
    (
        "Uniswap Calibur 69d5eb6 with its example hook",
        "expiry, contract and function",
        *(113_401, 96_313, 207_822, 77_115),
    ),
    (
        "Ithaca (Porto) account 767e973, direct",
        "expiry, contract and function, spend",
        *(116_131, 99_608, 193_176, 69_834),
    ),
    (
        "MetaMask Delegation Framework d2811d6, the key pays",
        "time, contract and function, count",
        *(192_922, 175_822, 1_222_881, 80_069),
    ),
    ("the same, time and ERC-20 amount", "time, spend", 148_402, 131_302, 822_241, 80_069),
)

_ABOUT: Final = (
    "One sponsored ERC-20 transfer (OpenZeppelin 5.1, solc, 200 runs) by a session key, with a"
    " time window, a target and a function; what else limits it is the row's name. Steady rows are"
    " the third use. They and the first uses are as if no byte of a key or a signature were zero"
    " (12 gas each). The gate is what `tests/chain/test_gas.py` and `test_gas_clone.py` refuse to"
    " go above. Nobody can be below 47,237: transaction, calldata, one slot, one signature, and the"
    " token itself."
)
_ABOUT_PARTS: Final = (
    "Differences between two rows above, calldata included. Target, function, validity, count of"
    " calls and deadline are in every run. A further level of a tree costs 512 for its 32 bytes and"
    " 155 to hash."
)
_ABOUT_MISSES: Final = (
    "Two figures are above what was aimed for. **A rule in a tree of eight** adds 3,592, not 2,200."
    " The trace shows 1,560 for calldata (three siblings), 510 for hashing three levels, 590 for"
    " parsing the rule, 330 for its leaf and the id, and 600 for reading a grant that is not the"
    " usual one and for going through rules and proofs. Calldata and hashing alone are 2,070. Of"
    " the rest only the parsing could be left out, and it must not: nobody has seen a rule of a"
    " tree before it is used, and a cap index out of range would read a limit from other bytes."
    " From about eight rules on the tree is the cheaper form all the same. **A first use** was to"
    " be 77,500 and is with a count, but not with a cap: 1,419 more. 474 of that is any use of the"
    " cap, 180 parses cap and meter, and 760 hashes them and the lists that they are in, as typed"
    " data says. A first use has 20,000 for the new slot, 4,200 to read the slot and the epoch,"
    " 6,200 for two signatures, 1,125 for the event, and 4,560 of our own work: 750 parses the"
    " grant, 1,240 hashes it as typed data and asks whose signature that has, and most of the rest"
    " is what every use does."
    " **Delegated, granted and first transfer in one** has 12,500 for the authorisation on top."
    " **Executed by a session key** has 22,100 for a nonce key of its own, as every operation has"
    " that was prepared before anybody signed, and says its calls in full."
)
_ABOUT_PEERS: Final = (
    "Measured in the same harness, each with its own settings at the named commit. They do not"
    " limit the same things: read the second column before quoting a margin. Through an"
    " EntryPoint: a bundle of one, the fee paid from the account (9,570 less if the bundler asks"
    " for none); such rows can use public bundlers, ours need a relayer. A batch is ten transfers;"
    " Openfort's is nine, its most."
)
_HEAD: Final = ("# Gas", "", _ABOUT, "", "| row | anvil | py-evm | gate |", "|---|---|---|---|")
_PARTS_HEAD: Final = (
    *("## What each limit adds", "", _ABOUT_PARTS, ""),
    *("| part | anvil | py-evm | gate |", "|---|---|---|---|"),
)
_PEERS_HEAD: Final = ("## Others, for the same transfer", "", _ABOUT_PEERS)
_PEERS_TABLE: Final = (
    "| system | limits enforced | first use | steady | batch | revoke |",
    "|---|---|---|---|---|---|",
)


def rows_of(name: str) -> dict[str, tuple[int, int]]:
    """Return each row of ``build/<name>.txt``: its gas and its gate. None without a file."""
    path = ROOT / "build" / f"{name}.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    found = (_ROW.match(line) for line in lines)
    return {
        match["row"]: (_number(match["gas"]), _number(match["gate"])) for match in found if match
    }


def _number(text: str) -> int:
    return int(text.replace(",", "").strip())


def _ours(name: str) -> list[str]:
    pyevm = {row: f"{gas:,}" for row, (gas, _) in rows_of(f"{name}-py-evm").items()}
    return [
        f"| {row} | {gas:,} | {pyevm.get(row, '')} | {gate:,} |"
        for row, (gas, gate) in rows_of(f"{name}-anvil").items()
    ]


def _peers(rows: Iterable[tuple[str | int | None, ...]]) -> list[str]:
    cells = (
        [f"{cell:,}" if isinstance(cell, int) else cell or "-" for cell in row] for row in rows
    )
    return [f"| {' | '.join(row)} |" for row in cells]


def page() -> str:
    """Return the page."""
    entry_point = ["", "Through an EntryPoint:", "", *_PEERS_TABLE, *_peers(ENTRY_POINT)]
    direct = ["", "Without one:", "", *_PEERS_TABLE, *_peers(DIRECT)]
    return "\n".join(
        [
            *(*_HEAD, *_ours("gas"), *_ours("gas-clone"), ""),
            *(*_PARTS_HEAD, *_ours("gas-parts"), ""),
            *(_ABOUT_MISSES, ""),
            *(*_PEERS_HEAD, *entry_point, *direct, ""),
        ]
    )


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"wrote {PAGE.relative_to(ROOT)}\n")
