"""Receivers of a vendor's form: its dialect says what they are sent, here is said who signs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from valetkey.core.credential import Credential, CredentialKind, key_context
from valetkey.core.event import SENT
from valetkey.flows.record import SYSTEM, audit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.core.activity import Activity
    from valetkey.core.audit import AuditLine
    from valetkey.core.secret_bytes import SecretBytes
    from valetkey.core.surface import Surface
    from valetkey.core.webhook import VendorForm
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

MOST: Final = 1000  # credentials of one organization that are looked at
# Clients of vendors wait to hear of these before they are mined.
TOLD_WHEN_SENT: Final = frozenset({"account:execute", "session:register"})


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
    is_own = first is not None and first.organization_id == organization_id
    if first is not None and is_own and _signs(first, form.surface):
        return first
    found = view.find(Credential, organization_id=organization_id, newest_first=True, limit=MOST)
    return next((one for one in found if _signs(one, form.surface)), None)


def tell_sent(tx: Tx, activity: Activity, tx_hash: bytes, *, at: int) -> None:
    """Write down that *activity* is on its way, if somebody waits to hear of it."""
    if activity.kind in TOLD_WHEN_SENT:
        facts = {"kind": activity.kind, "tx_hash": f"0x{tx_hash.hex()}"}
        owner = activity.organization_id
        audit(tx, owner, SENT, at=at, subject_id=activity.id, principal_id=SYSTEM, **facts)


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
