"""API keys that are kept themselves, sealed: a vendor's clients check by them who wrote to them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from valetkey.core.credential import Credential, CredentialKind, key_context
from valetkey.core.secret_bytes import SecretBytes
from valetkey.core.surface import Surface

if TYPE_CHECKING:
    from valetkey.flows.world import World


async def keep_key(world: World, credential: Credential, key: str | None) -> Credential:
    """Return *credential* with its *key*, sealed, if its surface has a use for it."""
    is_kept = credential.surface is Surface.OPENFORT and credential.kind is CredentialKind.SECRET
    if key is None or not is_kept:
        return credential
    context = key_context(credential.organization_id, credential.id)
    sealed = await world.vault.seal(SecretBytes(key.encode()), context=context)
    return replace(credential, sealed_key=sealed)
