"""Session states: the table of transitions, and what time and use make of a stored state."""

from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.examples import permission_with
from tests.core.sessions import SESSION, USAGE, session_with, usage_with
from valetkey.core.errors import Code
from valetkey.core.grant import Grant
from valetkey.core.session import (
    TRANSITIONS,
    Event,
    State,
    ends_at,
    next_state,
    refusal,
    state_of,
    stoppable_state,
)
from valetkey.core.surface import Surface
from valetkey.core.units import DAY_S
from valetkey.core.wallet import OwnerKey

START, END = SESSION.starts_at, SESSION.expires_at
ROOT = Path(__file__).parents[2]

# The table once more, as an owner would say it: rows are states, columns events.
GRANT, FREEZE, UNFREEZE, REVOKE, CLOSE, EXPIRE, EXHAUST, RELEASE = Event
LIFE: dict[State, dict[Event, State]] = {
    State.PENDING: {
        GRANT: State.OPEN,
        REVOKE: State.REVOKED,
        CLOSE: State.CLOSED,
        EXPIRE: State.EXPIRED,
    },
    State.OPEN: {
        FREEZE: State.FROZEN,
        REVOKE: State.REVOKED,
        CLOSE: State.CLOSED,
        EXPIRE: State.EXPIRED,
        EXHAUST: State.EXHAUSTED,
    },
    State.FROZEN: {
        UNFREEZE: State.OPEN,
        REVOKE: State.REVOKED,
        CLOSE: State.CLOSED,
        EXPIRE: State.EXPIRED,
    },
    State.EXHAUSTED: {
        FREEZE: State.FROZEN,
        REVOKE: State.REVOKED,
        CLOSE: State.CLOSED,
        EXPIRE: State.EXPIRED,
        RELEASE: State.OPEN,
    },
    State.REVOKED: {},
    State.EXPIRED: {},
    State.CLOSED: {},
}


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("state", State)
def test_every_event_in_every_state(state: State, event: Event) -> None:
    """What is not in the table does not happen."""
    assert next_state(state, event) is LIFE[state].get(event)
    assert TRANSITIONS.get((state, event)) is LIFE[state].get(event)


@pytest.mark.parametrize("state", [state for state in State if LIFE[state]])
def test_whatever_is_alive_can_be_stopped(state: State) -> None:
    """The owner and the holder can always end it, and time does."""
    for event in (Event.REVOKE, Event.CLOSE, Event.EXPIRE):
        end = next_state(state, event)
        assert end is not None
        assert not any(next_state(end, other) for other in Event)


def test_only_the_owner_gives_power() -> None:
    """Nothing leads to ``open`` but the owner, or a call that was counted and never made."""
    givers = {event for (_, event), end in TRANSITIONS.items() if end is State.OPEN}
    assert givers == {Event.GRANT, Event.UNFREEZE, Event.RELEASE}


def test_the_page_is_drawn_from_the_table() -> None:
    """docs/reference/session-states.md; `tools/draw_states.py --write` draws it anew."""
    draw = runpy.run_path(str(ROOT / "tools" / "draw_states.py"))["draw"]
    page = ROOT / "docs" / "reference" / "session-states.md"
    assert page.read_text(encoding="utf-8") == draw()


STORED = [
    (State.PENDING, 0, State.PENDING),
    (State.OPEN, 0, State.OPEN),
    (State.OPEN, 4, State.OPEN),
    (State.OPEN, 5, State.EXHAUSTED),
    (State.OPEN, 6, State.EXHAUSTED),
    (State.FROZEN, 5, State.FROZEN),
    (State.PENDING, 5, State.PENDING),
    (State.REVOKED, 5, State.REVOKED),
    (State.CLOSED, 0, State.CLOSED),
    (State.EXPIRED, 0, State.EXPIRED),
    (State.EXHAUSTED, 0, State.EXHAUSTED),
]


@pytest.mark.parametrize(("stored", "calls", "state"), STORED)
def test_use_and_time_make_the_state(stored: State, calls: int, state: State) -> None:
    """Before the end use decides, from its first second on time; what was stopped stays stopped."""
    session = session_with(state=stored, permission=permission_with(max_calls=5))
    usage = usage_with(calls=calls)
    for now in (START - 1, START, END - 1):
        assert state_of(session, usage, now=now) is state
    over = state if state in {State.REVOKED, State.CLOSED} else State.EXPIRED
    for now in (END, END + 10**6):
        assert state_of(session, usage, now=now) is over


def test_without_a_count_nothing_is_used_up() -> None:
    """A session that only reads, or whose calls are not counted, ends by time alone."""
    for session in (SESSION, session_with(permission=None)):
        assert state_of(session, usage_with(calls=10**6), now=END - 1) is State.OPEN


IDLE = [
    (None, START, END),
    (60, START, START + 60),
    (60, START + 59, START + 119),
    (3600, START, END),
    (3601, START, END),
    (60, END - 1, END),
    (60, START - 1000, START + 60),
]


