"""Whose account it is: what a backend does for its users, and clients of users for themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.errors import Code, Forbidden
from valetkey.core.principal import PrincipalKind
from valetkey.core.session import Session
from valetkey.core.surface import Surface
from valetkey.flows.gate import expect_known, expect_reach, expect_scope, present

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.core.scope import Scope
    from valetkey.core.wallet import Account
    from valetkey.ports import View


def expect_account(
    view: View,
    principal: Principal,
    account: Account,
    scope: Scope,
    *,
    what: str = "account",
    widens: bool = False,
) -> None:
    """
    Let pass a backend with *scope*, the client whose user has the account, and who only carries.

    Args:
        what: What was asked for, for the answer "there is no such thing".
        widens: Whether this gives power: then organizations above are refused.

    Raises:
        Unauthenticated: Nobody was proven.
        NotFound: The account is another organization's, or of another user than the client's.
        Forbidden: The credential has not the scope; or it is a session that is no client's.
    """
    expect_known(principal)
    expect_reach(view, principal, account.organization_id, what, widens=widens)
    if principal.kind is PrincipalKind.SECRET:
        expect_scope(principal, scope)
    elif principal.kind is PrincipalKind.SESSION:
        user_id = user_of_client(view, principal)
        if user_id is None or user_id != account.user_id:
            present(None, what)


def user_of_client(view: View, principal: Principal) -> str | None:
    """
    Return whose client the session *principal* is.

    Raises:
        Forbidden: It is no client's: it has a permission, and acts by runs.
    """
    session = present(view.get(Session, principal.subject_id), "session")
    if session.surface is not Surface.OPENFORT or session.permission is not None:
        detail = "expected a secret key or the session of a client; a session acts by runs"
        raise Forbidden(Code.NOT_ALLOWED, detail)
    return session.user_id
