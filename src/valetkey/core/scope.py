"""What credentials may do: scopes, and the roles that are named sets of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Scope(StrEnum):
    """One thing that a credential may do. There are no patterns and no hierarchy."""

    READ = "read"
    AUDIT_READ = "audit:read"
    SELF = "self"
    SESSIONS_OPEN = "sessions:open"
    SESSIONS_STOP = "sessions:stop"
    KILL_NOTES_READ = "kill-notes:read"
    TOKENS_INTROSPECT = "tokens:introspect"
    USERS_WRITE = "users:write"
    CUSTODY_WRITE = "custody:write"
    WALLETS_SIGN = "wallets:sign"
    WALLETS_WRITE = "wallets:write"
    SPONSORSHIPS_WRITE = "sponsorships:write"
    WEBHOOKS_REPLAY = "webhooks:replay"
    WEBHOOKS_WRITE = "webhooks:write"
    BUDGETS_WRITE = "budgets:write"
    CREDENTIALS_WRITE = "credentials:write"
    ORGANIZATIONS_WRITE = "organizations:write"

    @property
    def said(self) -> str:
        """What it lets a credential do."""
        return _SAID[self]


_SAID: Final[Mapping[Scope, str]] = {
    Scope.READ: "read what the organization has, but for its audit log and kill notes",
    Scope.AUDIT_READ: "read the audit log and its signed head",
    Scope.SELF: "change its own key; every credential may",
    Scope.SESSIONS_OPEN: "open sessions and their children, link to consents, exchange tokens,"
    " unfreeze",
    Scope.SESSIONS_STOP: "freeze and revoke sessions and tokens, clear approvals left behind",
    Scope.KILL_NOTES_READ: "read kill notes, with which anybody can revoke on chain",
    Scope.TOKENS_INTROSPECT: "ask what a session's token is worth",
    Scope.USERS_WRITE: "add users",
    Scope.CUSTODY_WRITE: "allow that the server's share of a split wallet is given away, and which"
    " surfaces sign raw digests under sessions, or open sessions as wide as their vendor does",
    Scope.WALLETS_SIGN: "sign with split wallets, whose share it brings; renew and back up shares",
    Scope.WALLETS_WRITE: "add wallets, bring accounts under our code and out of it",
    Scope.SPONSORSHIPS_WRITE: "make, change and delete sponsorships and their rules",
    Scope.WEBHOOKS_REPLAY: "test webhooks and have events delivered again",
    Scope.WEBHOOKS_WRITE: "add, change and remove webhooks, rotate their secrets",
    Scope.BUDGETS_WRITE: "set budgets and top up funds",
    Scope.CREDENTIALS_WRITE: "add and revoke credentials, change their roles",
    Scope.ORGANIZATIONS_WRITE: "open child organizations, which have funds and an owner,"
    " and set their quotas",
}


class SessionScope(StrEnum):
    """
    One thing that a session may do here, beside what its rules and templates say.

    A permission that names none of them has them all; one that names some has those. ``SELF`` every
    session has.
    """

    SELF = "session:self"
    READ = "session:read"
    RUN = "session:run"
    OPEN = "session:open"
    TOKEN = "session:token"  # noqa: S105 - the name of a scope, not a password
    KEY = "session:key"

    @property
    def said(self) -> str:
        """What it lets a session do."""
        return _SAID_OF_SESSION[self]


OWN_PREFIX: Final = "session:"
_SAID_OF_SESSION: Final[Mapping[SessionScope, str]] = {
    SessionScope.SELF: "see itself and what is below it, and end both",
    SessionScope.READ: "read its activities, its meter and its account, and preview calls",
    SessionScope.RUN: "make runs, and sign what its templates allow",
    SessionScope.OPEN: "open narrower sessions below it, and exchange tokens for theirs",
    SessionScope.TOKEN: "have short-lived tokens that tell others which session it is",
    SessionScope.KEY: "change its own key",
}


def held(names: Iterable[str]) -> frozenset[str]:
    """Return what a permission that lists *names* gives: ours, and those of other services."""
    named = frozenset(names)
    if not named:
        return _ALL_OF_SESSION
    is_held_to_some = any(name.startswith(OWN_PREFIX) for name in named)
    return named | ({SessionScope.SELF.value} if is_held_to_some else _ALL_OF_SESSION)


_ALL_OF_SESSION: Final = frozenset(scope.value for scope in SessionScope)


class Role(StrEnum):
    """Who a credential is in its organization."""

    OWNER = "owner"
    OPERATOR = "operator"
    AUDITOR = "auditor"


_AUDITOR: Final = frozenset({Scope.READ, Scope.AUDIT_READ, Scope.SELF})
_OPERATOR: Final = _AUDITOR | {
    Scope.SESSIONS_OPEN,
    Scope.SESSIONS_STOP,
    Scope.KILL_NOTES_READ,
    Scope.TOKENS_INTROSPECT,
    Scope.USERS_WRITE,
    Scope.WALLETS_SIGN,
    Scope.WALLETS_WRITE,
    Scope.WEBHOOKS_REPLAY,
    Scope.SPONSORSHIPS_WRITE,
}
ROLES: Final[Mapping[Role, frozenset[Scope]]] = {
    Role.OWNER: frozenset(Scope),
    Role.OPERATOR: _OPERATOR,
    Role.AUDITOR: _AUDITOR,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """
    What a credential is in its organization.

    Args:
        scopes: What of the role it is held to; None is all, also what the role is given later.
    """

    role: Role
    scopes: tuple[Scope, ...] | None = None

    @property
    def granted(self) -> frozenset[Scope]:
        """What it may do."""
        whole = ROLES[self.role]
        return whole if self.scopes is None else whole & {*self.scopes, Scope.SELF}
