"""What is said about a permission: its worst case, and whether the chain can enforce it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.permission.explain import say_worst_case
from valetkey.wire.base import Amount, Asked, Asset, Told, asset_name
from valetkey.wire.permission import PermissionDocument

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.core.permission.worst_case import WorstCase as CoreWorstCase


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


class Explain(Asked, frozen=True, kw_only=True):
    """A permission to explain."""

    permission: PermissionDocument


class Explained(Told, frozen=True, kw_only=True):
    """A permission in words; ``compiles`` is true, or says what the chain cannot enforce."""

    permission_id: str
    headline: str
    explanation: list[str]
    worst_case: WorstCase
    compiles: bool | NotOnChain


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
