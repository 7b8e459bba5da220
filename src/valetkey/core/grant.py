"""What binds a session on chain."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_ADDRESS_BYTES: Final = 20


class KillBy(StrEnum):
    """Whose signature a kill note is: the owner's, or that of the relayer that the grant binds."""

    OWNER = "owner"
    RELAYER = "relayer"


@dataclass(frozen=True, slots=True)
class Grant:
    """
    What binds a session on chain.

    Args:
        packed: The grant's bytes (docs/reference/grant-format.md).
        grant_id: keccak-256 of *packed*.
        epoch: The account's epoch that the owner's signature is over.
        session_key: As the grant names it: 20 bytes of an address, or x and y of a P-256 key.
        key_id: Names the `SealedKey` of the session key when this server holds it.
        owner_signature: 65 bytes, None while the owner has not signed.
        sealed_kill_note: The signed revocation (65 bytes), made at the same time, as the vault
            seals it.
        kill_by: Who has signed that.
    """

    packed: bytes
    grant_id: bytes
    epoch: int
    session_key: bytes
    key_id: str | None = None
    owner_signature: bytes | None = None
    sealed_kill_note: bytes | None = None
    kill_by: KillBy = KillBy.OWNER

    @property
    def key_address(self) -> bytes | None:
        """The address of the session key; None for one on P-256, which has none."""
        return self.session_key if len(self.session_key) == _ADDRESS_BYTES else None


def grant_key_index(organization_id: str, session_key: bytes) -> str:
    """Return what finds the sessions of an organization whose grants name *session_key*."""
    return f"{organization_id}/{session_key.hex()}"
