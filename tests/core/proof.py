"""Asking whether one permission is within another, and checking the proof of a no."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.core.examples import ACCOUNT, cap_with
from valetkey.core.permission.model import Constraint, Operator, Window
from valetkey.core.permission.subset import NotSubset, Subset, is_subset
from valetkey.core.permission.trace import replay

if TYPE_CHECKING:
    from valetkey.core.permission.model import Cap, Permission


def proven(child: Permission, parent: Permission) -> Subset | NotSubset:
    """Return the answer; if it is no, its trace was replayed on both."""
    answer = is_subset(child, parent)
    if isinstance(answer, NotSubset):
        accepted = replay(child, answer.trace, account=ACCOUNT)
        assert accepted is None, (accepted, answer)
        assert replay(parent, answer.trace, account=ACCOUNT) is not None, answer
        assert answer.detail
    return answer


def is_within(child: Permission, parent: Permission) -> bool:
    """Say whether *child* is a subset, proven if not."""
    return isinstance(proven(child, parent), Subset)


def only(argument: int, *values: int) -> Constraint:
    """Return the constraint that an argument is one of *values*."""
    return Constraint(argument, Operator.ONE_OF, values)


def at_most(argument: int, value: int) -> Constraint:
    """Return the constraint that an argument is at most *value*."""
    return Constraint(argument, Operator.AT_MOST, (value,))


def windowed(limit: int, window_s: int, **more: int) -> Cap:
    """Return a cap by the window."""
    return cap_with(**{"lifetime": None, "window": Window(limit, window_s), **more})
