"""What holds for every permission, every run and every second."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from tests.core.narrowing import narrower
from tests.core.strategies import CAST, START, calls, permissions, runs, traces
from valetkey.core.permission.decide import Allow, Deny, Spent, decide, nothing_spent
from valetkey.core.permission.lower import lower
from valetkey.core.permission.model import Anything, Operator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.core.strategies import Trace
    from valetkey.core.permission.model import Call, Permission


HOLDS: dict[Operator, Callable[[int, tuple[int, ...]], bool]] = {
    Operator.EQUALS: lambda word, values: (word,) == values,
    Operator.ONE_OF: lambda word, values: word in values,
    Operator.AT_MOST: lambda word, values: word <= values[0],
}


def ask(permission: Permission, run: Sequence[Call], spent: Spent, now: int) -> Allow | Deny:
    """Ask *permission*."""
    return decide(run, permission, spent, now=now, account=CAST.account)


def replayed(
    permission: Permission, trace: Trace
) -> Iterator[tuple[int, Sequence[Call], Spent, Allow | Deny]]:
    """Yield each run with its time, what was booked before it, and the answer; book each yes."""
    spent = nothing_spent(permission)
    now = permission.starts_at
    for wait_s, run in trace:
        now += wait_s
        answer = ask(permission, run, spent, now)
        yield now, run, spent, answer
        if isinstance(answer, Allow):
            spent = answer.after


@given(st.data())
def test_a_further_caveat_never_allows_more(data: st.DataObject) -> None:
    """Whatever the narrower permission accepts, run by run, the wider one accepts too."""
    wide = data.draw(permissions())
    narrow = data.draw(narrower(wide))
    trace = data.draw(traces(narrow))
    booked = nothing_spent(wide)
    for now, run, _, answer in replayed(narrow, trace):
        if isinstance(answer, Allow):
            wider = ask(wide, run, booked, now)
            assert isinstance(wider, Allow), (wider, narrow)
            booked = wider.after


@given(st.data())
def test_what_is_booked_only_grows_and_never_passes_a_limit(data: st.DataObject) -> None:
    """Within a window the counter rises; a new window begins at nothing; none is entered again."""
    permission = data.draw(permissions())
    limits = lower(permission).limits
    for now, run, before, answer in replayed(permission, data.draw(traces(permission))):
        if isinstance(answer, Deny):
            continue
        assert answer.calls == max(len(run), 1)
        assert answer.after.calls == before.calls + answer.calls
        assert len(answer.rules) == len(run)
        assert now < answer.valid_until <= permission.expires_at
        if permission.max_calls is not None:
            assert answer.after.calls <= permission.max_calls
        booked = zip(limits, before.counters, answer.after.counters, answer.amounts, strict=True)
        for limit, old, new, amount in booked:
            assert new.window == max(
                limit.window_at(now, starts_at=permission.starts_at), old.window
            )
            assert amount >= 0
            assert new.spent == amount + (old.spent if new.window == old.window else 0)
            assert new.spent <= limit.limit


@given(st.data())
def test_the_answer_depends_on_nothing_else(data: st.DataObject) -> None:
    """Asked again the answer is the same, and nothing that was handed in has changed."""
    permission = data.draw(permissions())
    run = data.draw(runs(permission))
    spent = nothing_spent(permission)
    now = START + data.draw(st.integers(-1, 500))
    before = copy.deepcopy((permission, run, spent))
    answer = ask(permission, run, spent, now)
    assert ask(permission, run, spent, now) == answer
    assert ask(replace(permission), tuple(run), spent, now) == answer
    assert (permission, run, spent) == before


@given(st.data())
def test_it_is_denied_by_default(data: st.DataObject) -> None:
    """Every call that is allowed is one that its rule names, within its lists."""
    permission = data.draw(permissions())
    run = data.draw(st.lists(calls(permission), min_size=1, max_size=3))
    answer = ask(permission, run, nothing_spent(permission), permission.starts_at)
    if isinstance(answer, Deny):
        assert answer.detail
        return
    for call, index in zip(run, answer.rules, strict=True):
        rule = permission.rules[index]
        assert (call.to, call.selector) == (rule.target, rule.selector)
        assert call.to != CAST.account
        assert call.value_wei == 0 or rule.carries_value()
        for constraint in rule.where:
            word = call.arguments[32 * constraint.argument :][:32]
            assert len(word) == 32
            assert HOLDS[constraint.operator](int.from_bytes(word), constraint.values)
        if call.value_wei and not isinstance(permission.recipients, Anything):
            assert call.to in permission.recipients


@given(st.data())
def test_an_earlier_call_never_helps_a_later_one(data: st.DataObject) -> None:
    """If a run is allowed, so is the run without its last call: booking only takes."""
    permission = data.draw(permissions())
    run = data.draw(st.lists(calls(permission), min_size=1, max_size=4))
    spent = nothing_spent(permission)
    whole = ask(permission, run, spent, permission.starts_at)
    if isinstance(whole, Allow):
        part = ask(permission, run[:-1], spent, permission.starts_at)
        assert isinstance(part, Allow)
        assert part.rules == whole.rules[:-1]
    elif whole.call is not None:
        first_bad = ask(permission, run[: whole.call + 1], spent, permission.starts_at)
        assert first_bad == whole
