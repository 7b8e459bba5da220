"""Numbers with a meaning: bounds of the counters, and amounts as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

UINT32_MAX = 2**32 - 1
UINT40_MAX = 2**40 - 1
UINT128_MAX = 2**128 - 1
UINT256_MAX = 2**256 - 1

MINUTE_S = 60
HOUR_S = 3600
DAY_S = 86_400
_LAST_S = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())


def format_amount(amount: int, *, decimals: int) -> str:
    """
    Write *amount* of the smallest unit as a plain decimal, without trailing zeros.

    Args:
        amount: In the smallest unit, not negative.
        decimals: Digits behind the point of the whole unit, 0 to 77.
    """
    whole, rest = divmod(amount, 10**decimals)
    fraction = f"{rest:0{decimals}}".rstrip("0") if rest else ""
    return f"{whole}.{fraction}" if fraction else str(whole)


def format_moment(at: int) -> str:
    """Write the Unix second *at* as ``2026-11-21 09:30:00 UTC``; ``second N`` from year 10000."""
    if at > _LAST_S:
        return f"second {at}"
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def format_duration(seconds: int) -> str:
    """Write *seconds* as a person says it, such as ``1 d 2 h``, ``3 min 20 s`` or ``0 s``."""
    left = max(seconds, 0)
    parts = []
    for name, length_s in (("d", DAY_S), ("h", HOUR_S), ("min", MINUTE_S), ("s", 1)):
        count, left = divmod(left, length_s)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts) or "0 s"
