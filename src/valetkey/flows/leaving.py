"""Accounts that are about to run other code, or none: no session may begin there meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.activity import SETTLED, Activity
from valetkey.core.errors import Code, Conflict
from valetkey.flows.settle import DELEGATE, UNDELEGATE

if TYPE_CHECKING:
    from valetkey.ports import View

_MOVES: Final = frozenset({DELEGATE, UNDELEGATE})


def leavings_of(view: View, account_id: str) -> list[Activity]:
    """Return the undelegations of an account that have not ended."""
    return [one for one in moves_of(view, account_id) if one.kind == UNDELEGATE]


def moves_of(view: View, account_id: str) -> list[Activity]:
    """Return what is to change the code of an account, and has not ended."""
    found = view.find(Activity, governs=account_id, newest_first=True)
    return [one for one in found if one.kind in _MOVES and one.state not in SETTLED]


def expect_staying(view: View, account_id: str | None) -> None:
    """
    Let pass if the account, should there be one, goes on to run our code.

    Raises:
        Conflict: It is being undelegated: what would begin now, nobody would have revoked.
    """
    for one in leavings_of(view, account_id) if account_id else ():
        detail = f"expected an account that keeps our code, got one that {one.id} takes it from"
        raise Conflict(Code.CONFLICT, detail, activity_id=one.id)
