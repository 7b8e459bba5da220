"""The demo: the main job from end to end, on each chain that there is."""

from __future__ import annotations

import pytest

from tests.cli.program import valetkey
from valetkey.cli.demo.attacker import Verdict
from valetkey.cli.demo.score import Score
from valetkey.core.errors import Code
from valetkey.devchain import Engine


@pytest.mark.parametrize("engine", list(Engine))
def test_every_outcome_of_the_demo_is_as_it_must_be(engine: Engine) -> None:
    """What must work works, what must not is refused by the server and by the chain."""
    ended = valetkey("demo", "--engine", engine.value, "--json")
    outcomes = ended.document["outcomes"]
    assert [one for one in outcomes if not one["ok"]] == []
    assert ended.code == 0
    assert len(outcomes) == 53


def test_a_refusal_that_is_missing_or_another_one_is_wrong() -> None:
    """The demo cannot pass by chance: it knows what each attempt must get."""
    score = Score()
    right = score.note("over the cap", "chain", Code.CAP_EXCEEDED, Verdict("cap_exceeded", ""))
    through = score.note("over the cap", "chain", Code.CAP_EXCEEDED, Verdict("", "it went through"))
    other = score.note("over the cap", "server", Code.CAP_EXCEEDED, Verdict("not_found", ""))
    stopped = score.note("inside the limits", "chain", None, Verdict("nonce_used", ""))
    assert right.is_right
    assert score.wrong() == [through, other, stopped]


def test_an_engine_that_nobody_knows_is_used_wrongly() -> None:
    """A typing error is told at once."""
    ended = valetkey("demo", "--engine", "nothing")
    assert ended.code == 2
    assert "nothing" in ended.err
