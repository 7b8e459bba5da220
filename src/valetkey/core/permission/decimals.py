"""What whole units of a cap mean, held against what the token itself says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.finding import Finding, LintRule, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.core.permission.model import Permission


def capped_tokens(permission: Permission) -> tuple[bytes, ...]:
    """Return the tokens that *permission* has caps on, 20 bytes each."""
    return tuple(cap.asset for cap in permission.caps if cap.asset is not None)


def check_decimals(permission: Permission, told: Mapping[bytes, int | None]) -> tuple[Finding, ...]:
    """
    Return a finding for each cap whose token does not say what its whole unit is.

    A cap of "20.00" in the owner's eyes must not be 20 trillion: the amounts are in the smallest
    unit, and what people read is made from the decimals.

    Args:
        told: By token: what its ``decimals()`` says, or None if it says nothing.

    Raises:
        Malformed: A token says something else than its cap.
    """
    found = []
    for index, cap in enumerate(permission.caps):
        if cap.asset is None:
            continue
        place, says = f"caps[{index}].decimals", told[cap.asset]
        if says is None:
            detail = f"0x{cap.asset.hex()} does not say its decimals; {cap.decimals} is only a word"
            fix = "look whether the address is the token that is meant"
            found.append(Finding(LintRule.DECIMALS_UNKNOWN, Severity.WARNING, place, detail, fix))
        elif says != cap.decimals:
            detail = f"{place}: expected {says}, as 0x{cap.asset.hex()} says, got {cap.decimals}"
            raise Malformed(Code.MALFORMED_PERMISSION, detail, caveat=place)
    return tuple(found)
