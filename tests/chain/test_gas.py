"""What a sponsored ERC-20 transfer costs is promised, row by row, on both chains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.chain.gas_rows import measure
from tests.chain.session import Owner
from tests.chain.world import ROOT, World
from valetkey.devchain import Engine, choose

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Steady is the third use.
GATES: Final = {
    "count": 49_500,
    "cap": 50_000,
    "windowed cap": 50_150,
    "cap, one recipient": 50_600,
    "cap, one of two recipients": 51_150,
    "cap, at most": 50_400,
    "two caps": 55_500,
    "cap, personal signature": 50_200,
    "cap, bound relayer": 50_650,
    "cap, in a tree of eight rules": 53_600,
    "cap, second rule of two": 50_500,
    "cap, P-256 key": 55_250,
    "first use, count": 76_450,
    "first use, cap": 77_850,
    "batch of ten, cap": 92_800,
    "delegated, granted and first transfer in one": 88_950,
    "a call": 50_700,
    "a call, any selector": 52_200,
    "a call, any call": 52_350,
    "register, count": 56_450,
    "revoke, relayed": 34_050,
    "revoke, by the account": 28_350,
    "plain transfer of the token, without us": 34_500,
}
# What one thing adds: the row with it, the row without it, and the most that it may add.
PARTS: Final = {
    "a cap": ("cap", "count", 500),
    "a window on it": ("windowed cap", "cap", 200),
    "one fixed recipient": ("cap, one recipient", "cap", 650),
    "one of two recipients": ("cap, one of two recipients", "cap", 1_150),
    "an argument at most so much": ("cap, at most", "cap", 450),
    "a second cap": ("two caps", "cap", 5_550),
    "a personal signature (EIP-191)": ("cap, personal signature", "cap", 250),
    "a bound relayer": ("cap, bound relayer", "cap", 700),
    "being the second rule of two": ("cap, second rule of two", "cap", 550),
    "being one of eight rules in a tree": ("cap, in a tree of eight rules", "cap", 3_650),
    "a P-256 key": ("cap, P-256 key", "cap", 5_300),
    "any selector, in place of one": ("a call, any selector", "a call", 1_500),
    "any call, in place of one": ("a call, any call", "a call", 1_650),
}
NOISE: Final = 72  # a zero byte more or less in an address or a time


@pytest.fixture
def owner(world: World) -> Owner:
    """Return an account with OpenZeppelin's token, which is what the gates are about."""
    return Owner.delegated(World(world.rpc, erc20="HarnessToken"))


@pytest.fixture(scope="module")
def tables() -> dict[Engine, dict[str, int]]:
    """Return what was measured so far, by engine."""
    return {}


def test_every_row_is_within_its_gate(
    owner: Owner, tables: dict[Engine, dict[str, int]], request: pytest.FixtureRequest
) -> None:
    """The gates are promises; the two chains agree but for the bytes of addresses and times."""
    rows = measure(owner)
    engine = Engine(request.node.callspec.params["world"])
    tables[engine] = rows
    parts = {
        name: rows[with_it] - rows[without]
        for name, (with_it, without, _) in PARTS.items()
        if with_it in rows
    }
    most = {name: limit for name, (_, _, limit) in PARTS.items()}
    _report(f"gas-{engine}", rows, GATES)
    _report(f"gas-parts-{engine}", parts, most)
    assert {row: gas for row, gas in rows.items() if gas > GATES[row]} == {}
    assert {name: gas for name, gas in parts.items() if gas > most[name]} == {}
    for other in tables.values():
        apart = {row: gas for row, gas in rows.items() if abs(gas - other.get(row, gas)) > NOISE}
        assert apart == {}


def _report(name: str, rows: Mapping[str, int], gates: Mapping[str, int]) -> None:
    """Keep *rows* for tools/write_gas.py, and show them with -s."""
    width = max(map(len, rows))
    lines = [f"{row:{width}}  {gas:7,}  of {gates[row]:7,}" for row, gas in rows.items()]
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / f"{name}.txt").write_text("\n".join([name, *lines, ""]))
    print(f"\n{name}", *lines, sep="\n")  # noqa: T201


def test_an_engine_is_installed() -> None:
    """The figures above are of a chain, not of nothing: at least one must run here."""
    found: list[Callable[[], object] | object] = [choose(engine) for engine in Engine]
    assert any(choice is not None for choice in found)
