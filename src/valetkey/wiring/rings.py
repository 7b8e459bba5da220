"""The key-encryption keys of a server: in a file, or in variables of the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.adapters.vault.key_encryption_key import KeyEncryptionKey
from valetkey.adapters.vault.key_ring import FileRing, KeyRing
from valetkey.core.errors import Code, Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["KeyRing", "next_key_variable", "ring_of"]


def next_key_variable(name: str) -> str:
    """Return the variable of the key that takes the place of the one in the variable *name*."""
    return f"{name}_NEXT"


def ring_of(file: Path | None, variable: str, environment: Mapping[str, str]) -> KeyRing:
    """
    Return the keys in *file* and beside it, or in *variable* and its next one.

    Raises:
        Unavailable: ``vault_refused``: the key is missing, malformed or not protected.
    """
    if file is not None:
        return FileRing(file)
    text = environment.get(variable)
    if text is None:
        detail = f"expected the key-encryption key in {variable}, which is not set"
        raise Unavailable(Code.VAULT_REFUSED, detail)
    texts = [text, *filter(None, [environment.get(next_key_variable(variable))])]
    return KeyRing([KeyEncryptionKey.from_text(one) for one in texts])
