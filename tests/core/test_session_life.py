"""A session and its wallet's budgets through any life: nobody ever moves more than was granted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.core.examples import ACCOUNT, ANN, TOKEN, permission_with, transfer
from tests.core.sessions import USAGE, session_with
from tests.core.strategies import START
from tests.searched import searched
from valetkey.core.budget import BudgetLine, Entry, book, settle
from valetkey.core.chain import Counter
from valetkey.core.permission.decide import Allow, Deny, Spent, decide, nothing_spent
from valetkey.core.permission.lower import lower
from valetkey.core.permission.model import Cap, Window
from valetkey.core.permission.worst_case import worst_case
from valetkey.core.session import TRANSITIONS, Event, State, next_state, refusal, state_of

LENGTH_S = 900
MAX_CALLS = 9
PERMISSION = permission_with(
    caps=(Cap(TOKEN, 0, per_call=40, lifetime=150, window=Window(70, 120)),),
    max_calls=MAX_CALLS,
    recipients=(ANN,),
    expires_at=START + LENGTH_S,
)
WALLET_IN_ALL = BudgetLine("w/0", "org", "w", "token", 140, 0, START - 50, Counter(0, 0))
WALLET_IN_TIME = BudgetLine("w/90", "org", "w", "token", 100, 90, START - 50, Counter(0, 0))
STOPS = frozenset({State.REVOKED, State.CLOSED, State.EXPIRED})


@dataclass(frozen=True)
class Held:
    """A run that is booked and not yet settled."""

    answer: Allow
    amount: int
    entries: tuple[Entry, ...]
    deadline: int


class SessionLife(RuleBasedStateMachine):
    """
    The ledger on one side; what really landed, and when, on the other.

    A run lands only before its deadline, and is given back only from its deadline on, as the flows
    promise. In between the session may be frozen, revoked or closed: what is signed may still land.
    """

    def __init__(self) -> None:
        """Open a session that also ends when it is idle."""
        super().__init__()
        self.now = START - 1
        self.session = session_with(
            permission=PERMISSION, expires_at=PERMISSION.expires_at, idle_s=400
        )
        self.usage = replace(USAGE, spent=nothing_spent(PERMISSION))
        self.lines = [WALLET_IN_ALL, WALLET_IN_TIME]
        self.held: list[Held] = []
        self.landed: list[tuple[int, Held]] = []
        self.seen = self.state()

    def state(self) -> State:
        """Return the state as anybody would see it now."""
        return state_of(self.session, self.usage, now=self.now)

    @rule(seconds=st.sampled_from([1, 15, 30, 60, 120]))
    def time_passes(self, seconds: int) -> None:
        """Let time pass."""
        self.now += seconds

    @rule(amounts=st.lists(st.integers(0, 41), max_size=2))
    def reserve(self, amounts: list[int]) -> None:
        """Book a run in all places, or in none."""
        denied = refusal(self.session, self.usage, now=self.now)
        assert (denied is None) is (self.state() is State.OPEN and self.now >= START)
        if denied is not None:
            return
        answer = decide(
            [transfer(amount) for amount in amounts],
            PERMISSION,
            self.usage.spent,
            now=self.now,
            account=ACCOUNT,
        )
        if isinstance(answer, Deny):
            return
        results = [book(line, sum(amounts), now=self.now) for line in self.lines]
        booked = [result for result in results if not isinstance(result, Deny)]
        if len(booked) < len(results):
            return
        self.lines = [line for line, _ in booked]
        self.usage = replace(self.usage, spent=answer.after, last_used_at=self.now)
        entries = tuple(entry for _, entry in booked)
        ends = [
            line.starts_at + (entry.window + 1) * line.window_s
            for line, entry in booked
            if line.window_s
        ]
        self.held.append(Held(answer, sum(amounts), entries, min(answer.valid_until, *ends)))

    @precondition(lambda self: any(self.now < one.deadline for one in self.held))
    @rule(data=st.data())
    def land(self, data: st.DataObject) -> None:
        """Let a signed run be included, whatever has happened to its session since."""
        one = data.draw(st.sampled_from([one for one in self.held if self.now < one.deadline]))
        self.held.remove(one)
        self.landed.append((self.now, one))

    @precondition(lambda self: any(self.now >= one.deadline for one in self.held))
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        """Give back a run that can no longer land."""
        one = data.draw(st.sampled_from([one for one in self.held if self.now >= one.deadline]))
        self.held.remove(one)
        self.lines = [
            settle(line, entry, actual=0)
            for line, entry in zip(self.lines, one.entries, strict=True)
        ]
        spent = self.usage.spent
        counters = tuple(
            Counter(counter.spent - amount, counter.window)
            if counter.window == booked.window
            else counter
            for counter, amount, booked in zip(
                spent.counters, one.answer.amounts, one.answer.after.counters, strict=True
            )
        )
        self.usage = replace(self.usage, spent=Spent(spent.calls - one.answer.calls, counters))

    @rule(event=st.sampled_from([Event.FREEZE, Event.UNFREEZE, Event.GRANT]))
    def happens(self, event: Event) -> None:
        """Let something happen that the session may come back from."""
        self._apply(event)

    @precondition(lambda self: len(self.landed) > 4)
    @rule(event=st.sampled_from([Event.REVOKE, Event.CLOSE]))
    def ends(self, event: Event) -> None:
        """End it."""
        self._apply(event)

    def _apply(self, event: Event) -> None:
        state = next_state(self.state(), event)
        if state is not None:
            self.session = replace(self.session, state=state)

    @invariant()
    def the_ledger_is_what_landed_and_what_is_held(self) -> None:
        """Nothing leaks in either direction."""
        booked = [one for _, one in self.landed] + self.held
        assert self.usage.spent.calls == sum(one.answer.calls for one in booked) <= MAX_CALLS
        for index, line in enumerate(self.lines):
            entries = [one.entries[index] for one in booked]
            now = [entry.amount for entry in entries if entry.window == line.counter.window]
            assert line.counter.spent == sum(now)
        for index, counter in enumerate(self.usage.spent.counters):
            window = counter.window
            same = [one for one in booked if one.answer.after.counters[index].window == window]
            assert counter.spent == sum(one.answer.amounts[index] for one in same)

    @invariant()
    def nothing_is_overspent(self) -> None:
        """Neither in all nor in any window, even if everything that is held lands at once."""
        held = [(self.now, one.amount) for one in self.held if self.now < one.deadline]
        real = [(at, one.amount) for at, one in self.landed] + held
        bound = worst_case(PERMISSION).bounds[0].amount
        assert bound is not None
        assert sum(amount for _, amount in real) <= min(bound, WALLET_IN_ALL.limit)
        limits = [(one.limit, one.window_s, START) for one in lower(PERMISSION).limits]
        limits += [(line.limit, line.window_s, line.starts_at) for line in self.lines]
        for limit, window_s, starts_at in limits:
            windows: dict[int, int] = {}
            for at, amount in real:
                window = (at - starts_at) // window_s if window_s else 0
                windows[window] = windows.get(window, 0) + amount
            assert all(amount <= limit for amount in windows.values())

    @invariant()
    def every_change_is_in_the_table(self) -> None:
        """The state moves along transitions, and an end is an end."""
        state = self.state()
        if state is not self.seen:
            assert self.seen not in STOPS
            near = {end for (start, _), end in TRANSITIONS.items() if start is self.seen}
            # Unfrozen and used up at once: two steps that nobody can tell apart.
            assert state in near or (self.seen, state) == (State.FROZEN, State.EXHAUSTED)
            self.seen = state


TestSessionLife = SessionLife.TestCase
TestSessionLife.settings = settings(searched(120), stateful_step_count=60)
