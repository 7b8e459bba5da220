"""Names of roles, scopes, quotas and surfaces, as callers write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeVar

from valetkey.core.errors import Code, Malformed
from valetkey.core.quota import Quota
from valetkey.core.scope import Role, Scope
from valetkey.core.surface import Surface

if TYPE_CHECKING:
    from collections.abc import Iterable

RoleName = Literal["owner", "operator", "auditor"]
SurfaceName = Literal["native", "openfort", "turnkey", "portal", "para", "chipi"]
N = TypeVar("N", Role, Scope, Quota, Surface)


def role_of(name: str) -> Role:
    """
    Return the role called *name*.

    Raises:
        Malformed: There is none.
    """
    return _known(Role, name)


def scopes_of(names: Iterable[str] | None) -> list[Scope] | None:
    """
    Return the scopes called *names*.

    Raises:
        Malformed: One is none.
    """
    return None if names is None else [_known(Scope, name) for name in names]


def quota_of(name: str) -> Quota:
    """
    Return the quota called *name*.

    Raises:
        Malformed: There is none.
    """
    return _known(Quota, name)


def surface_of(name: str) -> Surface:
    """
    Return the surface called *name*.

    Raises:
        Malformed: There is none.
    """
    return _known(Surface, name)


def _known(kind: type[N], name: str) -> N:
    try:
        return kind(name)
    except ValueError:
        known = ", ".join(kind)
        detail = f"{kind.__name__.lower()}: expected one of {known}, got {name[:40]!r}"
        raise Malformed(Code.MALFORMED_BODY, detail) from None
