"""Roles: ways to more power than one has, all of them closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows.family import make_child
from tests.worlds import dump
from valetkey.core.audit import AuditLine
from valetkey.core.credential import Credential, CredentialKind
from valetkey.core.errors import Code, Conflict, Forbidden, NotFound, Unauthenticated
from valetkey.core.scope import ROLES, Role, Scope, Standing
from valetkey.flows import credentials, organize, prove
from valetkey.flows.prove import Bearer

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from tests.flows.scene import Scene
    from valetkey.core.principal import Principal

OWNER = Standing(Role.OWNER)
KEYS_ALONE = Standing(Role.OWNER, (Scope.CREDENTIALS_WRITE,))


async def add(
    scene: Scene, standing: Standing, who: Principal | None = None
) -> tuple[Credential, Principal]:
    """Return a new credential of that standing, and who it proves."""
    credential, token = await credentials.add_credential(
        scene.world,
        who or scene.principal,
        scene.request(),
        kind=CredentialKind.SECRET,
        label="",
        public_key=None,
        standing=standing,
    )
    return credential, await prove.authenticate(scene.world, Bearer(token or ""), is_write=True)


async def give(scene: Scene, who: Principal, credential_id: str, standing: Standing) -> Credential:
    """Return the credential with another standing, as *who* wants it."""
    return await credentials.set_role(
        scene.world, who, scene.request(), credential_id=credential_id, standing=standing
    )


async def revoke(scene: Scene, who: Principal, credential_id: str) -> Credential:
    """Return the credential, revoked by *who*."""
    return await credentials.revoke_credential(
        scene.world, who, scene.request(), credential_id=credential_id
    )


def test_each_role_has_what_the_one_below_has() -> None:
    """Owner, operator, auditor; a list of scopes takes away and never adds."""
    assert ROLES[Role.AUDITOR] < ROLES[Role.OPERATOR] < ROLES[Role.OWNER] == frozenset(Scope)
    for role in Role:
        for scope in Scope:
            held = Standing(role, (scope,)).granted
            assert held <= ROLES[role]
            assert held == {Scope.SELF} | ({scope} & ROLES[role])


async def test_nobody_makes_a_credential_with_more_than_they_have(scene: Scene) -> None:
    """Whoever may only make keys makes keys that can do that much, and no more."""
    _, maker = await add(scene, KEYS_ALONE)
    before = await dump(scene.world)
    for standing in (OWNER, Standing(Role.OPERATOR), Standing(Role.AUDITOR)):
        with pytest.raises(Forbidden) as refused:
            await add(scene, standing, maker)
        assert refused.value.code is Code.SCOPE_MISSING
    assert await dump(scene.world) == before
    _, same = await add(scene, KEYS_ALONE, maker)
    assert same.scopes == {Scope.CREDENTIALS_WRITE, Scope.SELF}


async def test_nobody_gives_themselves_or_others_more_than_they_have(scene: Scene) -> None:
    """Nor do they touch the role of whoever has more."""
    mine, maker = await add(scene, KEYS_ALONE)
    other, _ = await add(scene, Standing(Role.OPERATOR))
    before = await dump(scene.world)
    for key, standing in ((mine.id, OWNER), (other.id, OWNER), (other.id, KEYS_ALONE)):
        with pytest.raises(Forbidden) as refused:
            await give(scene, maker, key, standing)
        assert refused.value.code is Code.SCOPE_MISSING
    for role in (Role.OPERATOR, Role.AUDITOR):
        who = (await add(scene, Standing(role)))[1]
        with pytest.raises(Forbidden) as refused:
            await give(scene, who, who.subject_id, OWNER)
        assert refused.value.facts == {"scope": "credentials:write"}
    assert (await dump(scene.world))["Organization"] == before["Organization"]
    kept = await scene.world.store.read(lambda view: view.get(Credential, mine.id))
    assert kept == mine


async def test_a_child_is_no_way_to_more(scene: Scene) -> None:
    """Its first key owns it, held to what its parent's credential could do."""
    standing = Standing(Role.OWNER, (Scope.ORGANIZATIONS_WRITE, Scope.READ))
    _, opener = await add(scene, standing)
    _, token = await organize.open_organization(
        scene.world, opener, scene.request(), name="A way around"
    )
    first = await prove.authenticate(scene.world, Bearer(token or ""), is_write=True)
    assert first.scopes == opener.scopes
    child = await make_child(scene)
    assert child.principal.scopes == frozenset(Scope)


