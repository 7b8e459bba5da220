"""The permission that a list of contracts and a number of calls mean, where one says no more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.permission.checks import MAX_RULES
from valetkey.core.permission.effects import selector_of
from valetkey.core.permission.model import ANYTHING, Permission, Rule, WideRule

if TYPE_CHECKING:
    from collections.abc import Iterable

# What `Whitelist.moves_value` allows on each address, the most usual first: as many as fit.
_MOVING: Final = (
    "transfer(address,uint256)",
    "approve(address,uint256)",
    "transferFrom(address,address,uint256)",
    "mint(address,uint256)",
    "safeTransferFrom(address,address,uint256)",
    "setApprovalForAll(address,bool)",
    "burn(uint256)",
    "safeTransferFrom(address,address,uint256,uint256,bytes)",
    "safeTransferFrom(address,address,uint256,bytes)",
    "burn(address,uint256)",
    "burnFrom(address,uint256)",
    "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)",
    "increaseAllowance(address,uint256)",
    "decreaseAllowance(address,uint256)",
)


@dataclass(frozen=True, slots=True)
class Whitelist:
    """
    Contracts that may be called.

    Args:
        chain: CAIP-2.
        targets: 20 bytes each, in any order; none at all is any contract.
        max_calls: None is any number.
        starts_at: First valid second.
        expires_at: First invalid second.
        moves_value: Whether functions that move value are allowed too, with no amount.
    """

    chain: str
    targets: tuple[bytes, ...]
    max_calls: int | None
    starts_at: int
    expires_at: int
    moves_value: bool = False


def whitelist_permission(whitelist: Whitelist, *, relayer: bytes) -> Permission:
    """
    Return the permission that *whitelist* means.

    Any function of its targets, or of any contract where there is none: but no native value, and
    nothing that moves value unless a rule names it.

    Args:
        relayer: 20 bytes: who alone may submit its runs.
    """
    targets = tuple(sorted(set(whitelist.targets)))
    return Permission(
        chain=whitelist.chain,
        rules=tuple(_moving(targets)) if whitelist.moves_value else (),
        caps=(),
        starts_at=whitelist.starts_at,
        expires_at=whitelist.expires_at,
        recipients=ANYTHING,
        max_calls=whitelist.max_calls,
        relayer=relayer,
        wide_rules=tuple(WideRule(one) for one in targets) or (WideRule(ANYTHING),),
    )


def whitelist_of(permission: Permission) -> tuple[bytes, ...]:
    """Return the addresses that *permission* is about: nothing, where it is about any contract."""
    wide = {rule.target for rule in permission.wide_rules if isinstance(rule.target, bytes)}
    named = {rule.target for rule in permission.rules}
    return () if len(wide) < len(permission.wide_rules) else tuple(sorted(wide | named))


def _moving(targets: tuple[bytes, ...]) -> Iterable[Rule]:
    count = min(len(_MOVING), MAX_RULES // max(len(targets), 1))
    for target in targets:
        for function in _MOVING[:count]:
            yield Rule(target, selector_of(function), function)
