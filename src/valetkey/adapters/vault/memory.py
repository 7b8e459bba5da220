"""A vault that forgets its key-encryption key when the process ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.adapters.vault.envelope import KEY_BYTES
from valetkey.adapters.vault.key_encryption_key import KeyEncryptionKey
from valetkey.adapters.vault.sealed import SealedVault
from valetkey.core.secret_bytes import SecretBytes

if TYPE_CHECKING:
    from valetkey.ports import Entropy

__all__ = ["MemoryVault"]


class MemoryVault(SealedVault):
    """The `Vault` port for tests and trials: what it seals opens only in this process."""

    def __init__(self, entropy: Entropy) -> None:
        super().__init__(KeyEncryptionKey(SecretBytes(entropy.take(KEY_BYTES))), entropy)
