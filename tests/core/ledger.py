"""Tokens that keep ERC-20, and a world that takes whatever a call lets it take, at once."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from valetkey.core.permission.effects import EFFECTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.core.strategies import Cast
    from valetkey.core.permission.model import Call


class Ledger:
    """
    What an account has lost, by asset; None is the native coin.

    Spenders draw an approval in the moment they have it, so that the next one is on top of it. A
    call whose effect nobody knows draws what its target was approved for long ago: everything.
    """

    def __init__(self, cast: Cast) -> None:
        """Start with an account that is rich without end."""
        self._cast = cast
        self.lost: defaultdict[bytes | None, int] = defaultdict(int)
        self.drawn_through: set[bytes] = set()

    def make(self, calls: Sequence[Call]) -> None:
        """Make *calls* as the chain would."""
        for call in calls:
            self.lost[None] += call.value_wei
            if call.selector is None:
                continue
            if call.selector in EFFECTS and call.to in self._cast.tokens:
                self.lost[call.to] += self._amount(call)
            elif call.to in (*self._cast.tokens, *self._cast.contracts):
                self.drawn_through.add(call.to)

    def _amount(self, call: Call) -> int:
        """Return what a token moves or approves: it reads its last argument, zeros past the end."""
        name = EFFECTS[call.selector or b""].function
        at = 32 * name.count(",")
        return int.from_bytes(call.arguments[at : at + 32].ljust(32, b"\0"))
