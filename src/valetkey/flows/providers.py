"""Whom an organization trusts to name its users: set, listed, removed by its owner."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from valetkey.core.errors import Code, Limited
from valetkey.core.identity import MAX_PROVIDERS, IdentityProvider, check_provider, provider_id
from valetkey.core.scope import Scope
from valetkey.flows.gate import expect_scope, present
from valetkey.flows.record import admit, begin, write_down

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.flows.sight import Sight
    from valetkey.flows.world import World
    from valetkey.ports import Tx


async def set_provider(
    world: World, principal: Principal, request: Request, wanted: IdentityProvider
) -> IdentityProvider:
    """
    Return the provider, whose ID tokens log the organization's users in from now on.

    One of the same name is replaced: users whom it vouched for stay who they are.

    Args:
        wanted: Its id and organization are not looked at: it is the principal's.

    Raises:
        Malformed: It is none (`check_provider`), or its keys are where nothing may be asked for.
        Forbidden: The principal has not the scope ``credentials:write``.
        Limited: There are as many as there may be.
    """
    expect_scope(principal, Scope.CREDENTIALS_WRITE)
    owner = principal.organization_id
    wanted = check_provider(
        replace(wanted, id=provider_id(owner, wanted.name), organization_id=owner)
    )
    if wanted.keys_url:
        await world.outbound.check(wanted.keys_url)

    def body(tx: Tx) -> IdentityProvider:
        if admit(world, tx, principal, request) is not None:
            return present(tx.get(IdentityProvider, wanted.id), "provider")
        known = tx.find(IdentityProvider, organization_id=owner, limit=MAX_PROVIDERS)
        if len(known) == MAX_PROVIDERS and wanted.id not in {one.id for one in known}:
            detail = f"expected at most {MAX_PROVIDERS} identity providers, got one more"
            raise Limited(Code.QUOTA_EXCEEDED, detail)
        tx.put(wanted)
        _note(world, tx, (principal, request), wanted, "set")
        return wanted

    return await world.store.write(body)


async def remove_provider(
    world: World, principal: Principal, request: Request, *, name: str
) -> IdentityProvider:
    """
    Return the provider whose tokens are refused from now on.

    Raises:
        NotFound: There is none of that name.
        Forbidden: The principal has not the scope ``credentials:write``.
    """
    expect_scope(principal, Scope.CREDENTIALS_WRITE)
    id_ = provider_id(principal.organization_id, name)

    def body(tx: Tx) -> IdentityProvider:
        admit(world, tx, principal, request)
        found = present(tx.get(IdentityProvider, id_), "provider")
        tx.drop(IdentityProvider, id_)
        _note(world, tx, (principal, request), found, "removed")
        return found

    return await world.store.write(body)


async def providers(world: Sight, principal: Principal) -> list[IdentityProvider]:
    """Return whom the principal's organization trusts to name its users."""
    expect_scope(principal, Scope.READ)
    owner = principal.organization_id
    return await world.store.read(
        lambda view: view.find(IdentityProvider, organization_id=owner, limit=MAX_PROVIDERS)
    )


def _note(
    world: World, tx: Tx, who: tuple[Principal, Request], provider: IdentityProvider, action: str
) -> None:
    owner, name = provider.organization_id, f"organization:identity_provider_{action}"
    activity = begin(world, *who, name, organization_id=owner, subject_id=owner)
    write_down(world, tx, activity, name, name=provider.name, issuer=provider.issuer)
