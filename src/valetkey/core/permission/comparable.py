"""What keeps permissions comparable: `is_subset` answers for all that this lets through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.effects import EFFECTS
from valetkey.core.permission.model import Operator
from valetkey.core.permission.signing import MAX_MESSAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from valetkey.core.permission.model import Permission

_CHARACTER_BYTES: Final = 4  # the most in UTF-8
MAX_NESTED: Final = 50_000  # a minute fits into a month so often


def check_comparable(permission: Permission) -> None:
    """
    Refuse what could be compared with other permissions only by trying.

    1. Which sums listed amounts come to, below a cap, is the subset-sum problem. An amount that is
    counted is therefore bounded from above only; to list amounts protects nobody better. 2. How
    many calls fit where calls and amounts are counted in windows that lie across each other can be
    said only window by window. The windows of a rate and of a cap therefore lie in each other; all
    begin with the session. 3. Each hole of a text has room for any one character.

    Raises:
        Malformed: Naming the place, what was expected and what came.
    """
    counted = {
        cap.asset for cap in permission.caps if cap.lifetime is not None or cap.window is not None
    }
    for index, rule in enumerate(permission.rules):  # 1
        effect = EFFECTS.get(rule.selector) if rule.selector else None
        if effect is None or rule.target not in counted:
            continue
        for position, constraint in enumerate(rule.where):
            if constraint.argument == effect.amount and constraint.operator != Operator.AT_MOST:
                place = f"rules[{index}].where[{position}]"
                detail = f"{place}: expected at most, for a cap counts this amount"
                got = f"{detail}, got {constraint.operator.value}"
                raise Malformed(Code.MALFORMED_PERMISSION, got)
    for place, window_s in _windows(permission):  # 2
        short, long = sorted((window_s, permission.rate.window_s if permission.rate else window_s))
        if long % short or long > MAX_NESTED * short:
            detail = (
                f"{place}: expected a window that is a multiple of the rate's or the other way"
                f" round, at most {MAX_NESTED} times as long, got {window_s} s and {long} s"
            )
            raise Malformed(Code.MALFORMED_PERMISSION, detail)
    for index, message in enumerate(permission.messages):  # 3
        size = len("".join(message.text).encode()) + _CHARACTER_BYTES * (len(message.text) - 1)
        if size > MAX_MESSAGE_BYTES:
            expected = f"at most {MAX_MESSAGE_BYTES} bytes with each hole filled"
            detail = f"messages[{index}].text: expected {expected}, got {size}"
            raise Malformed(Code.MALFORMED_PERMISSION, detail)


def _windows(permission: Permission) -> Iterator[tuple[str, int]]:
    for index, cap in enumerate(permission.caps):
        if cap.window is not None:
            yield f"caps[{index}].window", cap.window.window_s