async def test_who_was_lessened_in_between_does_nothing_any_more(scene: Scene) -> None:
    """A proof from before is worth what the credential may do in the transaction that writes."""
    credential, who = await add(scene, OWNER)
    await give(scene, scene.principal, credential.id, Standing(Role.OPERATOR))
    before = await dump(scene.world)
    asked: list[Coroutine[object, object, object]] = [
        add(scene, OWNER, who),
        give(scene, who, credential.id, OWNER),
        revoke(scene, who, scene.principal.subject_id),
        organize.open_organization(scene.world, who, scene.request(), name="x"),
    ]
    for one in asked:
        with pytest.raises(Forbidden) as refused:
            await one
        assert refused.value.code is Code.SCOPE_MISSING
    assert await dump(scene.world) == before
    await revoke(scene, scene.principal, credential.id)
    with pytest.raises(Unauthenticated):
        await add(scene, OWNER, who)


async def test_the_last_owner_stays(scene: Scene) -> None:
    """By a slip nobody locks everybody out; with another owner it can go."""
    mine = scene.principal.subject_id
    held, _ = await add(scene, Standing(Role.OWNER, tuple(Scope)[:-1]))
    for asked in (
        revoke(scene, scene.principal, mine),
        give(scene, scene.principal, mine, Standing(Role.AUDITOR)),
        give(scene, scene.principal, mine, Standing(Role.OWNER, (Scope.READ,))),
    ):
        with pytest.raises(Conflict) as refused:
            await asked
        assert refused.value.code is Code.LAST_OWNER
    assert held.standing is not None
    _, another = await add(scene, OWNER)
    assert (await revoke(scene, scene.principal, mine)).revoked_at == scene.clock.now()
    with pytest.raises(Conflict):
        await revoke(scene, another, another.subject_id)


async def test_of_two_owners_that_end_each_other_one_stays(stored: Scene) -> None:
    """Also when both ask at once: the second sees what the first did."""
    one, two = stored.principal, (await add(stored, OWNER))[1]
    await revoke(stored, one, two.subject_id)
    with pytest.raises(Unauthenticated):
        await revoke(stored, two, one.subject_id)
    kept = await stored.world.store.read(lambda view: view.get(Credential, one.subject_id))
    assert kept is not None
    assert kept.is_owner


async def test_those_above_lessen_and_never_widen(scene: Scene) -> None:
    """They may take away even the last owner, for that stops the organization."""
    child = await make_child(scene)
    key = child.principal.subject_id
    lessened = await give(scene, scene.principal, key, Standing(Role.AUDITOR))
    assert lessened.granted == ROLES[Role.AUDITOR]
    with pytest.raises(Forbidden) as refused:
        await give(scene, scene.principal, key, Standing(Role.OPERATOR))
    assert refused.value.code is Code.NOT_ALLOWED
    with pytest.raises(NotFound):
        await give(scene, (await make_child(scene)).principal, key, Standing(Role.AUDITOR))


async def test_a_publishable_key_has_no_role(scene: Scene) -> None:
    """What may be in a browser is nobody."""
    public, _ = await credentials.add_credential(
        scene.world,
        scene.principal,
        scene.request(),
        kind=CredentialKind.PUBLISHABLE,
        label="",
        public_key=None,
    )
    assert public.granted == frozenset()
    with pytest.raises(Forbidden) as refused:
        await give(scene, scene.principal, public.id, Standing(Role.AUDITOR))
    assert refused.value.code is Code.NOT_ALLOWED


async def test_the_log_says_who_was_made_what(scene: Scene) -> None:
    """Role and scopes are in the audit log, once for a request that is repeated."""
    credential, _ = await add(scene, Standing(Role.OPERATOR))
    request = scene.request()
    for _ in range(2):
        await credentials.set_role(
            scene.world,
            scene.principal,
            request,
            credential_id=credential.id,
            standing=Standing(Role.AUDITOR, (Scope.READ,)),
        )
    lines = await scene.world.store.read(lambda view: view.find(AuditLine))
    told = [one for one in lines if one.event == "credential:role_set"]
    assert len(told) == 1
    assert dict(told[0].facts) == {"kind": "secret", "role": "auditor", "scopes": "read"}
