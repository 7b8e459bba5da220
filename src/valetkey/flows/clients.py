"""Clients of a vendor's surface: the users of an organization, who bring a session of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from valetkey.core.errors import Code, Forbidden
from valetkey.core.organization import Organization, User
from valetkey.core.principal import PrincipalKind
from valetkey.core.session import Session
from valetkey.flows.gate import expect_known, present

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.flows.sight import Sight
    from valetkey.ports import View


@dataclass(frozen=True, slots=True)
class Client:
    """A user, and the organization whose user they are."""

    user: User
    organization: Organization


async def client_of(world: Sight, principal: Principal) -> Client:
    """
    Return the user whose client *principal* is.

    Raises:
        Forbidden: It is no session, or one without a user.
    """
    return await world.store.read(lambda view: find_client(view, principal))


def find_client(view: View, principal: Principal) -> Client:
    """Return the user whose client *principal* is (see `client_of`)."""
    expect_known(principal)
    session = view.get(Session, principal.subject_id)
    if principal.kind is not PrincipalKind.SESSION or session is None or session.user_id is None:
        raise Forbidden(Code.NOT_ALLOWED, "expected the session of a user, got another proof")
    user = present(view.get(User, session.user_id), "user")
    return Client(user, present(view.get(Organization, user.organization_id), "organization"))
