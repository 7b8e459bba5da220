"""Organizations, users and credentials: made, listed, withdrawn."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from valetkey.core.budget import BudgetLine
from valetkey.core.chain import Counter
from valetkey.core.credential import Credential, CredentialKind
from valetkey.core.errors import Code, Limited, Malformed
from valetkey.core.ids import Prefix
from valetkey.core.organization import MAX_LEVELS, Organization, User
from valetkey.core.sponsorship import Fund, fund_line_id
from valetkey.core.surface import Surface
from valetkey.core.token import TOKEN_BYTES, TokenPrefix, fingerprint, make_token
from valetkey.flows.gate import expect_reach, expect_secret, present
from valetkey.flows.record import audit, begin, earlier, write_down

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.core.wallet import PublicKey
    from valetkey.flows.world import World
    from valetkey.ports import Tx

_PREFIXES = {
    CredentialKind.SECRET: TokenPrefix.SECRET_KEY,
    CredentialKind.PUBLISHABLE: TokenPrefix.PUBLISHABLE_KEY,
}


async def found(world: World, *, name: str) -> tuple[Organization, str]:
    """
    Return a new organization without a parent, and its first secret key, shown this once.

    Only whoever runs the server can do this: no route leads here.
    """
    organization = Organization(
        id=world.new_id(Prefix.ORGANIZATION),
        parent_id=None,
        name=name,
        created_at=world.clock.now(),
    )
    credential, token = _new_credential(
        world, organization.id, CredentialKind.SECRET, "first", None
    )

    def body(tx: Tx) -> None:
        _add_organization(world, tx, organization, principal_id="operator")
        _add_first(tx, credential, principal_id="operator")

    await world.store.write(body)
    return organization, token or ""


async def open_organization(
    world: World, principal: Principal, request: Request, *, name: str
) -> tuple[Organization, str | None]:
    """
    Return a child of the principal's organization, with funds of its own, and its first secret key.

    The key is shown this once, None when the request is repeated: whoever opened the child hands it
    on, and acts for the child as long as they keep it. The child revokes it when it has its own.

    Raises:
        Limited: As many organizations as the operator allows stand below the first one, for each
            spends the operator's money; or as many levels as there may be.
    """
    expect_secret(principal)
    organization = Organization(
        id=world.new_id(Prefix.ORGANIZATION),
        parent_id=principal.organization_id,
        name=name,
        created_at=world.clock.now(),
    )
    credential, token = _new_credential(
        world, organization.id, CredentialKind.SECRET, "first", None
    )

    def body(tx: Tx) -> tuple[Organization, str | None]:
        before = earlier(tx, principal, request)
        if before is not None:
            return present(tx.get(Organization, before.subject_id), "organization"), None
        _expect_room(tx, principal.organization_id, most=world.bounds.children)
        _add_organization(world, tx, organization, principal_id=principal.subject_id)
        _add_first(tx, credential, principal_id=principal.subject_id)
        activity = begin(
            world,
            principal,
            request,
            "organization:open",
            organization_id=principal.organization_id,
            subject_id=organization.id,
        )
        write_down(tx, activity, "organization:opened")
        return organization, token

    return await world.store.write(body)


async def add_user(world: World, principal: Principal, request: Request, *, reference: str) -> User:
    """Return a new user of the principal's organization."""
    expect_secret(principal)
    user = User(
        id=world.new_id(Prefix.USER),
        organization_id=principal.organization_id,
        reference=reference,
        created_at=world.clock.now(),
    )

    def body(tx: Tx) -> User:
        before = earlier(tx, principal, request)
        if before is not None:
            return present(tx.get(User, before.subject_id), "user")
        tx.add(user)
        owner = user.organization_id
        activity = begin(
            world, principal, request, "user:add", organization_id=owner, subject_id=user.id
        )
        write_down(tx, activity, "user:added")
        return user

    return await world.store.write(body)


