"""What "these contracts", a limit and two times mean: a permission like any other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.check_wide import MAX_WIDE_RULES
from valetkey.core.permission.targets import NEVER_TARGETS
from valetkey.core.permission.whitelist import Whitelist, whitelist_permission
from valetkey.core.units import DAY_S, UINT32_MAX

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from valetkey.core.permission.model import Permission

INT32_MAX: Final = 2**31 - 1
UNLIMITED: Final = 2**48 - 1  # the vendor's word for no limit
LAG_S: Final = 60  # so far behind ours the clock of a chain may be
_YEAR_S: Final = 365 * DAY_S


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    What a session is asked to be.

    Args:
        chain: CAIP-2.
        whitelist: 20 bytes each; none at all is any contract.
        limit: How many calls; None is any number.
        valid_after: First valid second; one that is over is now.
        valid_until: Last valid second.
    """

    chain: str
    whitelist: tuple[bytes, ...]
    limit: int | None
    valid_after: int
    valid_until: int


@dataclass(frozen=True, slots=True)
class Frame:
    """
    What it is asked in.

    Args:
        now: Unix seconds; *chain_now* those of the newest block.
        max_session_s: Longest life of a session here.
        relayer: 20 bytes; such sessions are always bound to it.
        never: Addresses that are no target here, beside those that never are one: the account's.
        as_vendor: Whether functions that move value are allowed, with no amount, as at the vendor.
    """

    now: int
    chain_now: int
    max_session_s: int
    relayer: bytes
    never: frozenset[bytes] = frozenset()
    as_vendor: bool = False


def permission_of(wanted: Wanted, frame: Frame) -> Permission:
    """
    Return the permission that *wanted* means.

    Raises:
        Malformed: A field has a value that no session can have; the detail begins with its name.
    """
    starts_at, expires_at = _times(wanted, frame)
    whitelist = Whitelist(
        chain=wanted.chain,
        targets=_targets(wanted.whitelist, NEVER_TARGETS | frame.never),
        max_calls=_max_calls(wanted.limit),
        starts_at=starts_at,
        expires_at=expires_at,
        moves_value=frame.as_vendor,
    )
    return whitelist_permission(whitelist, relayer=frame.relayer)


def limit_of(permission: Permission) -> int:
    """Return how many calls *permission* allows, as 32 bits with a sign can say it."""
    return INT32_MAX if permission.max_calls is None else min(permission.max_calls, INT32_MAX)


def refused(field: str, expected: str, got: object) -> Malformed:
    """Return the error that names *field*, what was expected there and what came."""
    detail = f"{field}: expected {expected}, got {got}"
    return Malformed(Code.MALFORMED_BODY, detail, field=field)


def _times(wanted: Wanted, frame: Frame) -> tuple[int, int]:
    now, until = frame.now, wanted.valid_until
    if wanted.valid_after < 0:
        raise refused("validAfter", "Unix seconds, or 0 for now", wanted.valid_after)
    if until <= now:
        detail = f"Unix seconds later than now, which is {now}"
        raise refused("validUntil", detail, f"{until}, which is over")
    if until <= wanted.valid_after:
        expected = f"Unix seconds later than validAfter, which is {wanted.valid_after}"
        raise refused("validUntil", expected, until)
    starts_at = wanted.valid_after
    if starts_at <= now:
        starts_at = min(now, max(frame.chain_now, now - LAG_S))
    if until + 1 - min(starts_at, now) > frame.max_session_s:
        expected = f"at most {frame.max_session_s} s from now, which is {now}"
        raise refused("validUntil", expected, f"{until}{_mistake(until, now)}")
    return starts_at, until + 1


def _mistake(until: int, now: int) -> str:
    """Say what has probably happened where *until* is too far away."""
    if abs(until - 2 * now) < 2 * _YEAR_S:
        return (
            ", as if an absolute expiry were added to now: give the client the seconds from now"
            f" ({until - 2 * now}, it seems)"
        )
    if until > 1000 * now // 2:
        return ", as if in milliseconds: give seconds"
    return ""


def _max_calls(limit: int | None) -> int | None:
    if limit is None or limit == UNLIMITED:
        return None
    if not 1 <= limit < UINT32_MAX:
        raise refused("limit", f"1 to {UINT32_MAX - 1} calls, or none for any number", limit)
    return limit


def _targets(whitelist: Iterable[bytes], never: Collection[bytes]) -> tuple[bytes, ...]:
    for index, target in enumerate(whitelist):
        if target in never:
            expected = "no account, no entry point, not zero: a session never calls those"
            raise refused(f"whitelist[{index}]", expected, f"0x{target.hex()}")
    targets = tuple(sorted(set(whitelist)))
    if len(targets) > MAX_WIDE_RULES:
        raise refused("whitelist", f"at most {MAX_WIDE_RULES} addresses", len(targets))
    return targets
