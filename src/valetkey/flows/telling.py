"""Receivers of a vendor's form: its dialect says what they are sent, here is said who signs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from valetkey.core.credential import Credential, CredentialKind, key_context

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.core.audit import AuditLine
    from valetkey.core.secret_bytes import SecretBytes
    from valetkey.core.surface import Surface
    from valetkey.core.webhook import VendorForm
    from valetkey.flows.world import World
    from valetkey.ports import View

MOST: Final = 1000  # credentials of one organization that are looked at


class Teller(Protocol):
    """What a dialect sends to the receivers that were made through it."""

    def body(self, view: View, form: VendorForm, line: AuditLine) -> bytes:
        """Return what is sent about *line*."""

    def fields(self, key: bytes, body: bytes) -> Mapping[str, str]:
        """Return the fields that say that whoever has the API key *key* has sent *body*."""


Tellers: TypeAlias = "Mapping[Surface, Teller]"


def signer_of(view: View, organization_id: str, form: VendorForm) -> Credential | None:
    """
    Return the API key that signs for a receiver: the one it was made with, while that is valid.

    Afterwards it is the newest of the surface; None if there is none.
    """
    first = view.get(Credential, form.credential_id)
    if first is not None and _signs(first, form.surface):
        return first
    found = view.find(Credential, organization_id=organization_id, newest_first=True, limit=MOST)
    return next((one for one in found if _signs(one, form.surface)), None)


async def key_of(world: World, signer: Credential) -> SecretBytes:
    """Return the API key of *signer*, one that `signer_of` found."""
    context = key_context(signer.organization_id, signer.id)
    return await world.vault.open(signer.sealed_key or b"", context=context)


def _signs(credential: Credential, surface: Surface) -> bool:
    return (
        credential.surface is surface
        and credential.kind is CredentialKind.SECRET
        and credential.revoked_at is None
        and credential.sealed_key is not None
    )
