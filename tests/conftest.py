"""What every room of the tests shares."""

from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from tests.searched import LONGER

pytest_plugins = ("tests.leaks", "tests.holes")

# A busy machine is no finding: nothing here is asserted about time.
settings.register_profile(
    "unhurried",
    deadline=None,
    max_examples=100 * LONGER,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("unhurried")

# What takes longest, in the order in which it begins: whatever comes last keeps one worker waiting.
LONGEST: Final = (
    "tests/chain/test_worst_case.py",
    "tests/chain/test_forge.py",
    "tests/chain/test_differential.py",
    "tests/chain/test_differential_chains.py",
    "tests/crash/",
    "tests/http/test_doors.py",
    "tests/pages/",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, after the order was drawn."""
    places = {name: place for place, name in enumerate(LONGEST)}

    def place(item: pytest.Item) -> int:
        return next((n for name, n in places.items() if item.nodeid.startswith(name)), len(places))

    items.sort(key=place)
