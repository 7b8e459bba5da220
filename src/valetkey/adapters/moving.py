"""What carries an organization from one server to another: keys for the way, and the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from valetkey.adapters.store.archive import Signed, list_files, pack, unpack
from valetkey.adapters.vault.envelope import KEY_BYTES
from valetkey.adapters.vault.key_encryption_key import (
    KeyEncryptionKey,
    make_key_file,
    read_secret_file,
)
from valetkey.adapters.vault.key_ring import KeyRing
from valetkey.adapters.vault.sealed import SealedVault
from valetkey.core.archive import FORMAT, VERSION, Manifest, manifest_message, refused
from valetkey.core.errors import Code, Unavailable
from valetkey.core.secret_bytes import SecretBytes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from valetkey.adapters.store.codec import Kind
    from valetkey.core.archive import Archive
    from valetkey.ports import Entity, Entropy, Vault

__all__ = ["Leaving", "Moving"]


@dataclass(frozen=True, slots=True)
class Leaving:
    """
    A key for one archive, which the other server alone can open.

    Args:
        vault: Opens what is ours, and wraps it by the archive's key.
        sealed_for: The other server's import key.
        sealed_key: The archive's key, sealed for it.
    """

    vault: Vault
    sealed_for: bytes
    sealed_key: bytes


class Moving:
    """
    One server's part.

    Args:
        ring: Its key-encryption keys.
        import_key: The file of its import key (X25519): made when asked for, mode 0600.
    """

    def __init__(self, ring: KeyRing, import_key: Path, entropy: Entropy) -> None:
        self._ring = ring
        self._import_key = import_key
        self._entropy = entropy

    def make_import_key(self) -> bytes:
        """Return the 32 bytes that archives for this server are sealed for."""
        if not self._import_key.exists():
            make_key_file(self._import_key, self._entropy)
        return bytes(self._private_key().public_key)

    def forget_import_key(self) -> None:
        """Have nobody open again what was sealed for it, not even this server."""
        self._import_key.unlink(missing_ok=True)

    def leave_for(self, import_key: bytes) -> Leaving:
        """
        Return a new key for an archive.

        Raises:
            Malformed: *import_key* is none.
        """
        key = SecretBytes(self._entropy.take(KEY_BYTES))
        try:
            sealed = SealedBox(PublicKey(import_key)).encrypt(key.reveal())
        except (CryptoError, ValueError, TypeError):
            raise refused("expected an import key of 32 bytes, got something else") from None
        ring = KeyRing([*self._ring.keys, KeyEncryptionKey(key)])
        return Leaving(SealedVault(ring, self._entropy), import_key, bytes(sealed))

    def arrive_with(self, manifest: Manifest) -> Vault:
        """
        Return a vault that opens what is in the archive, and wraps it by our key.

        Raises:
            Malformed: The archive is for another server, or its key was changed.
            Unavailable: There is no import key.
        """
        if not self._import_key.exists():
            detail = (
                f"{self._import_key}: expected an import key, got none: it is good for one import"
            )
            raise Unavailable(Code.VAULT_REFUSED, detail)
        private = self._private_key()
        if bytes(private.public_key).hex() != manifest.sealed_for:
            raise refused("expected an archive for this server's import key, got one for another")
        try:
            key = SecretBytes(SealedBox(private).decrypt(bytes.fromhex(manifest.sealed_key)))
        except (CryptoError, ValueError, TypeError):
            raise refused("expected a key sealed for this server, got something else") from None
        ring = KeyRing([KeyEncryptionKey(key), *self._ring.keys])
        return SealedVault(ring, self._entropy)

    async def pack(
        self,
        entities: Mapping[Kind, Sequence[Entity]],
        leaving: Leaving,
        *,
        organization_id: str,
        chains: dict[str, str],
        now: int,
        sign: Callable[[bytes], Awaitable[bytes]],
    ) -> bytes:
        """Return the archive of *entities*, whose secrets are under the key of *leaving*."""
        files, listed = list_files(entities)
        manifest = Manifest(
            format=FORMAT,
            version=VERSION,
            organization_id=organization_id,
            exported_at=now,
            chains=chains,
            sealed_for=leaving.sealed_for.hex(),
            sealed_key=leaving.sealed_key.hex(),
            files=listed,
        )
        text = msgspec.json.format(msgspec.json.encode(manifest))
        return pack(files, Signed(text, await sign(manifest_message(text))))

    @staticmethod
    def unpack(data: bytes, *, signer: bytes) -> Archive:
        """See `archive.unpack`."""
        return unpack(data, signer=signer)

    def _private_key(self) -> PrivateKey:
        return PrivateKey(read_secret_file(self._import_key).reveal())
