"""What credentials may do: scopes, and the roles that are named sets of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


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
    " surfaces sign raw digests under sessions",
    Scope.WALLETS_SIGN: "sign with split wallets, whose share it brings; renew and back up shares",
    Scope.WALLETS_WRITE: "add wallets, bring accounts under our code and out of it",
    Scope.WEBHOOKS_REPLAY: "test webhooks and have events delivered again",
    Scope.WEBHOOKS_WRITE: "add, change and remove webhooks, rotate their secrets",
    Scope.BUDGETS_WRITE: "set budgets and top up funds",
    Scope.CREDENTIALS_WRITE: "add and revoke credentials, change their roles",
    Scope.ORGANIZATIONS_WRITE: "open child organizations, which have funds and an owner,"
    " and set their quotas",
}


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
