"""Calls of an account that are to be signed: who may ask for them, carry them, and for which."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.flows.executing import (
    ask,
    authorization_of,
    bring,
    client,
    publishable,
    sign,
    signature_of,
    user,
)
from tests.flows.scene import ALICE, BOB, USDC
from tests.flows.sponsors import CALLS, sponsorship
from tests.worlds import dump
from valetkey.core.activity import ActivityState, Request
from valetkey.core.errors import (
    Code,
    Conflict,
    Forbidden,
    Limited,
    Malformed,
    NotFound,
    Unauthenticated,
    ValetkeyError,
)
from valetkey.core.permission.model import Call
from valetkey.core.principal import ANONYMOUS, Access
from valetkey.core.surface import Surface
from valetkey.core.wallet import OwnerKey
from valetkey.devchain import DevKey, transact
from valetkey.flows import organize

if TYPE_CHECKING:
    from tests.flows.scene import Holding, Scene
    from valetkey.core.principal import Principal

OUTSIDE = OwnerKey.OUTSIDE


async def test_the_same_request_is_one_plan(scene: Scene) -> None:
    """Asked again, at once or later, also when it is signed; another body is refused."""
    holding = await scene.wallet(OUTSIDE)
    request = scene.request()
    asked = [ask(scene, holding, scene.transfer(USDC), request=request) for _ in range(2)]
    first, second = await asyncio.gather(*asked)
    assert first == second
    done = await sign(scene, first, holding.secret)
    assert await ask(scene, holding, scene.transfer(USDC), request=request) == done
    with pytest.raises(Conflict) as refused:
        await ask(scene, holding, request=Request(request.id, "other"))
    assert refused.value.code is Code.REQUEST_ID_REUSED


async def test_a_client_acts_for_its_own_user(scene: Scene) -> None:
    """It asks and carries for accounts of its user, if a policy pays; no others."""
    ada, bob = await user(scene, "ada"), await user(scene, "bob")
    mine, theirs = [await scene.wallet(OUTSIDE, user_id=one.id) for one in (ada, bob)]
    nobodys = await scene.wallet(OUTSIDE)
    who = await client(scene, ada.id)
    with pytest.raises(Forbidden) as refused:
        await ask(scene, mine, scene.transfer(1), principal=who)
    assert refused.value.code is Code.NOT_SPONSORED
    paid = (await sponsorship(scene, CALLS)).id
    asked = await ask(scene, mine, scene.transfer(1), principal=who, sponsorship_id=paid)
    assert mine.secret is not None
    done = await bring(scene, asked, signature_of(asked, mine.secret), principal=who)
    assert done.state is ActivityState.DONE
    for other in (theirs, nobodys):
        with pytest.raises(NotFound):
            await ask(scene, other, scene.transfer(1), principal=who)
        asked = await ask(scene, other, scene.transfer(1))
        assert other.secret is not None
        with pytest.raises(NotFound):
            await bring(scene, asked, signature_of(asked, other.secret), principal=who)


async def test_a_publishable_key_only_carries(scene: Scene) -> None:
    """The signature is the proof; the key asks for nothing."""
    holding = await scene.wallet(OUTSIDE)
    page = await publishable(scene)
    asked = await ask(scene, holding, scene.transfer(1))
    with pytest.raises(Forbidden) as refused:
        await ask(scene, holding, scene.transfer(1), principal=page)
    assert refused.value.code is Code.READ_ONLY
    assert holding.secret is not None
    with pytest.raises(Malformed):
        await bring(scene, asked, bytes(65), principal=page)
    done = await bring(scene, asked, signature_of(asked, holding.secret), principal=page)
    assert done.state is ActivityState.DONE


async def _strangers(scene: Scene, holding: Holding) -> list[tuple[Principal, type, Code]]:
    held = await scene.open(holding)
    native = await scene.open(holding, proof=held.session.proof)
    child, _ = await organize.open_organization(
        scene.world, scene.principal, scene.request(), name="child"
    )
    ada = await user(scene)
    below = scene.principal._replace(organization_id=child.id)
    return [
        (ANONYMOUS, Unauthenticated, Code.PROOF_MISSING),
        (scene.principal._replace(scopes=frozenset()), Forbidden, Code.SCOPE_MISSING),
        (scene.principal._replace(access=Access.READ), Forbidden, Code.READ_ONLY),
        (below, NotFound, Code.NOT_FOUND),
        (native.principal, Forbidden, Code.NOT_ALLOWED),
        (await client(scene, ada.id, surface=Surface.PORTAL), Forbidden, Code.NOT_ALLOWED),
    ]


async def test_nobody_else_asks(scene: Scene) -> None:
    """No session of ours, no client of another surface, nobody without the scope."""
    ada = await user(scene, "owner")
    holding = await scene.wallet(OUTSIDE, user_id=ada.id)
    strangers = await _strangers(scene, holding)
    before = await dump(scene.world)
    for who, error, code in strangers:
        with pytest.raises(ValetkeyError) as refused:
            await ask(scene, holding, scene.transfer(1), principal=who)
        assert (type(refused.value), refused.value.code) == (error, code)
    assert await dump(scene.world) == before


async def test_what_is_asked_for_is_looked_at_first(scene: Scene) -> None:
    """Calls of the account to itself or to its code, and more of them than there may be."""
    holding = await scene.wallet(OUTSIDE)
    before = await dump(scene.world)
    calls: list[Call]
    for calls in (
        [Call(holding.account.address, 0, b"")],
        [Call(scene.chain.implementation, 0, b"")],
        [scene.transfer(1)] * 65,
    ):
        with pytest.raises(Malformed):
            await ask(scene, holding, *calls)
    assert await dump(scene.world) == before


async def test_an_account_without_our_code_needs_an_authorization(scene: Scene) -> None:
    """Its own, for our code and its present nonce; then it is delegated in the same transaction."""
    holding = await scene.wallet(OUTSIDE, is_delegated=False)
    with pytest.raises(Conflict) as refused:
        await ask(scene, holding, scene.transfer(1))
    assert refused.value.code is Code.NOT_DELEGATED
    good = authorization_of(scene, holding)
    other = await scene.wallet(OUTSIDE, is_delegated=False)
    for wrong in (
        bytes(65),
        b"",
        authorization_of(scene, holding, nonce=1),
        authorization_of(scene, holding, chain="eip155:1"),
        authorization_of(scene, holding, delegate=BOB),
        authorization_of(scene, other),
    ):
        with pytest.raises(Malformed):
            await ask(scene, holding, scene.transfer(1), authorization=wrong)
    asked = [await ask(scene, holding, scene.transfer(1), authorization=good) for _ in range(2)]
    for one in asked:
        done = await sign(scene, one, holding.secret)
        assert done.state is ActivityState.DONE
    assert await scene.balance(ALICE) == 2


async def test_an_authorization_that_is_used_up_is_asked_for_again(scene: Scene) -> None:
    """Its account has sent something since: it would be mined and do nothing."""
    holding = await scene.wallet(OUTSIDE, is_delegated=False)
    assert holding.secret is not None
    given = authorization_of(scene, holding)
    asked = await ask(scene, holding, scene.transfer(1), authorization=given)
    transact(scene.rpc, DevKey(holding.secret, holding.account.address), BOB, value_wei=1)
    before = await dump(scene.world)
    with pytest.raises(Conflict) as refused:
        await sign(scene, asked, holding.secret)
    assert refused.value.code is Code.NOT_DELEGATED
    assert await dump(scene.world) == before
    given = authorization_of(scene, holding, nonce=1)
    asked = await ask(scene, holding, scene.transfer(1), authorization=given)
    assert (await sign(scene, asked, holding.secret)).state is ActivityState.DONE


async def test_a_day_has_so_many(scene: Scene) -> None:
    """Plans count among the writes of the organization, before anybody signs."""
    holding = await scene.wallet(OUTSIDE)
    asked = await ask(scene, holding, scene.transfer(1))
    scene.with_bounds(activities_per_day=1)
    with pytest.raises(Limited) as refused:
        await ask(scene, holding, scene.transfer(1))
    assert refused.value.code is Code.QUOTA_EXCEEDED
    assert (await sign(scene, asked, holding.secret)).state is ActivityState.DONE
