"""Subset: the answer is what trying everything says, and a no comes with a proof."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, event, given
from hypothesis import strategies as st

from tests.core.narrowing_whole import narrower_whole
from tests.core.proof import is_within, proven
from tests.core.small import accepts_more, like, small_permissions
from tests.core.strategies import permissions
from tests.core.whole import whole_permissions
from tests.searched import searched
from valetkey.core.permission.lint import lint
from valetkey.core.permission.model import ANYTHING, Permission
from valetkey.core.permission.subset import NotSubset

SMALL = 250  # a hundred times as many in `make fuzz`


@searched(SMALL)
@given(st.data())
def test_it_says_what_trying_everything_says(data: st.DataObject) -> None:
    """Every trace of a small permission, second by second, against another one."""
    child = data.draw(small_permissions())
    parent = data.draw(like(child))
    answer = proven(child, parent)
    event(answer.caveat if isinstance(answer, NotSubset) else "subset")
    assert accepts_more(child, parent) is isinstance(answer, NotSubset)


@searched(50)
@given(whole_permissions())
def test_every_permission_is_within_itself(permission: Permission) -> None:
    """Reflexive."""
    assert is_within(permission, permission)


@searched(60)
@given(st.data())
def test_within_what_is_within_is_within(data: st.DataObject) -> None:
    """Transitive."""
    child = data.draw(small_permissions())
    middle = data.draw(like(child))
    parent = data.draw(like(middle))
    assume(is_within(child, middle))
    assume(is_within(middle, parent))
    assert is_within(child, parent)


@given(st.data())
def test_a_further_caveat_makes_a_subset(data: st.DataObject) -> None:
    """Whatever `narrower_whole` adds or tightens."""
    wide = data.draw(whole_permissions())
    assert is_within(data.draw(narrower_whole(wide)), wide)


@searched(60)
@given(st.data())
def test_any_two_permissions_can_be_compared(data: st.DataObject) -> None:
    """Large numbers, long windows, dirty words: an answer, and a proof if it is no."""
    child, parent = data.draw(whole_permissions()), data.draw(whole_permissions())
    is_within(child, parent)
    child, parent = data.draw(permissions()), data.draw(permissions())
    is_within(child, parent)
    is_within(replace(child, rules=parent.rules, recipients=ANYTHING), parent)
    is_within(replace(child, rules=parent.rules, recipients=parent.recipients), parent)
    assert is_within(replace(parent, rules=()), parent)


@given(whole_permissions())
def test_a_limit_that_never_binds_says_nothing(permission: Permission) -> None:
    """What the linter calls above another cap, or above the count, can be left out."""
    for found in lint(permission):
        if not found.rule.startswith("cap-above"):
            continue
        index, _, name = found.place.removeprefix("caps[").partition("].")
        cap = replace(permission.caps[int(index)], **{name: None})  # type: ignore[arg-type]  # a limit
        caps = (*permission.caps[: int(index)], cap, *permission.caps[int(index) + 1 :])
        assert is_within(replace(permission, caps=caps), permission)
