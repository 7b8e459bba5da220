"""API keys that are kept themselves, sealed: a vendor's clients check by them who wrote to them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from valetkey.core.credential import Credential, CredentialKind, key_context
from valetkey.core.errors import Code, Conflict
from valetkey.core.secret_bytes import SecretBytes
from valetkey.core.surface import Surface
from valetkey.flows.gate import present

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


async def secret_of(world: World, credential_id: str) -> SecretBytes:
    """
    Return the API key of a credential, as it was shown when it was added.

    Raises:
        NotFound: There is no such credential.
        Conflict: It is not kept, or was revoked: whoever has it meanwhile could sign with it.
    """
    found = await world.store.read(lambda view: view.get(Credential, credential_id))
    credential = present(found, "credential")
    if credential.sealed_key is None:
        what = "one that was revoked" if credential.revoked_at else "another"
        detail = f"expected a secret key of a surface that signs by it, got {what}"
        raise Conflict(Code.CONFLICT, detail)
    context = key_context(credential.organization_id, credential.id)
    return await world.vault.open(credential.sealed_key, context=context)