async def add_credential(
    world: World,
    principal: Principal,
    request: Request,
    *,
    kind: CredentialKind,
    label: str,
    public_key: PublicKey | None,
    surface: Surface = Surface.NATIVE,
) -> tuple[Credential, str | None]:
    """
    Return a new credential, and its API key, shown this once; None when the request is repeated.

    Args:
        surface: Where it works.

    Raises:
        Malformed: A P-256 credential without its key, or an API key with one.
    """
    expect_secret(principal)
    if (kind is CredentialKind.P256) != (public_key is not None):
        expected = "a public_key" if kind is CredentialKind.P256 else "no public_key"
        raise Malformed(Code.MALFORMED_BODY, f"public_key: expected {expected} for kind {kind}")
    credential, token = _new_credential(world, principal.organization_id, kind, label, public_key)
    credential = replace(credential, surface=surface)

    def body(tx: Tx) -> tuple[Credential, str | None]:
        before = earlier(tx, principal, request)
        if before is not None:
            return present(tx.get(Credential, before.subject_id), "credential"), None
        tx.add(credential)
        activity = begin(
            world,
            principal,
            request,
            "credential:add",
            organization_id=credential.organization_id,
            subject_id=credential.id,
        )
        write_down(tx, activity, "credential:added", kind=credential.kind.value)
        return credential, token

    return await world.store.write(body)


async def revoke_credential(
    world: World, principal: Principal, request: Request, *, credential_id: str
) -> Credential:
    """Return the credential, refused from now on. A parent may do this for its child."""
    expect_secret(principal)
    now = world.clock.now()

    def body(tx: Tx) -> Credential:
        credential = present(tx.get(Credential, credential_id), "credential")
        expect_reach(tx, principal, credential.organization_id, "credential")
        if earlier(tx, principal, request) is not None or credential.revoked_at is not None:
            return credential
        revoked = replace(credential, revoked_at=now)
        tx.put(revoked)
        activity = begin(
            world,
            principal,
            request,
            "credential:revoke",
            organization_id=credential.organization_id,
            subject_id=credential.id,
        )
        write_down(tx, activity, "credential:revoked")
        return revoked

    return await world.store.write(body)


def _add_first(tx: Tx, credential: Credential, *, principal_id: str) -> None:
    tx.add(credential)
    audit(
        tx,
        credential.organization_id,
        "credential:added",
        at=credential.created_at,
        subject_id=credential.id,
        principal_id=principal_id,
        kind=credential.kind.value,
    )


def _new_credential(
    world: World,
    organization_id: str,
    kind: CredentialKind,
    label: str,
    public_key: PublicKey | None,
) -> tuple[Credential, str | None]:
    prefix = _PREFIXES.get(kind)
    token = make_token(prefix, world.entropy.take(TOKEN_BYTES)) if prefix else None
    credential = Credential(
        id=world.new_id(Prefix.CREDENTIAL),
        organization_id=organization_id,
        kind=kind,
        label=label,
        fingerprint=fingerprint(token) if token else None,
        public_key=public_key,
        created_at=world.clock.now(),
    )
    return credential, token


def _expect_room(tx: Tx, organization_id: str, *, most: int) -> None:
    """Let pass if fewer than *most* stand below the first one: children of children count, too."""
    first = present(tx.get(Organization, organization_id), "organization")
    levels = 0
    while first.parent_id is not None:
        first = present(tx.get(Organization, first.parent_id), "organization")
        levels += 1
    if levels == MAX_LEVELS:
        detail = f"expected at most {MAX_LEVELS} levels of organizations below the first one"
        raise Limited(Code.TOO_MANY_CHILDREN, f"{detail}, got one more")
    below = [first]
    for one in below:
        left = most - len(below) + 1
        if left <= 0:
            detail = f"expected at most {most} organizations below the first one, got one more"
            raise Limited(Code.TOO_MANY_CHILDREN, f"{detail}; the operator sets bounds.children")
        below += tx.find(Organization, parent_id=one.id, limit=left)


def _add_organization(
    world: World, tx: Tx, organization: Organization, *, principal_id: str
) -> None:
    tx.add(organization)
    for fund, limit in (
        (Fund.RUNS, world.bounds.runs_fund_wei),
        (Fund.STOPS, world.bounds.stops_fund_wei),
    ):
        line = BudgetLine(
            id=fund_line_id(organization.id, fund),
            organization_id=organization.id,
            scope_id=organization.id,
            asset="fees",
            limit=limit,
            window_s=0,
            starts_at=organization.created_at,
            counter=Counter(0, 0),
        )
        tx.add(line)
    audit(
        tx,
        organization.id,
        "organization:opened",
        at=organization.created_at,
        subject_id=organization.id,
        principal_id=principal_id,
    )
