# Written by tools/unasync.py from ../_async/pin.py: change that one.
"""PINs: small secrets of a wallet that its user opens, and a thief cannot guess at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.client.asks import path_of, write
from valetkey.client.pin import lock, unlock
from valetkey.wire import pin as wire
from valetkey.wire.base import Nothing

if TYPE_CHECKING:
    from valetkey.client._sync.line import Line
    from valetkey.spec.password_seal import Cost


class Pins:
    """
    Blobs that the server only stores, under a PIN and a factor that it gives out a few times.

    >>> vk.pins.lock(wallet_id, "482913", share.encode())
    >>> share = (vk.pins.unlock(wallet_id, "482913")).decode()
    """

    def __init__(self, line: Line) -> None:
        self._line = line

    def lock(
        self,
        wallet_id: str,
        pin: str,
        secret: bytes,
        *,
        tries: int = 5,
        cost: Cost | None = None,
    ) -> wire.Pin:
        """
        Store *secret* under *pin*, in the place of what was there; the server never sees either.

        Args:
            secret: At most 1,024 bytes, such as a share.
            tries: So many wrong PINs in a row, and nobody can try any more.
        """
        path = path_of("/v1/wallets/{key}/pin/begin", key=wallet_id)
        begun = self._line.send(write(wire.PinFactor, path, Nothing()))
        body = lock(wallet_id, pin, secret, factor=begun.factor, tries=tries, cost=cost)
        path = path_of("/v1/wallets/{key}/pin", key=wallet_id)
        return self._line.send(write(wire.Pin, path, body))

    def unlock(self, wallet_id: str, pin: str) -> bytes:
        """
        Return what is stored under *pin*. Uses a try, and has all of them again if it is right.

        Raises:
            Forbidden: ``pin_refused``: the PIN is another one.
            Limited: ``pin_locked``: all tries are used.
            NotFound: There is none.
        """
        path = path_of("/v1/wallets/{key}/pin/try", key=wallet_id)
        tried = self._line.send(write(wire.TriedPin, path, Nothing()))
        secret, proof = unlock(wallet_id, pin, tried)
        path = path_of("/v1/wallets/{key}/pin/opened", key=wallet_id)
        self._line.send(write(wire.Pin, path, wire.OpenedPin(proof=proof)))
        return secret
