"""What holds for every permission of every caveat: against a second reading of the language."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from tests.core.naive import History, most_specific
from tests.core.narrowing_whole import narrower_whole
from tests.core.signatures import requests
from tests.core.strategies import CAST
from tests.core.whole import SCOPES, whole_permissions, whole_runs, whole_traces
from valetkey.core.permission.decide import Allow, Spent, decide, nothing_spent
from valetkey.core.permission.lower import lower
from valetkey.core.permission.model import Rate
from valetkey.core.permission.signing import Signable, decide_scope, decide_signature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.core.strategies import Trace
    from valetkey.core.permission.model import Call, Permission


def ask(permission: Permission, run: Sequence[Call], spent: Spent, now: int) -> Allow | None:
    """Return the yes of *permission*, if it is one."""
    answer = decide(run, permission, spent, now=now, account=CAST.account)
    return answer if isinstance(answer, Allow) else None


def accepted(permission: Permission, trace: Trace) -> list[bool]:
    """Say of each run whether it is accepted, each yes booked."""
    spent, now = nothing_spent(permission), permission.starts_at
    answers = []
    for wait_s, run in trace:
        now += wait_s
        answer = ask(permission, run, spent, now)
        spent = answer.after if answer else spent
        answers.append(answer is not None)
    return answers


@given(st.data())
def test_it_decides_as_the_language_reads(data: st.DataObject) -> None:
    """A second implementation, without counters or lowering, gives the same verdicts."""
    permission = data.draw(whole_permissions())
    trace = data.draw(whole_traces(permission))
    history, now = History(permission, CAST.account), permission.starts_at
    expected = []
    for wait_s, run in trace:
        now += wait_s
        expected.append(history.allows(run, now))
    assert accepted(permission, trace) == expected


@given(st.data())
def test_a_further_caveat_of_any_kind_never_allows_more(data: st.DataObject) -> None:
    """Runs, signatures and scopes that the narrower one accepts the wider one accepts."""
    wide = data.draw(whole_permissions())
    narrow = data.draw(narrower_whole(wide))
    booked, mine = nothing_spent(wide), nothing_spent(narrow)
    now = narrow.starts_at
    for wait_s, run in data.draw(whole_traces(narrow)):
        now += wait_s
        answer = ask(narrow, run, mine, now)
        if answer:
            wider = ask(wide, run, booked, now)
            assert wider
            booked, mine = wider.after, answer.after
    at = max(narrow.starts_at, wide.starts_at)
    request = data.draw(requests(narrow))
    if isinstance(decide_signature(request, narrow, now=at, accounts=()), Signable):
        assert isinstance(decide_signature(request, wide, now=at, accounts=()), Signable)
    for scope in SCOPES:
        if decide_scope(scope, narrow, now=at) is None:
            assert decide_scope(scope, wide, now=at) is None


@given(st.data())
def test_each_call_is_under_the_most_specific_rule(data: st.DataObject) -> None:
    """The index is the chain's: wide rules stand behind the others."""
    permission = data.draw(whole_permissions())
    run = data.draw(whole_runs(permission))
    answer = ask(permission, run, nothing_spent(permission), permission.starts_at)
    if answer:
        lowered = lower(permission)
        rules = [lowered.rule(index).rule for index in answer.rules]
        assert rules == [most_specific(permission, call) for call in run]


@given(st.data())
def test_the_rate_is_booked_and_bounds_the_booking_s_life(data: st.DataObject) -> None:
    """Each window has its own count, and what is booked to one is over when it ends."""
    drawn = data.draw(whole_permissions())
    rate = drawn.rate or Rate(calls=2, window_s=60)
    permission = replace(drawn, rate=rate)
    spent, now = nothing_spent(permission), permission.starts_at
    for wait_s, run in data.draw(whole_traces(permission)):
        now += wait_s
        answer = ask(permission, run, spent, now)
        if answer is None:
            continue
        before, spent = spent.rate, answer.after
        window = (now - permission.starts_at) // rate.window_s
        carried = before.spent if before.window == window else 0
        assert (spent.rate.spent, spent.rate.window) == (carried + answer.calls, window)
        assert spent.rate.spent <= rate.calls
        assert answer.valid_until <= permission.starts_at + (window + 1) * rate.window_s
