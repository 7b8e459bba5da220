"""Long-lived proofs of an organization: API keys and P-256 keys."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from valetkey.core.scope import Role, Scope, Standing
from valetkey.core.surface import Surface

if TYPE_CHECKING:
    from valetkey.core.wallet import PublicKey


class CredentialKind(StrEnum):
    """
    What a credential is.

    ``SECRET`` is an API key for a backend, ``PUBLISHABLE`` one that may be in a browser and reads
    nothing of the organization, ``P256`` a key that signs each request.
    """

    SECRET = "secret"  # noqa: S105 - the name of a kind, not a password
    PUBLISHABLE = "publishable"
    P256 = "p256"


@dataclass(frozen=True, slots=True)
class Credential:
    """
    One proof.

    Args:
        fingerprint: SHA-256 of the API key, in hex; None for a P-256 key.
        revoked_at: None while it is valid.
        surface: Where it was issued; it works there alone.
        standing: None for a publishable key, which is nobody in its organization.
        sealed_key: The API key itself as the vault seals it, for `key_context`: where a vendor's
            clients check by it who sent them something. None wherever a fingerprint is enough.
        origins: Of the pages that may have a publishable key in a frame of ours.
    """

    id: str
    organization_id: str
    kind: CredentialKind
    label: str
    fingerprint: str | None
    public_key: PublicKey | None
    created_at: int
    revoked_at: int | None = None
    surface: Surface = Surface.NATIVE
    standing: Standing | None = None
    sealed_key: bytes | None = None
    origins: tuple[str, ...] = ()

    @property
    def granted(self) -> frozenset[Scope]:
        """What it may do."""
        return frozenset() if self.standing is None else self.standing.granted

    @property
    def is_owner(self) -> bool:
        """Whether it may do everything, and still works."""
        return self.standing == Standing(Role.OWNER) and self.revoked_at is None


def key_context(organization_id: str, credential_id: str) -> str:
    """Return what the vault binds the key of a credential to."""
    return f"{organization_id}/credential/{credential_id}"
