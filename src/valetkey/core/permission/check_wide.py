"""What makes wide rules well formed beside everything else that the permission says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.permission.form import check_count, check_sorted, check_target, refuse
from valetkey.core.permission.model import Anything

if TYPE_CHECKING:
    from collections.abc import Collection

    from valetkey.core.permission.model import Permission

MAX_WIDE_RULES: Final = 16


def check_wide_rules(permission: Permission, never: Collection[bytes]) -> None:
    """
    Refuse wide rules that would get round a limit (`Malformed`).

    1. one rule for a target, ascending, then any call; 2. nobody receives through them whom
    a list would have to name; 3. no token with a cap is within their reach, for a cap on a token
    admits only functions whose amount is known.
    """
    wide = permission.wide_rules
    check_count("wide_rules", wide, MAX_WIDE_RULES)
    targets = [rule.target for rule in wide if not isinstance(rule.target, Anything)]
    for index, rule in enumerate(wide):  # 1
        if not isinstance(rule.target, Anything):
            check_target(f"wide_rules[{index}].target", rule.target, never)
    check_sorted("wide_rules", [rule.key for rule in wide])
    if wide and not isinstance(permission.recipients, Anything):  # 2
        expected = "no wide rules, for recipients are listed and whom they pay is unknown"
        raise refuse("wide_rules", expected, len(wide))
    named = {rule.target for rule in permission.rules}  # 3
    for index, cap in enumerate(permission.caps):
        if cap.asset is None:
            continue
        if cap.asset in targets:
            expected = f"no token with a cap (caps[{index}])"
            place = f"wide_rules[{targets.index(cap.asset)}].target"
            raise refuse(place, expected, f"0x{cap.asset.hex()}")
        if len(targets) < len(wide) and cap.asset not in named:
            expected = "a rule that names this token, for any call could reach it otherwise"
            raise refuse(f"caps[{index}].asset", expected, "none")
