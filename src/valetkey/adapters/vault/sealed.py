"""The vault whose keys are sealed under a key-encryption key."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from valetkey.adapters.vault.curves import (
    check_message,
    is_private_key,
    new_private_key,
    public_key_of,
    sign_with,
)
from valetkey.adapters.vault.envelope import KEY_BYTES, NONCE_BYTES, bind, decrypt, encrypt
from valetkey.core.errors import Code, Unavailable
from valetkey.core.secret_bytes import SecretBytes
from valetkey.core.wallet import SealedKey

if TYPE_CHECKING:
    from valetkey.adapters.vault.key_encryption_key import KeyWrapper
    from valetkey.core.wallet import Curve, PublicKey
    from valetkey.ports import Entropy

__all__ = ["SealedVault"]

SEALING_VERSION: Final = 1
MAX_SECRET_BYTES: Final = 65536
_LENGTH_BYTES: Final = 2


class SealedVault:
    """
    The `Vault` port, by envelope encryption.

    Each key is sealed under a data key of its own (AES-256-GCM), and that one is wrapped by the
    key-encryption key. Both are bound to the organization, wallet, curve, key id, public key and
    version, so a record that was changed, or moved to another owner, does not open. A private
    key is in memory for the one signature and is not kept.

    Args:
        wrapper: The key-encryption key, in this process or elsewhere.
        entropy: For private keys, data keys and nonces.
    """

    def __init__(self, wrapper: KeyWrapper, entropy: Entropy) -> None:
        self._wrapper = wrapper
        self._entropy = entropy

    def __repr__(self) -> str:
        return f"{type(self).__name__}(key_encryption_key={self._wrapper.id!r})"

    async def create(
        self, curve: Curve, *, key_id: str, organization_id: str, wallet_id: str
    ) -> SealedKey:
        """Return a new key, sealed for exactly that organization, wallet and curve."""
        secret = new_private_key(curve, self._entropy)
        return await self._seal_key(
            curve, secret, key_id=key_id, organization_id=organization_id, wallet_id=wallet_id
        )

    async def import_key(
        self,
        curve: Curve,
        private_key: SecretBytes,
        *,
        key_id: str,
        organization_id: str,
        wallet_id: str,
    ) -> SealedKey:
        """
        Return a key that was made elsewhere, sealed as one of `create`.

        Args:
            private_key: 32 bytes: a big-endian scalar, or an Ed25519 seed.

        Raises:
            ValueError: It is no private key on *curve*.
        """
        if not is_private_key(curve, private_key):
            raise ValueError(f"expected a private key of 32 bytes on {curve}, got another")
        return await self._seal_key(
            curve, private_key, key_id=key_id, organization_id=organization_id, wallet_id=wallet_id
        )

    async def sign(self, key: SealedKey, message: bytes) -> bytes:
        """
        Return a signature over *message*, in the form that the port gives for the key's curve.

        Signing the same again gives the same bytes, so a transaction keeps its hash.

        Raises:
            Unavailable: ``vault_refused``: another key-encryption key, or a changed record.
            ValueError: *message* for secp256k1 is not 32 bytes long.
        """
        curve = key.public_key.curve
        check_message(curve, message)
        if key.version != SEALING_VERSION:
            raise _refused(f"expected version {SEALING_VERSION} of sealing, got {key.version}")
        bound = _bound_to(key.id, key.organization_id, key.wallet_id, key.public_key)
        secret = await self._unseal(key.wrapped_key, key.sealed, bound)
        return sign_with(curve, secret, message)

    async def seal(self, secret: SecretBytes, *, context: str) -> bytes:
        """
        Return *secret* so that only `open` with the same *context* gives it back.

        Args:
            secret: At most 65,536 bytes.
            context: What it is and whose, such as ``org_…/kill-note/ses_…``.

        Raises:
            ValueError: *secret* is longer.
        """
        if len(secret) > MAX_SECRET_BYTES:
            raise ValueError(f"expected at most {MAX_SECRET_BYTES} bytes, got {len(secret)}")
        bound = bind("secret", bytes((SEALING_VERSION,)), context)
        wrapped, sealed = await self._seal(secret, bound)
        return _blob(wrapped, sealed)

    async def open(self, blob: bytes, *, context: str) -> SecretBytes:
        """
        Return what `seal` was given.

        Raises:
            Unavailable: ``vault_refused``: another key-encryption key, another *context*, or a
                changed blob.
        """
        bound, wrapped, sealed = _parts(blob, context)
        return await self._unseal(wrapped, sealed, bound)

    async def rewrap_key(self, key: SealedKey) -> SealedKey:
        """See `Vault.rewrap_key`: the data key is wrapped again, the private key stays sealed."""
        bound = _bound_to(key.id, key.organization_id, key.wallet_id, key.public_key)
        wrapped = await self._rewrap(key.wrapped_key, key.sealed, bound)
        return key if wrapped == key.wrapped_key else replace(key, wrapped_key=wrapped)

    async def rewrap_secret(self, blob: bytes, *, context: str) -> bytes:
        """See `Vault.rewrap_secret`: the data key is wrapped again, the secret stays sealed."""
        bound, wrapped, sealed = _parts(blob, context)
        return _blob(await self._rewrap(wrapped, sealed, bound), sealed)

    async def _rewrap(self, wrapped_key: bytes, sealed: bytes, bound: bytes) -> bytes:
        """Return *wrapped_key* under the key that wraps now, once the record was seen to open."""
        data_key = await self._wrapper.unwrap(wrapped_key, bound=bound)
        if decrypt(data_key, sealed, bound=bound) is None:
            raise _changed()
        if self._wrapper.wraps_now(wrapped_key):
            return wrapped_key
        nonce = self._entropy.take(NONCE_BYTES)
        return await self._wrapper.wrap(data_key, bound=bound, nonce=nonce)

    async def _seal_key(
        self,
        curve: Curve,
        secret: SecretBytes,
        *,
        key_id: str,
        organization_id: str,
        wallet_id: str,
    ) -> SealedKey:
        public_key = public_key_of(curve, secret)
        bound = _bound_to(key_id, organization_id, wallet_id, public_key)
        wrapped_key, sealed = await self._seal(secret, bound)
        return SealedKey(
            id=key_id,
            organization_id=organization_id,
            wallet_id=wallet_id,
            public_key=public_key,
            version=SEALING_VERSION,
            wrapped_key=wrapped_key,
            sealed=sealed,
        )

    async def _seal(self, secret: SecretBytes, bound: bytes) -> tuple[bytes, bytes]:
        data_key = SecretBytes(self._entropy.take(KEY_BYTES))
        sealed = encrypt(data_key, secret, bound=bound, nonce=self._entropy.take(NONCE_BYTES))
        nonce = self._entropy.take(NONCE_BYTES)
        return await self._wrapper.wrap(data_key, bound=bound, nonce=nonce), sealed

    async def _unseal(self, wrapped_key: bytes, sealed: bytes, bound: bytes) -> SecretBytes:
        data_key = await self._wrapper.unwrap(wrapped_key, bound=bound)
        secret = decrypt(data_key, sealed, bound=bound)
        if secret is None:
            raise _changed()
        return secret


def _bound_to(key_id: str, organization_id: str, wallet_id: str, public_key: PublicKey) -> bytes:
    version = bytes((SEALING_VERSION,))
    curve, data = public_key.curve, public_key.data
    return bind("private key", version, organization_id, wallet_id, curve, key_id, data)


def _blob(wrapped: bytes, sealed: bytes) -> bytes:
    return bytes((SEALING_VERSION,)) + len(wrapped).to_bytes(_LENGTH_BYTES) + wrapped + sealed


def _parts(blob: bytes, context: str) -> tuple[bytes, bytes, bytes]:
    """Return what a sealed secret is bound to, its wrapped data key, and its ciphertext."""
    start = 1 + _LENGTH_BYTES
    if blob[:1] != bytes((SEALING_VERSION,)) or len(blob) < start:
        raise _refused("expected a sealed secret, got something else")
    end = start + int.from_bytes(blob[1:start])
    return bind("secret", blob[:1], context), blob[start:end], blob[end:]


def _changed() -> Unavailable:
    return _refused("expected the record as it was sealed, got one that was changed")


def _refused(detail: str) -> Unavailable:
    return Unavailable(Code.VAULT_REFUSED, detail)
