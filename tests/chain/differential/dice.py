"""Chance, always the same for the same seed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, TypeVar

from valetkey.core.units import UINT128_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")


class Dice:
    """
    Draws of one case.

    Args:
        seed: Of the whole run; printed by it.
        index: Of the case in it.
    """

    def __init__(self, seed: int, index: int) -> None:
        self._random = random.Random(f"{seed}/{index}")  # noqa: S311 - variety, not secrecy
        self.between = self._random.randint

    def chance(self, of: float) -> bool:
        """Say yes with probability *of*."""
        return self._random.random() < of

    def one(self, among: Sequence[T]) -> T:
        """Return one of them."""
        return among[int(self._random.random() * len(among))]

    def some(self, among: Sequence[T], least: int, most: int) -> list[T]:
        """Return *least* to *most* of them, none twice, in any order."""
        most = min(most, len(among))
        return self._random.sample(among, self.between(min(least, most), most))

    def bits(self, count: int) -> int:
        """Return a number of at most *count* bits, each as likely as the other."""
        return self._random.getrandbits(count)

    def amount(self, most: int = UINT128_MAX) -> int:
        """Return 0 to *most*: the ends, something small, or any number between."""
        kind = self._random.random()
        if kind < 0.25:
            return most
        if kind < 0.35:
            return 0
        if kind < 0.7:
            return self.between(0, min(most, 120))
        return self.between(0, most)

    def limit(self) -> int:
        """Return the ceiling of a cap, mostly one that few calls reach."""
        return self.one((0, 1, UINT128_MAX, self.bits(128), *(self.between(50, 500),) * 8))
