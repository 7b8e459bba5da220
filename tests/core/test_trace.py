"""Traces: what is written short is replayed as if it were written out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.examples import ACCOUNT, BOB, PERMISSION, cap_with, permission_with, transfer
from tests.core.small import small_calls, small_permissions
from tests.core.strategies import START
from tests.searched import searched
from valetkey.core.errors import Code
from valetkey.core.permission.model import Permission, Window
from valetkey.core.permission.trace import Refused, Run, Stage, Trace, replay

EVERY_HOUR = 3600


def trace_of(*stages: Stage, sender: bytes = BOB) -> Trace:
    """Return a trace on the ordinary chain."""
    return Trace(PERMISSION.chain, sender, stages)


def asked(permission: Permission, trace: Trace) -> Refused | None:
    """Replay *trace*."""
    return replay(permission, trace, account=ACCOUNT)


def refusal(permission: Permission, trace: Trace) -> tuple[int, Code, str]:
    """Return when, why and where *trace* is refused."""
    found = asked(permission, trace)
    assert found is not None
    return found.at, found.deny.code, found.deny.caveat


def written_out(trace: Trace) -> Trace:
    """Return *trace* with one stage for each single run."""
    return replace(
        trace,
        stages=tuple(
            Stage(stage.at + number * stage.every_s, (replace(run, times=1),))
            for stage in trace.stages
            for number in range(stage.rounds)
            for run in stage.runs
            for _ in range(run.times)
        ),
    )


@searched(60)
@given(st.data())
def test_short_and_long_are_the_same(data: st.DataObject) -> None:
    """The first refusal too, with the second in which it comes."""
    permission = data.draw(small_permissions())
    calls = st.sampled_from(list(small_calls(permission)))
    runs = st.builds(Run, st.lists(calls, max_size=2).map(tuple), st.integers(1, 9))
    stages = st.builds(
        Stage,
        st.integers(permission.starts_at, permission.expires_at),
        st.lists(runs, min_size=1, max_size=2).map(tuple),
        st.integers(1, 3),
        st.integers(0, 2),
    )
    trace = trace_of(*data.draw(st.lists(stages, max_size=3)))
    assert asked(permission, trace) == asked(permission, written_out(trace))


def test_a_billion_times_is_asked_for_at_once() -> None:
    """The first time that is one too many is found."""
    permission = permission_with(caps=(cap_with(lifetime=10**9),))
    many = trace_of(Stage(START, (Run((transfer(1),), 10**9),)))
    assert asked(permission, many) is None
    more = trace_of(Stage(START, (Run((transfer(1),), 3 * 10**9),)))
    found = asked(permission, more)
    assert found is not None
    assert "1000000000 used, 1 asked for" in found.deny.detail


def test_rounds_come_again() -> None:
    """One window after the other, until the session ends."""
    hourly = permission_with(caps=(cap_with(lifetime=None, window=Window(5, EVERY_HOUR)),))
    permission = replace(hourly, expires_at=START + 3 * EVERY_HOUR)
    stage = Stage(START, (Run((transfer(2),), 2), Run((transfer(1),))), 3, EVERY_HOUR)
    assert asked(permission, trace_of(stage)) is None
    assert refusal(permission, trace_of(replace(stage, rounds=4))) == (
        START + 3 * EVERY_HOUR,
        Code.SESSION_EXPIRED,
        "expires_at",
    )
    faster = replace(stage, every_s=EVERY_HOUR // 2)
    assert refusal(permission, trace_of(faster))[1] is Code.CAP_EXCEEDED


EMPTY = Stage(START + 5, (Run(()),))


@pytest.mark.parametrize(
    ("permission", "trace", "expected"),
    [
        (
            permission_with(chain="eip155:1"),
            trace_of(EMPTY),
            (START + 5, Code.WRONG_CHAIN, "chain"),
        ),
        (permission_with(chain="eip155:1"), trace_of(), (START, Code.WRONG_CHAIN, "chain")),
        (
            permission_with(relayer=b"\x07" * 20),
            trace_of(EMPTY),
            (START + 5, Code.RELAYER_NOT_ALLOWED, "relayer"),
        ),
        (
            permission_with(fee_budget_wei=10),
            trace_of(EMPTY, Stage(START + 6, (Run((), times=3, fee_wei=4),))),
            (START + 6, Code.SPONSORSHIP_EXCEEDED, "fee_budget_wei"),
        ),
        (
            permission_with(max_calls=3),
            trace_of(Stage(START + 7, (Run((), times=4),))),
            (START + 7, Code.TOO_MANY_CALLS, "max_calls"),
        ),
    ],
    ids=["chain", "chain, nothing done", "relayer", "fees", "calls"],
)
def test_what_is_beside_the_calls_is_asked_too(
    permission: Permission, trace: Trace, expected: tuple[int, Code, str]
) -> None:
    """Chain and relayer before anything, fees before the run that costs them."""
    assert refusal(permission, trace) == expected


def test_fees_within_the_budget_pass() -> None:
    """To the last wei."""
    permission = permission_with(fee_budget_wei=12, relayer=BOB)
    assert asked(permission, trace_of(Stage(START, (Run((), times=3, fee_wei=4),)))) is None
