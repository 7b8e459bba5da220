"""Whoever a request proves to be."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from valetkey.core.scope import Scope
    from valetkey.core.wallet import PublicKey


class PrincipalKind(StrEnum):
    """Which kind of proof stands behind a principal."""

    ANONYMOUS = "anonymous"
    SECRET = "secret"  # noqa: S105 - the name of a kind, not a password
    PUBLISHABLE = "publishable"
    SESSION = "session"
    LINK = "link"

    @property
    def said(self) -> str:
        """What a person calls the proof."""
        return _SAID[self]


_SAID: Final = {
    PrincipalKind.ANONYMOUS: "no proof",
    PrincipalKind.SECRET: "a secret key",
    PrincipalKind.PUBLISHABLE: "a publishable key",
    PrincipalKind.SESSION: "a session",
    PrincipalKind.LINK: "a consent link",
}


class Access(StrEnum):
    """Whether a principal may change anything."""

    READ = "read"
    WRITE = "write"


class Principal(NamedTuple):
    """
    Who asks. A tuple: one is made for each request, and a frozen dataclass takes thrice as long.

    Args:
        organization_id: Where it belongs; empty for the anonymous.
        subject_id: The credential, session or link that proved it; empty for the anonymous.
        request_id: The unique id that a signed request carries in itself, if there is one.
        scopes: What a credential may do; others have rules of their own.
        session_scopes: What a session may do here beside its rules.
        key: Of the credential or session when it was proven; what goes on looks whether it still
            is (`prove_again`).
    """

    kind: PrincipalKind
    organization_id: str
    subject_id: str
    access: Access
    request_id: str | None = None
    scopes: frozenset[Scope] = frozenset()
    key: PublicKey | None = None
    session_scopes: frozenset[str] = frozenset()


ANONYMOUS = Principal(PrincipalKind.ANONYMOUS, "", "", Access.READ)
