"""One ordinary permission, and ways to ask it: 100 units of a token to Ann or Bob in an hour."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tests.core.strategies import CHAIN, START, SWAP, calldata
from valetkey.core.permission.decide import Allow, Deny, decide, nothing_spent
from valetkey.core.permission.effects import selector_of
from valetkey.core.permission.model import Call, Cap, Permission, Rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.permission.decide import Spent

ACCOUNT: Final = b"\xac" * 20
TOKEN: Final = b"\x11" * 20
OTHER_TOKEN: Final = b"\x12" * 20
ROUTER: Final = b"\x21" * 20
ANN: Final = b"\x31" * 20
BOB: Final = b"\x32" * 20
EVE: Final = b"\x3e" * 20

TRANSFER: Final = selector_of("transfer(address,uint256)")
TRANSFER_FROM: Final = selector_of("transferFrom(address,address,uint256)")
APPROVE: Final = selector_of("approve(address,uint256)")
INCREASE: Final = selector_of("increaseAllowance(address,uint256)")
SWAP_SELECTOR: Final = selector_of(SWAP)

PERMISSION: Final = Permission(
    chain=CHAIN,
    rules=(Rule(TOKEN, TRANSFER, "transfer(address,uint256)"),),
    caps=(Cap(TOKEN, decimals=0, lifetime=100),),
    starts_at=START,
    expires_at=START + 3600,
    recipients=(ANN, BOB),
)


def permission_with(**changes: object) -> Permission:
    """Return the ordinary permission with *changes*."""
    return replace(PERMISSION, **changes)  # type: ignore[arg-type]  # names are the test's business


def cap_with(**changes: object) -> Cap:
    """Return the ordinary cap with *changes*."""
    return replace(PERMISSION.caps[0], **changes)  # type: ignore[arg-type]  # as above


def transfer(amount: int, to: bytes = ANN, *, token: bytes = TOKEN, value_wei: int = 0) -> Call:
    """Return a transfer of *amount* units."""
    return Call(token, value_wei, calldata(TRANSFER, to, amount))


def pay(value_wei: int, to: bytes = ANN) -> Call:
    """Return a payment of native value."""
    return Call(to, value_wei, b"")


def ask(
    permission: Permission,
    *calls: Call,
    spent: Spent | None = None,
    now: int = START,
) -> Allow | Deny:
    """Ask *permission* for one run of *calls*."""
    booked = nothing_spent(permission) if spent is None else spent
    return decide(calls, permission, booked, now=now, account=ACCOUNT)


def allowed(answer: Allow | Deny) -> Allow:
    """Return *answer*, which must be a yes."""
    assert isinstance(answer, Allow), answer
    return answer


def spend(permission: Permission, runs: Sequence[tuple[int, Sequence[Call]]]) -> Spent:
    """Return what is booked after *runs*, each with its time; all of them must be allowed."""
    spent = nothing_spent(permission)
    for now, calls in runs:
        spent = allowed(ask(permission, *calls, spent=spent, now=now)).after
    return spent
