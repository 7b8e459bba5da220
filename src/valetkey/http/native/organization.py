"""Organizations, users and credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.credential import Credential, CredentialKind
from valetkey.core.ids import Prefix
from valetkey.core.organization import User
from valetkey.core.scope import Scope
from valetkey.core.surface import Surface
from valetkey.flows import credentials, organize, reads
from valetkey.flows.as_vendor import set_vendor_meaning
from valetkey.http.native.pages import OwnedPage, Paged, cursor_of, owner_of, page
from valetkey.http.rates import Lane
from valetkey.http.routes import SECRET, Ask, Read, Route, Write
from valetkey.wire import credential as wire_credential
from valetkey.wire import organization as wire
from valetkey.wire.base import Nothing, Page, read_text

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted
    from valetkey.http.routes import NoQuery
    from valetkey.http.sight import Reads


async def _open(
    admitted: Admitted, ask: Ask[wire.OpenOrganization, NoQuery]
) -> wire.OpenedOrganization:
    opened, secret_key = await organize.open_organization(
        admitted.world,
        admitted.principal,
        admitted.request,
        name=read_text(ask.body.name, "name"),
    )
    return wire.write_opened(opened, secret_key)


async def _children(
    see: Reads, principal: Principal, ask: Ask[None, Paged]
) -> Page[wire.Organization]:
    query = ask.query
    found = await reads.children(
        see, principal, after=cursor_of(query, Prefix.ORGANIZATION), limit=query.limit
    )
    return page(found, wire.write_organization, query)


async def _organization(
    see: Reads, principal: Principal, ask: Ask[None, NoQuery]
) -> wire.Organization:
    return wire.write_organization(await reads.organization(see, principal, key=ask.id))


async def _vendor_meaning(
    admitted: Admitted, ask: Ask[wire.VendorMeaning, NoQuery]
) -> wire.Organization:
    changed = await set_vendor_meaning(
        admitted.world,
        admitted.principal,
        admitted.request,
        organization_id=ask.id,
        surfaces=[Surface(one) for one in ask.body.surfaces],
    )
    return wire.write_organization(changed)


async def _add_user(admitted: Admitted, ask: Ask[wire.AddUser, NoQuery]) -> wire.User:
    user = await organize.add_user(
        admitted.world,
        admitted.principal,
        admitted.request,
        reference=read_text(ask.body.reference, "reference"),
    )
    return wire.write_user(user)


async def _users(see: Reads, principal: Principal, ask: Ask[None, OwnedPage]) -> Page[wire.User]:
    query = ask.query
    found = await reads.listed(
        see,
        principal,
        User,
        organization_id=owner_of(principal, query.organization_id),
        after=cursor_of(query, Prefix.USER),
        limit=query.limit,
    )
    return page(found, wire.write_user, query)


async def _user(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> wire.User:
    return wire.write_user(await reads.owned(see, principal, User, "user", key=ask.id))


async def _add_credential(
    admitted: Admitted, ask: Ask[wire_credential.AddCredential, NoQuery]
) -> wire_credential.AddedCredential:
    body = ask.body
    credential, token = await credentials.add_credential(
        admitted.world,
        admitted.principal,
        admitted.request,
        kind=CredentialKind(body.kind),
        label=read_text(body.label, "label"),
        public_key=wire_credential.read_p256(body.public_key, "public_key"),
        surface=body.surface,
        standing=wire_credential.read_new_standing(body),
    )
    return wire_credential.AddedCredential(
        credential=wire_credential.write_credential(credential), token=token
    )


async def _credentials(
    see: Reads, principal: Principal, ask: Ask[None, OwnedPage]
) -> Page[wire_credential.Credential]:
    query = ask.query
    found = await reads.listed(
        see,
        principal,
        Credential,
        organization_id=owner_of(principal, query.organization_id),
        after=cursor_of(query, Prefix.CREDENTIAL),
        limit=query.limit,
    )
    return page(found, wire_credential.write_credential, query)


async def _credential(
    see: Reads, principal: Principal, ask: Ask[None, NoQuery]
) -> wire_credential.Credential:
    found = await reads.owned(see, principal, Credential, "credential", key=ask.id)
    return wire_credential.write_credential(found)


async def _revoke_credential(
    admitted: Admitted, ask: Ask[Nothing, NoQuery]
) -> wire_credential.Credential:
    revoked = await credentials.revoke_credential(
        admitted.world, admitted.principal, admitted.request, credential_id=ask.id
    )
    return wire_credential.write_credential(revoked)


async def _set_role(
    admitted: Admitted, ask: Ask[wire_credential.SetRole, NoQuery]
) -> wire_credential.Credential:
    changed = await credentials.set_role(
        admitted.world,
        admitted.principal,
        admitted.request,
        credential_id=ask.id,
        standing=wire_credential.read_standing(ask.body.role, ask.body.scopes),
    )
    return wire_credential.write_credential(changed)


ROUTES: Final[tuple[Route, ...]] = (
    Write(
        method="POST",
        path="/v1/organizations",
        who=SECRET,
        scope=Scope.ORGANIZATIONS_WRITE,
        summary="Open a child organization",
        body=wire.OpenOrganization,
        answer=wire.OpenedOrganization,
        status=201,
        handle=_open,
    ),
    Read(
        method="GET",
        path="/v1/organizations",
        who=SECRET,
        scope=Scope.READ,
        summary="List child organizations",
        query=Paged,
        answer=Page[wire.Organization],
        handle=_children,
    ),
    Read(
        method="GET",
        path="/v1/organizations/{organization_id}",
        who=SECRET,
        scope=Scope.READ,
        summary="Show an organization",
        answer=wire.Organization,
        handle=_organization,
    ),
    Write(
        method="POST",
        path="/v1/organizations/{organization_id}/vendor-meaning",
        who=SECRET,
        scope=Scope.CUSTODY_WRITE,
        summary="Say where sessions are opened as wide as the vendor has them",
        body=wire.VendorMeaning,
        answer=wire.Organization,
        handle=_vendor_meaning,
    ),
    Write(
        method="POST",
        path="/v1/users",
        who=SECRET,
        scope=Scope.USERS_WRITE,
        summary="Add a user",
        body=wire.AddUser,
        answer=wire.User,
        status=201,
        handle=_add_user,
    ),
    Read(
        method="GET",
        path="/v1/users",
        who=SECRET,
        scope=Scope.READ,
        summary="List users",
        query=OwnedPage,
        answer=Page[wire.User],
        handle=_users,
    ),
    Read(
        method="GET",
        path="/v1/users/{user_id}",
        who=SECRET,
        scope=Scope.READ,
        summary="Show a user",
        answer=wire.User,
        handle=_user,
    ),
    Write(
        method="POST",
        path="/v1/credentials",
        who=SECRET,
        scope=Scope.CREDENTIALS_WRITE,
        summary="Add a credential; an API key is shown this once",
        body=wire_credential.AddCredential,
        answer=wire_credential.AddedCredential,
        status=201,
        handle=_add_credential,
    ),
    Read(
        method="GET",
        path="/v1/credentials",
        who=SECRET,
        scope=Scope.READ,
        summary="List credentials",
        query=OwnedPage,
        answer=Page[wire_credential.Credential],
        handle=_credentials,
    ),
    Read(
        method="GET",
        path="/v1/credentials/{credential_id}",
        who=SECRET,
        scope=Scope.READ,
        summary="Show a credential",
        answer=wire_credential.Credential,
        handle=_credential,
    ),
    Write(
        method="POST",
        path="/v1/credentials/{credential_id}/revoke",
        who=SECRET,
        scope=Scope.CREDENTIALS_WRITE,
        lane=Lane.STOP,
        summary="Refuse a credential from now on",
        body=Nothing,
        answer=wire_credential.Credential,
        handle=_revoke_credential,
    ),
    Write(
        method="POST",
        path="/v1/credentials/{credential_id}/role",
        who=SECRET,
        scope=Scope.CREDENTIALS_WRITE,
        summary="Give a credential another role; it counts from its next request on",
        body=wire_credential.SetRole,
        answer=wire_credential.Credential,
        handle=_set_role,
    ),
)
