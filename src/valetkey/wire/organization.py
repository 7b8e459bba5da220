"""Organizations and users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta

from valetkey.wire.base import Asked, Seconds, Text, Told

if TYPE_CHECKING:
    from valetkey.core import organization as core


class OpenOrganization(Asked, frozen=True, kw_only=True):
    """A child organization to open."""

    name: Text


class VendorMeaning(Asked, frozen=True, kw_only=True):
    """Surfaces of vendors where sessions are opened as wide as the vendor has them; none is off."""

    surfaces: Annotated[list[Literal["openfort"]], Meta(max_length=1)]


class Organization(Told, frozen=True, kw_only=True):
    """Owner of users, credentials and wallets."""

    id: str
    parent_id: str | None
    name: str
    created_at: Seconds


class OpenedOrganization(Organization, frozen=True, kw_only=True):
    """A new organization; ``secret_key`` is its first API key, shown this once."""

    secret_key: str | None


class AddUser(Asked, frozen=True, kw_only=True):
    """A user to add; ``reference`` is what the organization calls them."""

    reference: Text


class User(Told, frozen=True, kw_only=True):
    """The human or agent at the end."""

    id: str
    organization_id: str
    reference: str
    created_at: Seconds


def write_organization(organization: core.Organization) -> Organization:
    """Return *organization* as it is answered."""
    return Organization(
        id=organization.id,
        parent_id=organization.parent_id,
        name=organization.name,
        created_at=organization.created_at,
    )


def write_opened(organization: core.Organization, secret_key: str | None) -> OpenedOrganization:
    """Return a new organization as it is answered."""
    return OpenedOrganization(
        id=organization.id,
        parent_id=organization.parent_id,
        name=organization.name,
        created_at=organization.created_at,
        secret_key=secret_key,
    )


def write_user(user: core.User) -> User:
    """Return *user* as it is answered."""
    return User(
        id=user.id,
        organization_id=user.organization_id,
        reference=user.reference,
        created_at=user.created_at,
    )
