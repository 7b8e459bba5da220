"""What is said about a permission: its worst case, and whether the chain can enforce it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.permission import compile as compiling
from valetkey.core.permission.canonical import permission_id
from valetkey.core.permission.explain import explain, headline, say_worst_case
from valetkey.core.permission.worst_case import worst_case
from valetkey.wire.base import Amount, Asked, Asset, Told, asset_name
from valetkey.wire.permission import PermissionDocument

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.core.permission.model import Permission
    from valetkey.core.permission.worst_case import WorstCase as CoreWorstCase

_SOME_KEY: Final = b"\x01" * 20  # whether a permission compiles depends neither on the key
_SOME_SALT: Final = 0  # nor on the salt


class Bound(Told, frozen=True, kw_only=True):
    """The worst case in one asset; without ``amount`` it is unbounded, for ``reason``."""

    asset: Asset
    amount: Amount | None
    decimals: int | None
    reason: str


class WorstCase(Told, frozen=True, kw_only=True):
    """The most that can be moved; ``others`` says why tokens not listed are unbounded."""

    bounds: list[Bound]
    others: list[str]
    text: str


class NotOnChain(Told, frozen=True, kw_only=True):
    """What the chain cannot enforce, and why."""

    caveat: str
    detail: str


class OnePermission(Asked, frozen=True, kw_only=True):
    """A permission to say something about."""

    permission: PermissionDocument


class Explained(Told, frozen=True, kw_only=True):
    """A permission in words; ``compiles`` is true, or says what the chain cannot enforce."""

    permission_id: str
    headline: str
    explanation: list[str]
    worst_case: WorstCase
    compiles: bool | NotOnChain


def write_explained(permission: Permission, *, names: Mapping[bytes, str]) -> Explained:
    """
    Return *permission*, which is well formed, in words and numbers.

    Args:
        names: What the operator calls addresses.
    """
    compiled = compiling.compile_grant(permission, key=_SOME_KEY, salt=_SOME_SALT)
    compiles: bool | NotOnChain = True
    if isinstance(compiled, compiling.NotOnChain):
        compiles = NotOnChain(caveat=compiled.caveat, detail=compiled.detail)
    return Explained(
        permission_id=permission_id(permission),
        headline=headline(permission, names=names),
        explanation=list(explain(permission, names=names)),
        worst_case=write_worst_case(worst_case(permission), names=names),
        compiles=compiles,
    )


def write_worst_case(worst: CoreWorstCase, *, names: Mapping[bytes, str]) -> WorstCase:
    """Return *worst* as numbers and as one sentence, tokens called by the operator's *names*."""
    return WorstCase(
        bounds=[
            Bound(
                asset=asset_name(bound.asset),
                amount=None if bound.amount is None else str(bound.amount),
                decimals=bound.decimals,
                reason=bound.reason,
            )
            for bound in worst.bounds
        ],
        others=list(worst.others),
        text=say_worst_case(worst, names=names),
    )
