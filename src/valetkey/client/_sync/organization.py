# Written by tools/unasync.py from ../_async/organization.py: change that one.
"""An organization's own things: children and users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.client.asks import path_of, read, write
from valetkey.client.roles import quota_of
from valetkey.wire.base import Page
from valetkey.wire.organization import (
    AddUser,
    OpenedOrganization,
    OpenOrganization,
    Organization,
    User,
    VendorMeaning,
)
from valetkey.wire.quota import OrganizationUsage, QuotaUse, SetQuota

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Literal

    from valetkey.client._sync.line import Line


class Organizations:
    """The organizations below one's own. Their power can be reduced from here, never widened."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def open(self, name: str, *, request_id: str | None = None) -> OpenedOrganization:
        """Return a new organization below one's own; its ``secret_key`` is shown this once."""
        body = OpenOrganization(name=name)
        ask = write(OpenedOrganization, "/v1/organizations", body, request_id=request_id)
        return self._line.send(ask)

    def get(self, organization_id: str) -> Organization:
        """Return one organization."""
        path = path_of("/v1/organizations/{key}", key=organization_id)
        return self._line.send(read(Organization, path))

    def list(self) -> Iterator[Organization]:
        """Yield the organizations below one's own."""
        return self._line.pages(Page[Organization], "/v1/organizations")

    def usage(self, organization_id: str) -> OrganizationUsage:
        """Return every quota of one organization, and how much of it is in use."""
        path = path_of("/v1/organizations/{key}/usage", key=organization_id)
        return self._line.send(read(OrganizationUsage, path))

    def set_quota(
        self, organization_id: str, quota: str, limit: int, *, request_id: str | None = None
    ) -> QuotaUse:
        """
        Return a quota of an organization below, with another limit; what there is stays.

        Raises:
            Forbidden: It is one's own, or one further above set it lower.
            Malformed: There is no such quota, or the operator allows less.
        """
        path = path_of("/v1/organizations/{key}/quotas", key=organization_id)
        body = SetQuota(quota=quota_of(quota), limit=limit)
        return self._line.send(write(QuotaUse, path, body, request_id=request_id))

    def set_vendor_meaning(
        self,
        organization_id: str,
        surfaces: Iterable[Literal["openfort"]],
        *,
        request_id: str | None = None,
    ) -> Organization:
        """
        Return the organization, where sessions of these vendors' surfaces are as wide as theirs.

        What their formats cannot limit is not limited then: on a whitelisted token any amount may
        be moved. It counts for sessions that are opened from now on; no surfaces is off.

        >>> vk.organizations.set_vendor_meaning(organization_id, ["openfort"])
        """
        path = path_of("/v1/organizations/{key}/vendor-meaning", key=organization_id)
        body = VendorMeaning(surfaces=list(surfaces))
        return self._line.send(write(Organization, path, body, request_id=request_id))


class Users:
    """Humans and agents at the end."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def add(self, reference: str, *, request_id: str | None = None) -> User:
        """Return a new user, called *reference* by the organization."""
        ask = write(User, "/v1/users", AddUser(reference=reference), request_id=request_id)
        return self._line.send(ask)

    def get(self, user_id: str) -> User:
        """Return one user."""
        return self._line.send(read(User, path_of("/v1/users/{key}", key=user_id)))

    def list(self, *, organization_id: str | None = None) -> Iterator[User]:
        """Yield the users, newest first: one's own, or those of an organization below."""
        return self._line.pages(Page[User], "/v1/users", organization_id=organization_id)
