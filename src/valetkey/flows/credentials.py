"""Credentials of an organization: added, given another role, revoked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from valetkey.core.credential import Credential, CredentialKind
from valetkey.core.errors import Code, Forbidden, Malformed
from valetkey.core.ids import Prefix
from valetkey.core.quota import Quota
from valetkey.core.scope import Role, Scope, Standing
from valetkey.core.surface import Surface
from valetkey.core.token import TokenPrefix, entropy_of, fingerprint, make_token
from valetkey.flows.counts import count_one, count_one_less
from valetkey.flows.credential_keys import keep_key
from valetkey.flows.gate import expect_reach, expect_scope, present
from valetkey.flows.record import admit, audit, begin, write_down
from valetkey.flows.roles import expect_another_owner, expect_still, expect_within

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.core.wallet import PublicKey
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

OPERATOR: Final = Standing(Role.OPERATOR)
_PREFIXES: Final = {
    (Surface.NATIVE, CredentialKind.SECRET): TokenPrefix.SECRET_KEY,
    (Surface.NATIVE, CredentialKind.PUBLISHABLE): TokenPrefix.PUBLISHABLE_KEY,
    (Surface.PORTAL, CredentialKind.SECRET): TokenPrefix.CUSTODIAN_KEY,
    (Surface.PARA, CredentialKind.SECRET): TokenPrefix.PARA_SECRET_KEY,
    (Surface.PARA, CredentialKind.PUBLISHABLE): TokenPrefix.PARA_PUBLISHABLE_KEY,
    (Surface.OPENFORT, CredentialKind.SECRET): TokenPrefix.OPENFORT_SECRET_KEY,
    (Surface.OPENFORT, CredentialKind.PUBLISHABLE): TokenPrefix.OPENFORT_PUBLISHABLE_KEY,
}


async def add_credential(
    world: World,
    principal: Principal,
    request: Request,
    *,
    kind: CredentialKind,
    label: str,
    public_key: PublicKey | None,
    surface: Surface = Surface.NATIVE,
    standing: Standing | None = OPERATOR,
) -> tuple[Credential, str | None]:
    """
    Return a new credential, and its API key, shown this once; None when the request is repeated.

    Args:
        surface: Where it works.
        standing: Who it is; a publishable key is nobody, whatever this says.

    Raises:
        Malformed: A P-256 credential without its key, or an API key with one; or the surface has
            none of this kind.
        Forbidden: It would have a scope that the principal has not.
    """
    expect_scope(principal, Scope.CREDENTIALS_WRITE)
    if (kind is CredentialKind.P256) != (public_key is not None):
        expected = "a public_key" if kind is CredentialKind.P256 else "no public_key"
        raise Malformed(Code.MALFORMED_BODY, f"public_key: expected {expected} for kind {kind}")
    credential, token = _made(world, principal.organization_id, kind, surface)
    credential = replace(credential, label=label, public_key=public_key)
    if kind is not CredentialKind.PUBLISHABLE:
        credential = replace(credential, standing=standing)
    credential = await keep_key(world, credential, token)

    def body(tx: Tx) -> tuple[Credential, str | None]:
        before = admit(world, tx, principal, request)
        if before is not None:
            return present(tx.get(Credential, before.subject_id), "credential"), None
        expect_within(tx, principal, credential.granted)
        count_one(world, tx, credential.organization_id, Quota.CREDENTIALS)
        tx.add(credential)
        activity = begin(
            world,
            principal,
            request,
            "credential:add",
            organization_id=credential.organization_id,
            subject_id=credential.id,
        )
        write_down(world, tx, activity, "credential:added", **_facts(credential))
        return credential, token

    return await world.store.write(body)


async def set_role(
    world: World,
    principal: Principal,
    request: Request,
    *,
    credential_id: str,
    standing: Standing,
) -> Credential:
    """
    Return the credential, which may do what *standing* says, from its next request on.

    A parent may lessen what a credential of its child may do, never add to it.

    Raises:
        Forbidden: It is publishable, or it has or would have a scope that the principal has not.
        Conflict: It is the last owner of the organization that asks.
    """
    expect_scope(principal, Scope.CREDENTIALS_WRITE)
    wanted = standing.granted

    def body(tx: Tx) -> Credential:
        credential = present(tx.get(Credential, credential_id), "credential")
        widens = not wanted <= credential.granted
        expect_reach(tx, principal, credential.organization_id, "credential", widens=widens)
        if admit(world, tx, principal, request) is not None:
            return credential
        if credential.standing is None:
            detail = "expected a secret or P-256 credential, got a publishable one: it has no role"
            raise Forbidden(Code.NOT_ALLOWED, detail)
        expect_within(tx, principal, wanted | credential.granted)
        changed = replace(credential, standing=standing)
        if credential.is_owner and not changed.is_owner:
            expect_another_owner(tx, principal, credential)
        tx.put(changed)
        activity = begin(
            world,
            principal,
            request,
            "credential:set_role",
            organization_id=credential.organization_id,
            subject_id=credential.id,
        )
        write_down(world, tx, activity, "credential:role_set", **_facts(changed))
        return changed

    return await world.store.write(body)


async def revoke_credential(
    world: World, principal: Principal, request: Request, *, credential_id: str
) -> Credential:
    """
    Return the credential, refused from now on. A parent may do this for its child.

    Raises:
        Conflict: It is the last owner of the organization that asks.
    """
    expect_scope(principal, Scope.CREDENTIALS_WRITE)
    now = world.clock.now()

    def body(tx: Tx) -> Credential:
        credential = present(tx.get(Credential, credential_id), "credential")
        expect_reach(tx, principal, credential.organization_id, "credential")
        if admit(world, tx, principal, request) is not None or credential.revoked_at is not None:
            return credential
        expect_still(tx, principal, Scope.CREDENTIALS_WRITE)
        expect_another_owner(tx, principal, credential)
        revoked = replace(credential, revoked_at=now, sealed_key=None)
        tx.put(revoked)
        count_one_less(tx, credential.organization_id, Quota.CREDENTIALS)
        activity = begin(
            world,
            principal,
            request,
            "credential:revoke",
            organization_id=credential.organization_id,
            subject_id=credential.id,
        )
        write_down(world, tx, activity, "credential:revoked")
        return revoked

    return await world.store.write(body)


def new_owner(world: World, organization_id: str) -> tuple[Credential, str]:
    """Return the first credential of a new organization, which may do everything, and its key."""
    credential, token = _made(world, organization_id, CredentialKind.SECRET, Surface.NATIVE)
    return replace(credential, label="first", standing=Standing(Role.OWNER)), token or ""


def owner_for(view: View, principal: Principal, owner: Credential) -> Credential:
    """
    Return *owner* of a child, held to what *principal* may do.

    Raises:
        Unauthenticated, Forbidden: It may not open children, or not any more.
    """
    has = expect_still(view, principal, Scope.ORGANIZATIONS_WRITE)
    if has >= owner.granted:
        return owner
    return replace(owner, standing=Standing(Role.OWNER, tuple(sorted(has))))


def add_first(world: World, tx: Tx, credential: Credential, *, principal_id: str) -> None:
    """Add the first credential of a new organization, with a line in its log."""
    count_one(world, tx, credential.organization_id, Quota.CREDENTIALS)
    tx.add(credential)
    audit(
        tx,
        credential.organization_id,
        "credential:added",
        at=credential.created_at,
        subject_id=credential.id,
        principal_id=principal_id,
        **_facts(credential),
    )


def _facts(credential: Credential) -> dict[str, str]:
    facts = {"kind": credential.kind.value}
    if credential.standing is not None:
        facts |= {"role": credential.standing.role.value}
        if credential.standing.scopes is not None:
            facts |= {"scopes": " ".join(credential.standing.scopes)}
    return facts


def _made(
    world: World, organization_id: str, kind: CredentialKind, surface: Surface
) -> tuple[Credential, str | None]:
    token = None
    if kind is not CredentialKind.P256:
        prefix = _PREFIXES.get((surface, kind))
        if prefix is None:
            detail = f"surface: expected one that has keys of kind {kind}, got {surface}"
            raise Malformed(Code.MALFORMED_BODY, detail)
        token = make_token(prefix, world.entropy.take(entropy_of(prefix)))
    credential = Credential(
        id=world.new_id(Prefix.CREDENTIAL),
        organization_id=organization_id,
        kind=kind,
        label="",
        fingerprint=fingerprint(token) if token else None,
        public_key=None,
        created_at=world.clock.now(),
        surface=surface,
    )
    return credential, token
