"""
Shamir's secret sharing over the order of a group, two shares enough: a straight line through them.

The secret is where the line is at 0. With a slope drawn uniformly, one point off 0 says nothing
about it: for each secret there is exactly one line through that point.

Python's integers do not take constant time. What is computed here takes the same steps for shares
that belong together and for those that do not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ORDERS", "SHARE_BYTES", "Point", "ShareError", "join", "on_line", "slope_through"]

WORD_BYTES: Final = 32
SHARE_BYTES: Final = 2 * WORD_BYTES
ORDERS: Final[Mapping[str, int]] = {
    "secp256k1": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
    "ed25519": 2**252 + 27742317777372353535851937790883648493,
}


class ShareError(ValueError):
    """Points that no line of ours goes through."""


@dataclass(frozen=True, slots=True)
class Point:
    """
    One share.

    Args:
        x: Where, 1 to the order less 1: at 0 is the secret.
        y: How high the line is there, 0 to the order less 1.
    """

    x: int
    y: int = field(repr=False)

    def to_bytes(self) -> bytes:
        """Return x and y, 32 bytes each, big-endian."""
        return self.x.to_bytes(WORD_BYTES) + self.y.to_bytes(WORD_BYTES)

    @classmethod
    def from_bytes(cls, data: bytes, *, order: int) -> Point:
        """
        Return the share that `to_bytes` wrote.

        Raises:
            ShareError: It has another length, or x or y is none of the field.
        """
        if len(data) != SHARE_BYTES:
            raise ShareError(f"expected a share of {SHARE_BYTES} bytes, got {len(data)}")
        point = cls(int.from_bytes(data[:WORD_BYTES]), int.from_bytes(data[WORD_BYTES:]))
        if not (0 < point.x < order and point.y < order):
            raise ShareError("expected a share below the order of the group, got one beyond")
        return point


def on_line(secret: int, slope: int, x: int, *, order: int) -> Point:
    """
    Return the share at *x* of the line that is at *secret* where x is 0.

    Raises:
        ShareError: *x* is no place for a share.
    """
    if not 0 < x < order:
        raise ShareError("expected a place between 0 and the order of the group, got another")
    return Point(x, (secret + slope * x) % order)


def slope_through(first: Point, second: Point, *, order: int) -> int:
    """
    Return the slope of the line through two shares.

    Raises:
        ShareError: They are at the same place.
    """
    if first.x == second.x:
        raise ShareError("expected shares at two places, got two at one")
    return (second.y - first.y) * pow(second.x - first.x, -1, order) % order


def join(first: Point, second: Point, *, order: int) -> int:
    """
    Return the secret of the line through two shares; of shares of two lines, some other number.

    Raises:
        ShareError: They are at the same place.
    """
    return (first.y - slope_through(first, second, order=order) * first.x) % order