@pytest.mark.parametrize(("idle_s", "last_used_at", "end"), IDLE)
def test_idle_time_ends_a_session_and_never_outlasts_it(
    idle_s: int | None, last_used_at: int, end: int
) -> None:
    """It slides with each use, under the absolute end; before the start nobody can be idle."""
    session = session_with(idle_s=idle_s)
    usage = usage_with(last_used_at=last_used_at)
    assert ends_at(session, usage) == end
    assert state_of(session, usage, now=end - 1) is State.OPEN
    assert state_of(session, usage, now=end) is State.EXPIRED


REFUSALS = [
    (State.PENDING, Code.SESSION_PENDING),
    (State.FROZEN, Code.SESSION_FROZEN),
    (State.REVOKED, Code.SESSION_REVOKED),
    (State.EXPIRED, Code.SESSION_EXPIRED),
    (State.EXHAUSTED, Code.SESSION_EXHAUSTED),
    (State.CLOSED, Code.SESSION_CLOSED),
]


@pytest.mark.parametrize(("state", "code"), REFUSALS)
def test_only_an_open_session_may_be_used(state: State, code: Code) -> None:
    """Each state has its own code, and words that say what to do."""
    denied = refusal(session_with(state=state), USAGE, now=START)
    assert denied is not None
    assert (denied.code, denied.caveat) == (code, "state")
    assert denied.detail


@pytest.mark.parametrize(
    ("now", "code"),
    [
        (START - 1, Code.SESSION_NOT_STARTED),
        (START, None),
        (END - 1, None),
        (END, Code.SESSION_EXPIRED),
    ],
)
def test_an_open_session_may_be_used_from_start_to_end(now: int, code: Code | None) -> None:
    """``starts_at`` is the first valid second, ``expires_at`` the first invalid one."""
    denied = refusal(SESSION, USAGE, now=now)
    assert (denied.code if denied else None) is code


@given(
    stored=st.sampled_from(State),
    calls=st.integers(0, 9),
    idle_s=st.none() | st.integers(1, 4000),
    used_s=st.integers(-10, 3700),
    now_s=st.integers(-10, 8000),
)
def test_a_computed_state_is_one_that_the_table_leads_to(
    stored: State, calls: int, idle_s: int | None, used_s: int, now_s: int
) -> None:
    """Time and use move a session along the table like any other event, and never open it."""
    session = session_with(state=stored, idle_s=idle_s, permission=permission_with(max_calls=5))
    usage = replace(usage_with(calls=calls), last_used_at=START + used_s)
    state = state_of(session, usage, now=START + now_s)
    by_itself = {next_state(stored, Event.EXPIRE), next_state(stored, Event.EXHAUST)}
    assert state is stored or state in by_itself
    assert state is not State.OPEN or stored is State.OPEN
    later = state_of(session, usage, now=START + now_s + 1)
    assert later in {state, State.EXPIRED}


def test_idle_time_alone_keeps_no_stop_from_a_grant() -> None:
    """It is over here and not on its chain; at its end it is over on both."""
    grant = Grant(b"packed", bytes(32), 0, bytes(20))
    idle = session_with(idle_s=60, state=State.FROZEN)
    for held, at, state in (
        (idle, START + 59, State.FROZEN),
        (idle, START + 60, State.EXPIRED),
        (replace(idle, grant=grant), START + 60, State.FROZEN),
        (replace(idle, grant=grant), END - 1, State.FROZEN),
        (replace(idle, grant=grant), END, State.EXPIRED),
        (replace(idle, grant=grant, state=State.REVOKED), START + 60, State.REVOKED),
    ):
        assert stoppable_state(held, USAGE, now=at) is state


def test_what_nobody_signs_on_a_vendors_surface_lasts_a_day() -> None:
    """A native one, one that is signed, one without a grant, and a shorter one, to their ends."""
    grant, end = Grant(b"packed", bytes(32), 0, bytes(20)), START + 3 * DAY_S
    waits = session_with(state=State.PENDING, grant=grant, surface=Surface.OPENFORT, expires_at=end)
    for held, until in (
        (waits, START + DAY_S),
        (replace(waits, idle_s=2 * DAY_S), START + DAY_S),
        (replace(waits, expires_at=START + 60), START + 60),
        (replace(waits, surface=Surface.NATIVE), end),
        (replace(waits, grant=replace(grant, owner_signature=bytes(65))), end),
        (replace(waits, grant=None), end),
    ):
        assert held.lasts_until == ends_at(held, USAGE) == until
        assert state_of(held, USAGE, now=until - 1) is State.PENDING
        assert state_of(held, USAGE, now=until) is State.EXPIRED


@pytest.mark.parametrize("state", State)
def test_only_what_is_pending_waits_for_a_key_that_is_here(state: State) -> None:
    """Not what waits for an owner outside, and not what has no owner."""
    for owner_key in (None, *OwnerKey):
        is_here = owner_key in {OwnerKey.SEALED, OwnerKey.SPLIT}
        expected = 1 if is_here and state is State.PENDING else None
        assert session_with(state=state, owner_key=owner_key).waits_here == expected
