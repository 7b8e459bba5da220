"""How many cases the documentation speaks of is how many there are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tests.chain import test_differential as on_revm
from tests.chain import test_differential_chains as on_chains
from tests.chain.differential.faults import FAULTS

ROOT: Final = Path(__file__).parents[2]
MAKEFILE: Final = (ROOT / "Makefile").read_text()
CLAIMS: Final = {
    "README.md": [
        f"in {on_revm.CASES:,} random cases per test run, a million in `make fuzz`",
    ],
    "docs/reference/proof.md": [
        f"| {on_revm.CASES:,} | `make test`, and any number by `make fuzz CASES=` |",
        f"| py-evm, accounts delegated (EIP-7702) | {on_chains.CASES:,} | `make test` |",
        f"with P-256 keys | {on_chains.CASES:,} | `make test` |",
        f"At least {on_revm.LEAST_ACCEPTED:.0%} of the drawn cases".replace("%", " %"),
        f"each of the {len(FAULTS)} refusals is drawn at least {on_revm.LEAST_OF_EACH} times of",
    ],
}


@pytest.mark.parametrize("page", CLAIMS)
def test_the_numbers_of_a_page_are_those_of_the_tests(page: str) -> None:
    """Whoever draws fewer cases says fewer."""
    text = " ".join((ROOT / page).read_text().split())
    assert [claim for claim in CLAIMS[page] if claim not in text] == []


def test_make_fuzz_draws_a_million_by_default() -> None:
    """As the README says."""
    assert re.search(r"^CASES \?= 1000000$", MAKEFILE, re.MULTILINE)
    assert "tests.chain.differential --cases $(CASES)" in MAKEFILE
