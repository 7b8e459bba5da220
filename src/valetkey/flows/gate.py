"""The one door: whoever was proven (`prove`) may or may not."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from valetkey.core.errors import Code, Forbidden, NotFound, Unauthenticated
from valetkey.core.organization import MAX_LEVELS, Organization
from valetkey.core.principal import Access, Principal, PrincipalKind

if TYPE_CHECKING:
    from valetkey.core.permission.decide import Deny
    from valetkey.core.scope import Scope
    from valetkey.ports import View

T = TypeVar("T")


def forbid(denied: Deny) -> Forbidden:
    """Return the error that says *denied*, with the caveat among its facts."""
    facts: dict[str, object] = {"caveat": denied.caveat}
    if denied.call is not None:
        facts["call"] = denied.call
    return Forbidden(denied.code, f"{denied.caveat}: {denied.detail}", **facts)


def expect_secret(principal: Principal) -> None:
    """
    Let only credentials of a backend pass.

    Raises:
        Unauthenticated: Nobody was proven.
        Forbidden: The principal is a session or a publishable key.
    """
    if principal.kind is PrincipalKind.ANONYMOUS:
        detail = "expected a secret API key or a signed request, got no proof"
        raise Unauthenticated(Code.PROOF_MISSING, detail)
    if principal.kind is not PrincipalKind.SECRET:
        detail = f"expected a secret API key or P-256 credential, got {principal.kind.said}"
        raise Forbidden(Code.NOT_ALLOWED, detail)


def expect_scope(principal: Principal, scope: Scope) -> None:
    """
    Let only credentials of a backend pass that may do *scope*.

    Raises:
        Unauthenticated: Nobody was proven.
        Forbidden: The principal is no such credential, or has not the scope.
    """
    expect_secret(principal)
    if scope not in principal.scopes:
        detail = f"expected a credential with the scope {scope}, got one without"
        raise Forbidden(Code.SCOPE_MISSING, detail, scope=scope.value)


def expect_known(principal: Principal) -> None:
    """
    Let everybody pass who proved something, but whoever has only a consent link.

    Raises:
        Unauthenticated: Nobody was proven.
        Forbidden: The principal is a consent link, which is for one consent alone.
    """
    if principal.kind is PrincipalKind.ANONYMOUS:
        raise Unauthenticated(Code.PROOF_MISSING, "expected a token or a signed request, got none")
    if principal.kind is PrincipalKind.LINK:
        detail = "expected a key or a session, got a consent link: it shows one consent, no more"
        raise Forbidden(Code.NOT_ALLOWED, detail)


def expect_write(principal: Principal) -> None:
    """
    Let only principals pass that may change something.

    Raises:
        Unauthenticated, Forbidden: Nobody was proven, or the proof is for reading.
    """
    expect_known(principal)
    if principal.access is not Access.WRITE:
        raise Forbidden(Code.READ_ONLY, "expected write access, got a proof that may only read")


def expect_reach(
    view: View, principal: Principal, organization_id: str, what: str, *, widens: bool = False
) -> None:
    """
    Let pass who belongs to the organization; those above may read it and reduce power in it.

    Args:
        what: What was asked for, for the answer "there is no such thing".
        widens: Whether this gives power or makes something: then those above are refused as well.

    Raises:
        NotFound: The principal may not know of it.
        Forbidden: One above asked for more than reading and reducing.
    """
    if organization_id and principal.organization_id == organization_id:
        return
    is_secret = principal.kind is PrincipalKind.SECRET
    if not is_secret or not is_above(view, principal.organization_id, organization_id):
        raise NotFound(Code.NOT_FOUND, f"there is no {what} with that id")
    if widens:
        detail = "a parent organization reads and reduces; it does not give power here"
        raise Forbidden(Code.NOT_ALLOWED, detail)


def is_above(view: View, organization_id: str, below: str) -> bool:
    """Say whether *organization_id* is the parent of *below*, or its parent, and so on."""
    found = view.get(Organization, below)
    for _ in range(MAX_LEVELS):
        if found is None or found.parent_id is None:
            return False
        if found.parent_id == organization_id:
            return True
        found = view.get(Organization, found.parent_id)
    return False


def present(value: T | None, what: str) -> T:
    """
    Return *value* if there is one.

    Raises:
        NotFound: There is none.
    """
    if value is None:
        raise NotFound(Code.NOT_FOUND, f"there is no {what} with that id")
    return value
