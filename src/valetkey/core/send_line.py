"""Nonces of accounts whose transactions this server writes and their split keys sign."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from valetkey.core.errors import Code, Limited

HOLD_S: Final = 120  # longer than a signature takes, and than a node needs to tell of a transaction
MAX_HELD: Final = 64


@dataclass(frozen=True, slots=True)
class HeldNonce:
    """
    A nonce that nobody else is given until it is mined or *until* (Unix seconds) has come.

    Args:
        by: Of the one attempt to send that has it.
    """

    nonce: int
    until: int
    by: str


@dataclass(frozen=True, slots=True)
class SendLine:
    """The nonces of one account on one chain that are under way. ``id`` is `nonce_line_id`."""

    id: str
    held: tuple[HeldNonce, ...] = ()

    def free(self, *, seen: int, now: int) -> int:
        """
        Return the lowest nonce that may be used.

        Args:
            seen: The next one that the chain's node knows of, what waits there included.
            now: Unix seconds.
        """
        taken = {one.nonce for one in self._alive(seen, now)}
        return next(nonce for nonce in range(seen, seen + len(taken) + 1) if nonce not in taken)

    def hold(self, nonce: int, *, seen: int, now: int, by: str) -> SendLine:
        """
        Return the line with *nonce* held, and without what is over.

        Raises:
            Limited: Too many are.
        """
        alive = self._alive(seen, now)
        if len(alive) >= MAX_HELD:
            detail = f"expected at most {MAX_HELD} transactions of an account under way, got more"
            raise Limited(Code.RATE_LIMITED, detail)
        return replace(self, held=(*alive, HeldNonce(nonce, now + HOLD_S, by)))

    def give_back(self, by: str) -> SendLine:
        """Return the line without what *by* held: it was never handed to a node."""
        return replace(self, held=tuple(one for one in self.held if one.by != by))

    def _alive(self, seen: int, now: int) -> tuple[HeldNonce, ...]:
        return tuple(one for one in self.held if one.nonce >= seen and now < one.until)
