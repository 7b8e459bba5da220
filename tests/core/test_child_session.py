"""A session under others: in use only while they are, and never more than they are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import hypothesis.strategies as st
import pytest
from hypothesis import given
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.core.examples import ACCOUNT, ANN, BOB, PERMISSION, TOKEN, permission_with, transfer
from tests.core.sessions import SESSION, USAGE, session_with, usage_with
from tests.searched import searched
from valetkey.core.child_session import (
    OVER,
    Beyond,
    decide_in_line,
    ends_in_line,
    expect_signable,
    expect_within,
    refusal_in_line,
    state_in_line,
)
from valetkey.core.command import OpenSession
from valetkey.core.errors import Code, Forbidden, Malformed
from valetkey.core.grant import Grant
from valetkey.core.permission.decide import Allow, Deny, decide, nothing_spent
from valetkey.core.permission.model import Cap, Permission
from valetkey.core.principal import Access
from valetkey.core.session import Proof, Session, State, Usage

if TYPE_CHECKING:
    from valetkey.core.child_session import Line

NOW = SESSION.starts_at + 1
STATES = [one for one in State if one not in {State.EXPIRED, State.EXHAUSTED}]


def line_of(*states: State, idle_s: int | None = None) -> list[tuple[Session, Usage]]:
    """Return a line of sessions in these states, the lowest first; *idle_s* is of the root."""
    sessions = [
        session_with(
            id=f"ses_{index}",
            state=state,
            depth=len(states) - 1 - index,
            parent_id=f"ses_{index + 1}" if index + 1 < len(states) else None,
        )
        for index, state in enumerate(states)
    ]
    sessions[-1] = replace(sessions[-1], idle_s=idle_s)
    return [(one, replace(USAGE, id=one.id)) for one in sessions]


@given(st.lists(st.sampled_from(STATES), min_size=1, max_size=4))
def test_a_session_is_in_use_exactly_while_all_of_its_line_is(states: list[State]) -> None:
    """One that is not open stops all below it; what is over is shown before what may come back."""
    line = line_of(*states)
    shown = state_in_line(line, now=NOW)
    denied = refusal_in_line(line, now=NOW)
    assert (denied is None) is (shown is State.OPEN) is all(one is State.OPEN for one in states)
    assert shown in states
    assert (shown in OVER) is any(one in OVER for one in states)
    if denied is not None and states[0] is State.OPEN:
        assert denied.caveat.startswith("ses_")


def test_time_and_use_of_one_above_count() -> None:
    """Idle for too long is over for good; calls that are used up may come back."""
    idle = line_of(State.OPEN, State.OPEN, idle_s=10)
    assert ends_in_line(idle) == SESSION.starts_at + 10
    assert state_in_line(idle, now=SESSION.starts_at + 10) is State.EXPIRED
    limits = permission_with(max_calls=1)
    line = line_of(State.OPEN, State.OPEN)
    line[1] = replace(line[1][0], permission=limits), usage_with(calls=1)
    assert state_in_line(line, now=NOW) is State.EXHAUSTED
    early = refusal_in_line(line_of(State.OPEN), now=SESSION.starts_at - 1)
    assert early is not None
    assert (early.code, early.caveat) == (Code.SESSION_NOT_STARTED, "starts_at")


def line_with(*permissions: Permission | None) -> list[tuple[Session, Usage]]:
    """Return an open line with these permissions, the lowest first, nothing spent."""
    line = line_of(*(State.OPEN for _ in permissions))
    return [
        (
            replace(session, permission=one),
            replace(usage, spent=nothing_spent(one) if one else usage.spent),
        )
        for (session, usage), one in zip(line, permissions, strict=True)
    ]


def decided(line: Line, *amounts: int, to: bytes = ANN) -> tuple[Allow, ...] | Deny:
    """Decide transfers of *amounts*."""
    known = line[-1][1].spent
    calls = [transfer(amount, to) for amount in amounts]
    return decide_in_line(calls, line, known, now=NOW, account=ACCOUNT)


def test_a_refusal_names_the_session_that_it_comes_from() -> None:
    """The lowest that refuses is told first; one above it by its id."""
    wide = permission_with(recipients=(ANN, BOB))
    narrow = permission_with(recipients=(ANN,))
    own = decided(line_with(narrow, wide), 1, to=BOB)
    assert isinstance(own, Deny)
    assert own.caveat == "recipients"
    above = decided(line_with(wide, narrow), 1, to=BOB)
    assert isinstance(above, Deny)
    assert above.caveat == "ses_1/recipients"
    assert above.call == 0
    reads = decided(line_with(None, wide), 1)
    assert isinstance(reads, Deny)
    assert reads.code is Code.READ_ONLY
    allowed = decided(line_with(narrow, wide), 1)
    assert isinstance(allowed, tuple)
    assert len(allowed) == 2


def command_with(**changes: object) -> OpenSession:
    """Return what asks for a child that is all that its parent is."""
    plain = OpenSession(
        proof=Proof.STAMP,
        access=Access.WRITE,
        user_id=None,
        account_id=None,
        key=None,
        permission=PERMISSION,
        starts_at=SESSION.starts_at,
        expires_at=SESSION.expires_at,
        idle_s=None,
        label="",
        device="",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # names are the test's business


@pytest.mark.parametrize(
    ("changes", "parent", "code"),
    [
        ({}, {"depth": 3}, Code.SESSION_TOO_DEEP),
        ({}, {"depth": 9}, Code.SESSION_TOO_DEEP),
        ({}, {"access": Access.READ}, Code.NOT_WITHIN_PARENT),
        ({"starts_at": SESSION.starts_at - 1}, {}, Code.NOT_WITHIN_PARENT),
        ({"expires_at": SESSION.expires_at + 1}, {}, Code.NOT_WITHIN_PARENT),
    ],
)
def test_a_child_beyond_its_parent_is_refused(
    changes: dict[str, object], parent: dict[str, object], code: Code
) -> None:
    """Depth, access, and both ends of its time."""
    with pytest.raises(Forbidden) as refused:
        expect_within(command_with(**changes), session_with(**parent), most_depth=3)
    assert refused.value.code is code


def test_a_child_as_large_as_its_parent_is_within_and_has_no_chain_key() -> None:
    """The bounds belong to it; a key that the contract does not know is refused."""
    expect_within(command_with(), session_with(depth=2), most_depth=3)
    read = command_with(access=Access.READ, permission=None)
    expect_within(read, session_with(access=Access.READ), most_depth=3)
    with pytest.raises(Malformed):
        expect_within(command_with(proof=Proof.CHAIN), SESSION, most_depth=3)


def test_only_a_root_whose_chain_key_is_here_has_children_that_write() -> None:
    """Without a grant, and with a key elsewhere, nobody signs."""
    grant = Grant(packed=b"", grant_id=bytes(32), epoch=0, session_key=bytes(20))
    for root in (SESSION, session_with(grant=grant)):
        with pytest.raises(Forbidden, match="is with its holder"):
            expect_signable(root)
    expect_signable(session_with(grant=replace(grant, key_id="key")))
    error = Beyond("caps[0].lifetime", "it may move more").error()
    assert (error.code, error.facts) == (Code.NOT_WITHIN_PARENT, {"caveat": "caps[0].lifetime"})


@dataclass
class Node:
    """One session of a drawn tree, and all that was moved by it and below it."""

    permission: Permission
    parent: int | None
    usage: Usage
    moved: int = 0
    calls: int = 0


class TreeLife(RuleBasedStateMachine):
    """Runs anywhere in a tree that grows: each cap holds for all that is below it."""

    def __init__(self) -> None:
        """Begin with a root."""
        super().__init__()
        self.nodes: list[Node] = []
        self._grow(None, cap=100, calls=30)

    def _grow(self, parent: int | None, *, cap: int, calls: int) -> None:
        limits = permission_with(caps=(Cap(TOKEN, 0, lifetime=cap),), max_calls=calls)
        usage = replace(USAGE, id=f"ses_{len(self.nodes)}", spent=nothing_spent(limits))
        self.nodes.append(Node(limits, parent, usage))

    def _line(self, index: int) -> list[int]:
        line = [index]
        while (above := self.nodes[line[-1]].parent) is not None:
            line.append(above)
        return line

    @rule(data=st.data(), cap=st.integers(1, 200), calls=st.integers(1, 40))
    def grow(self, data: st.DataObject, cap: int, calls: int) -> None:
        """Open one more, which need not be within its parent: the line holds all the same."""
        if len(self.nodes) < 8:
            self._grow(data.draw(st.integers(0, len(self.nodes) - 1)), cap=cap, calls=calls)

    @rule(data=st.data(), amounts=st.lists(st.integers(0, 30), max_size=3))
    def run(self, data: st.DataObject, amounts: list[int]) -> None:
        """Book a run on the whole line, or on none of it."""
        indices = self._line(data.draw(st.integers(0, len(self.nodes) - 1)))
        line = [
            (
                session_with(
                    id=f"ses_{index}",
                    permission=self.nodes[index].permission,
                    parent_id=None
                    if self.nodes[index].parent is None
                    else f"ses_{self.nodes[index].parent}",
                ),
                self.nodes[index].usage,
            )
            for index in indices
        ]
        answer = decided(line, *amounts)
        each = [
            decide(
                [transfer(amount, ANN) for amount in amounts],
                self.nodes[index].permission,
                self.nodes[index].usage.spent,
                now=NOW,
                account=ACCOUNT,
            )
            for index in indices
        ]
        assert isinstance(answer, Deny) is any(isinstance(one, Deny) for one in each)
        if isinstance(answer, Deny):
            return
        for index, booked in zip(indices, answer, strict=True):
            node = self.nodes[index]
            node.usage = replace(node.usage, spent=booked.after)
            node.moved += sum(amounts)
            node.calls += max(len(amounts), 1)

    @invariant()
    def nobody_is_overspent(self) -> None:
        """What was moved by a session and all below it is within its cap and its calls."""
        for node in self.nodes:
            assert node.moved <= (node.permission.caps[0].lifetime or 0)
            assert node.calls <= (node.permission.max_calls or 0)


TestTreeLife = TreeLife.TestCase
TestTreeLife.settings = searched(60)
