"""A code for one use becomes a narrower session of a backend's own."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.worlds import make_organization
from valetkey.core.command import OpenSession
from valetkey.core.errors import Code, Forbidden, Limited, Malformed, Unauthenticated
from valetkey.core.hand_off import MOST, MOST_S, HandOff
from valetkey.core.principal import Access, Principal, PrincipalKind
from valetkey.core.session import Proof, Session, State
from valetkey.flows.hand_off import hand_off, redeem
from valetkey.flows.open_session import open_session
from valetkey.flows.stop import revoke

if TYPE_CHECKING:
    from tests.flows.scene import Scene
    from valetkey.core.child_session import Beyond
    from valetkey.core.permission.model import Permission
    from valetkey.flows.opening import Opened


def reader(scene: Scene, **changes: object) -> OpenSession:
    """Return what asks for a session that reads for an hour."""
    now = scene.clock.now()
    command = OpenSession(
        proof=Proof.BEARER,
        access=Access.READ,
        user_id=None,
        account_id=None,
        key=None,
        permission=None,
        starts_at=now,
        expires_at=now + 3600,
        idle_s=None,
        label="",
        device="",
    )
    return replace(command, **changes)  # type: ignore[arg-type]


async def browser(scene: Scene) -> Principal:
    """Open a session that reads, and return whom its token proves."""
    opened = await open_session(scene.world, scene.principal, scene.request(), reader(scene))
    session = opened.session
    return Principal(PrincipalKind.SESSION, session.organization_id, session.id, Access.READ)


async def within(_child: Permission, _parent: Permission) -> Beyond | None:
    """Say that it is within: nothing here has a permission."""
    return None


async def redeemed(
    scene: Scene, code: str, principal: Principal | None = None, **changes: object
) -> Opened:
    """Redeem *code* for a session that reads for a minute."""
    now = scene.clock.now()
    command = reader(scene, expires_at=now + 60, **changes)
    return await redeem(
        scene.world,
        principal or scene.principal,
        scene.request(),
        code=code,
        asks=lambda _parent: command,
        compare=within,
    )


async def test_a_code_becomes_a_session_under_the_one_handed_off(stored: Scene) -> None:
    """With a token of its own; it ends with its parent."""
    holder = await browser(stored)
    given = await hand_off(stored.world, holder, access=Access.READ, ttl_s=60)
    opened = await redeemed(stored, given.code)
    assert opened.token is not None
    assert opened.session.parent_id == holder.subject_id
    await revoke(stored.world, stored.principal, stored.request(), session_id=holder.subject_id)
    child = await stored.world.store.read(lambda view: view.get(Session, opened.session.id))
    assert child is not None
    assert child.state is State.REVOKED


async def test_a_code_is_used_once(stored: Scene) -> None:
    """The second time it is as unknown as any other."""
    given = await hand_off(stored.world, await browser(stored), access=Access.READ, ttl_s=60)
    await redeemed(stored, given.code)
    with pytest.raises(Unauthenticated) as refused:
        await redeemed(stored, given.code)
    assert refused.value.code is Code.CODE_REFUSED


async def test_of_many_at_once_one_uses_the_code(stored: Scene) -> None:
    """The code goes in the transaction that opens the session."""
    given = await hand_off(stored.world, await browser(stored), access=Access.READ, ttl_s=60)
    tried = (redeemed(stored, given.code) for _ in range(8))
    told = await asyncio.gather(*tried, return_exceptions=True)
    assert sorted(type(one).__name__ for one in told) == ["Opened", *["Unauthenticated"] * 7]


async def test_a_code_runs_out(scene: Scene) -> None:
    """At its last second it works, and one later it does not."""
    holder = await browser(scene)
    first = await hand_off(scene.world, holder, access=Access.READ, ttl_s=60)
    second = await hand_off(scene.world, holder, access=Access.READ, ttl_s=60)
    scene.clock.advance(59)
    await redeemed(scene, first.code)
    scene.clock.advance(1)
    with pytest.raises(Unauthenticated):
        await redeemed(scene, second.code)


async def test_a_code_is_for_its_organization(scene: Scene) -> None:
    """Another one is refused, and does not use it up."""
    stranger = (await make_organization(scene.world)).principal
    given = await hand_off(scene.world, await browser(scene), access=Access.READ, ttl_s=60)
    with pytest.raises(Unauthenticated) as refused:
        await redeemed(scene, given.code, stranger)
    assert refused.value.code is Code.CODE_REFUSED
    await redeemed(scene, given.code)


async def test_no_session_hands_off_more_than_it_is(scene: Scene) -> None:
    """One that reads hands off no writing; and a code for reading opens nothing that writes."""
    holder = await browser(scene)
    with pytest.raises(Forbidden) as refused:
        await hand_off(scene.world, holder, access=Access.WRITE, ttl_s=60)
    assert refused.value.code is Code.READ_ONLY
    given = await hand_off(scene.world, holder, access=Access.READ, ttl_s=60)
    with pytest.raises(Forbidden) as refused:
        await redeemed(scene, given.code, proof=Proof.STAMP, access=Access.WRITE)
    assert refused.value.code is Code.NOT_WITHIN_PARENT
    await redeemed(scene, given.code)  # what is refused changes nothing


async def test_a_proof_that_reads_hands_off_no_writing(scene: Scene) -> None:
    """Although the session writes: its proof by DPoP covers no body."""
    held = await scene.open(await scene.wallet(), proof=Proof.STAMP)
    session = held.session
    holder = Principal(
        PrincipalKind.SESSION, session.organization_id, session.id, Access.READ, key=session.key
    )
    with pytest.raises(Forbidden) as refused:
        await hand_off(scene.world, holder, access=Access.WRITE, ttl_s=60)
    assert refused.value.code is Code.READ_ONLY
    writes = holder._replace(access=Access.WRITE)
    given = await hand_off(scene.world, writes, access=Access.WRITE, ttl_s=60)
    assert given.expires_at == scene.clock.now() + 60


async def test_a_session_that_is_over_hands_nothing_off(scene: Scene) -> None:
    """Revoked between its proof and the code."""
    holder = await browser(scene)
    given = await hand_off(scene.world, holder, access=Access.READ, ttl_s=60)
    await revoke(scene.world, scene.principal, scene.request(), session_id=holder.subject_id)
    with pytest.raises(Unauthenticated):
        await hand_off(scene.world, holder, access=Access.READ, ttl_s=60)
    with pytest.raises(Forbidden) as refused:
        await redeemed(scene, given.code)
    assert refused.value.code is Code.SESSION_REVOKED


async def test_hand_offs_are_bounded_and_forgotten(scene: Scene) -> None:
    """In number and in time; a secret key has none to give, and no code is in the store."""
    holder = await browser(scene)
    codes = [
        (await hand_off(scene.world, holder, access=Access.READ, ttl_s=60)).code
        for _ in range(MOST)
    ]
    with pytest.raises(Limited):
        await hand_off(scene.world, holder, access=Access.READ, ttl_s=60)
    scene.clock.advance(60)
    await hand_off(scene.world, holder, access=Access.READ, ttl_s=60)
    kept = repr(await scene.world.store.read(lambda view: view.find(HandOff)))
    assert not any(code in kept for code in codes)
    for ttl_s in (0, MOST_S + 1):
        with pytest.raises(Malformed):
            await hand_off(scene.world, holder, access=Access.READ, ttl_s=ttl_s)
    with pytest.raises(Forbidden):
        await hand_off(scene.world, scene.principal, access=Access.READ, ttl_s=60)
