"""The nonces that a proof of a key (DPoP) must have: no proof is made ahead of its time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.dpop import nonce_message, nonce_of, nonce_slot

if TYPE_CHECKING:
    from valetkey.core.wallet import SealedKey
    from valetkey.ports import Vault


class Nonces:
    """
    The nonces of this minute and of the last.

    They come of the audit key's signature (Ed25519: the same each time), so that all processes of
    a server know them, and nobody else does before they are given out.
    """

    def __init__(self) -> None:
        self._known: dict[int, str] = {}  # by slot

    async def good(self, vault: Vault, key: SealedKey, *, now: int) -> tuple[str, str]:
        """Return those that a proof may have at *now*, the newest first."""
        slot = nonce_slot(now=now)
        slots = (slot, slot - 1)
        known = {one: self._known.get(one) for one in slots}
        found = {
            one: text or nonce_of(await vault.sign(key, nonce_message(one)))
            for one, text in known.items()
        }
        self._known = found
        return found[slot], found[slot - 1]
