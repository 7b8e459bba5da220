"""What a flow needs from the keeper of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from valetkey.core.secret_bytes import SecretBytes
    from valetkey.core.wallet import Curve, SealedKey


class Vault(Protocol):
    """Private keys and small secrets, sealed. Bytes in, bytes out; may be another process."""

    async def create(
        self, curve: Curve, *, key_id: str, organization_id: str, wallet_id: str
    ) -> SealedKey:
        """Return a new key, sealed for exactly that organization, wallet and curve."""

    async def sign(self, key: SealedKey, message: bytes) -> bytes:
        """
        Return a signature over *message*.

        For secp256k1 the message is a 32-byte digest and the signature 65 bytes: r, s, recovery
        id (0 or 1). For P-256 it is 64 bytes, r and s over SHA-256 of the message; for Ed25519
        64 bytes over the message itself; for RSA 256 bytes, PKCS #1 v1.5 with SHA-256.

        Raises:
            Unavailable: ``vault_refused``: another key-encryption key, or a changed record.
        """

    async def seal(self, secret: SecretBytes, *, context: str) -> bytes:
        """
        Return *secret* so that only `open` with the same *context* gives it back.

        Args:
            secret: At most 65,536 bytes.
            context: What it is and whose, such as ``org_…/kill-note/ses_…``.

        Raises:
            ValueError: *secret* is longer.
        """

    async def open(self, blob: bytes, *, context: str) -> SecretBytes:
        """
        Return what `seal` was given.

        Raises:
            Unavailable: ``vault_refused``: another key-encryption key, another *context*, or a
                changed blob.
        """

    async def rewrap_key(self, key: SealedKey) -> SealedKey:
        """
        Return *key* under the key-encryption key that seals now, seen to open; equal if it is.

        Raises:
            Unavailable: ``vault_refused``: another key-encryption key, or a changed record.
        """

    async def rewrap_secret(self, blob: bytes, *, context: str) -> bytes:
        """
        Return a sealed secret under the key-encryption key that seals now, seen to open.

        Raises:
            Unavailable: ``vault_refused``: another key-encryption key, another *context*, or a
                changed blob.
        """
