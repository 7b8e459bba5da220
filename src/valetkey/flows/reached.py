"""Accounts that a backend reaches, and those that a client does: its user's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.errors import Code, Forbidden
from valetkey.core.principal import PrincipalKind
from valetkey.core.scope import Scope
from valetkey.core.session import Session
from valetkey.core.surface import Surface
from valetkey.core.wallet import Account
from valetkey.flows.gate import expect_reach, expect_scope, expect_secret, present

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.ports import View


def account_to_act(view: View, principal: Principal, account_id: str) -> Account:
    """
    Return the account, if *principal* may ask for what it is to do, or carry a signature for it.

    Whether a publishable key may ask is for whoever calls this: it has no scopes and reads alone.

    Raises:
        NotFound: It is another organization's, or of another user than the client's.
        Forbidden: The credential has not the scope; or it is a session that is no client's.
    """
    account = present(view.get(Account, account_id), "account")
    expect_account(view, principal, account, scope=Scope.WALLETS_WRITE, widens=True)
    return account


def expect_account(
    view: View,
    principal: Principal,
    account: Account,
    *,
    scope: Scope,
    what: str = "account",
    widens: bool = False,
) -> None:
    """
    Let pass a backend with *scope*, the client whose user has *account*, and who only carries.

    Args:
        what: What was asked for, for the answer "there is no such thing".
        widens: Whether this gives power: then organizations above are refused.

    Raises:
        NotFound, Forbidden: As `account_to_act`.
    """
    expect_reach(view, principal, account.organization_id, what, widens=widens)
    if principal.kind is PrincipalKind.SESSION:
        if account.user_id != client_user(view, principal):
            present(None, what)
    elif principal.kind is not PrincipalKind.PUBLISHABLE:
        expect_scope(principal, scope)


def is_client_of(view: View, principal: Principal, user_id: str | None) -> bool:
    """Say whether *principal* is a client of that user."""
    session = view.get(Session, principal.subject_id)
    if session is None or session.surface is not Surface.OPENFORT or session.permission is not None:
        return False
    return user_id is not None and session.user_id == user_id


def account_to_read(view: View, principal: Principal, account_id: str) -> Account:
    """
    Return the account, if *principal* may read what it did.

    Raises:
        NotFound: It is of an organization elsewhere, or of another user than the client's.
        Forbidden: It is a publishable key, or a session that is no client's.
    """
    account = present(view.get(Account, account_id), "account")
    expect_reach(view, principal, account.organization_id, "account")
    if principal.kind is PrincipalKind.SESSION:
        return _of_client(view, principal, account)
    expect_secret(principal)
    return account


def own_user(view: View, principal: Principal) -> str | None:
    """
    Return the user whose client asks, None if it is no session.

    Raises:
        Forbidden: As `client_user`.
    """
    return client_user(view, principal) if principal.kind is PrincipalKind.SESSION else None


def client_user(view: View, principal: Principal) -> str:
    """
    Return whose client *principal* is.

    Raises:
        Forbidden: It is a session that acts by runs, or of another surface.
    """
    session = present(view.get(Session, principal.subject_id), "session")
    if session.surface is not Surface.OPENFORT or session.permission is not None:
        detail = "expected a secret key or the session of a client; a session acts by runs"
        raise Forbidden(Code.NOT_ALLOWED, detail)
    return present(session.user_id, "user")


def _of_client(view: View, principal: Principal, account: Account) -> Account:
    return account if account.user_id == client_user(view, principal) else present(None, "account")
