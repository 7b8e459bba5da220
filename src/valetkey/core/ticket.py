"""Tickets: what stands in a URL in the place of a proof, for one use within seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.principal import Access, Principal, PrincipalKind

if TYPE_CHECKING:
    from valetkey.core.wallet import PublicKey

LIFE_S: Final = 30
MOST: Final = 16  # of one principal that are not used up


@dataclass(frozen=True, slots=True)
class Ticket:
    """
    The right to watch one session once.

    Args:
        id: SHA-256 of the ticket in hex; the ticket itself is nowhere.
        session_id: What may be watched.
        organization_id, subject_id, kind, key: Of the principal whose proof it stands for.
        expires_at: First second at which it is refused.
    """

    id: str
    session_id: str
    organization_id: str
    subject_id: str
    kind: PrincipalKind
    key: PublicKey | None
    expires_at: int

    @property
    def principal(self) -> Principal:
        """Who it stands for, as it was then: to be proven again."""
        return Principal(
            self.kind, self.organization_id, self.subject_id, Access.READ, key=self.key
        )
