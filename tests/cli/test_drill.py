"""The drill: what it measures, and that it tells when something went on after a stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.program import valetkey
from valetkey.cli.drill.figures import Figures, percentile, spans
from valetkey.wire.activity import Step

if TYPE_CHECKING:
    from collections.abc import Sequence

WAYS: Final = {"freeze", "revoke", "close", "kill note"}
LIFE: Final = (
    Step(plane="server", name="freeze_requested", at_ms=100),
    Step(plane="server", name="refused", at_ms=101),
    Step(plane="server", name="unfrozen", at_ms=150),
    Step(plane="server", name="freeze_requested", at_ms=200),
    Step(plane="server", name="refused", at_ms=202),
    Step(plane="chain", name="included", at_ms=230),
)


def test_every_way_is_measured_on_a_local_chain() -> None:
    """Each plane was tried after each stop, and nothing went on; other sessions ran meanwhile."""
    ended = valetkey("drill", "--rounds", 2, "--load", 1, "--json")
    told = ended.document
    assert (ended.code, told["ok"], told["wrong"]) == (0, True, [])
    assert {one["way"] for one in told["steps"]} == WAYS
    steps = {(one["way"], one["step"]): one for one in told["steps"]}
    for way in WAYS:
        for step in ("server refused", "chain included"):
            measured = steps[way, step]
            assert measured["count"] == 2
            assert 0 <= measured["p50_ms"] <= measured["p99_ms"]
    assert told["runs_meanwhile"] > 0


def test_a_person_gets_a_table() -> None:
    """One line for each step of each way."""
    ended = valetkey("drill", "--rounds", 1, "--load", 0)
    assert ended.code == 0
    for word in (*WAYS, "p50 ms", "p99 ms", "answered"):
        assert word in ended.out


def test_a_server_is_drilled_only_with_its_key() -> None:
    """Wrong use is told before anything is opened."""
    assert valetkey("drill", "--account", "acc_1").code == 2
    assert valetkey("drill", "--rounds", 0).code == 2


def test_steps_are_counted_from_the_last_request() -> None:
    """What the session went through before is no part of this stop."""
    assert spans(LIFE, "freeze_requested") == {"server refused": 2, "chain included": 30}
    assert spans(LIFE, "revoke_requested") == {}


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300), st.sampled_from([50, 99]))
def test_a_percentile_is_one_of_the_values_and_enough_are_below(
    values: Sequence[float], percent: int
) -> None:
    """The nearest rank: no figure is shown that was not measured."""
    found = percentile(values, percent)
    assert found in values
    assert sum(one <= found for one in values) * 100 >= percent * len(values)
    assert sum(one < found for one in values) * 100 < percent * len(values)


def test_figures_are_kept_by_way_and_step() -> None:
    """In the order in which they first came."""
    figures = Figures()
    for took in (3.0, 1.0, 2.0):
        figures.note("revoke", {"server refused": took, "answered": 10 * took})
    assert figures.rows() == [
        ("revoke", "server refused", 3, 2.0, 3.0),
        ("revoke", "answered", 3, 20.0, 30.0),
    ]
    with pytest.raises(IndexError):
        percentile([], 50)
