"""Roles: nobody gives more than they have, and somebody who may do everything stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.credential import Credential
from valetkey.core.errors import Code, Conflict, Forbidden, Unauthenticated
from valetkey.core.scope import Scope
from valetkey.flows.gate import expect_scope

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.ports import View


def expect_still(view: View, principal: Principal, scope: Scope) -> frozenset[Scope]:
    """
    Return what the credential behind *principal* may do by now, if *scope* is among it.

    Between its proof and this transaction it may have been revoked, or given another role.

    Raises:
        Unauthenticated, Forbidden: It was revoked, or may not any more.
    """
    credential = view.get(Credential, principal.subject_id)
    if credential is None or credential.revoked_at is not None:
        detail = "expected a credential that works, got one that was revoked"
        raise Unauthenticated(Code.PROOF_REFUSED, detail)
    has = credential.granted
    expect_scope(principal._replace(scopes=has), scope)
    return has


def expect_within(view: View, principal: Principal, wanted: frozenset[Scope]) -> None:
    """
    Let pass who has all of *wanted*, for nobody gives, or takes away, what they have not.

    Raises:
        Unauthenticated, Forbidden: It has not, or not any more; the fact ``scope`` names the first.
    """
    missing = sorted(wanted - expect_still(view, principal, Scope.CREDENTIALS_WRITE))
    if missing:
        detail = f"expected at most scopes that the asking credential has, got {missing[0]}"
        raise Forbidden(Code.SCOPE_MISSING, detail, scope=missing[0].value)


def expect_another_owner(view: View, principal: Principal, leaving: Credential) -> None:
    """
    Let pass unless *leaving* is the last owner and its own organization wants it gone.

    An owner is a credential that may do everything. One above may take the last one away: that
    stops the organization, which is what those above are for.

    Raises:
        Conflict: It is the last one.
    """
    if not leaving.is_owner or principal.organization_id != leaving.organization_id:
        return
    before = ""
    owner = leaving.organization_id
    while found := view.find(Credential, organization_id=owner, after=before):
        if any(one.is_owner and one.id != leaving.id for one in found):
            return
        before = found[-1].id
    detail = "expected another owner who can do everything, got the last one; add one first"
    raise Conflict(Code.LAST_OWNER, detail)
