"""Calls of accounts that a factory makes: signed before the account is there, and afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows.executing import act, ask, hold, sign
from tests.flows.registering import registered
from tests.flows.scene import ALICE, USDC
from valetkey.core.activity import ActivityState
from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.model import Call
from valetkey.core.session import State
from valetkey.core.wallet import OwnerKey
from valetkey.flows import accounts, reconcile, relay
from valetkey.flows.execution_reads import estimate

if TYPE_CHECKING:
    from tests.flows.scene import Scene

OUTSIDE = OwnerKey.OUTSIDE
PLAIN, PERSONAL = accounts.AsClone(), accounts.AsClone(personal=True)


@pytest.mark.parametrize(
    ("clone", "personal"),
    [(PLAIN, False), (PERSONAL, False), (PERSONAL, True)],
    ids=["plain", "plain on personal", "personal"],
)
async def test_the_first_act_of_an_owner_makes_the_account(
    scene: Scene, clone: accounts.AsClone, *, personal: bool
) -> None:
    """It acts from its address at once, and again when it is there; no authorization is needed."""
    holding = await scene.wallet(OUTSIDE, clone=clone)
    for count in (1, 2):
        asked = await ask(scene, holding, scene.transfer(USDC), authorization=bytes(65))
        assert await scene.chain.has_code(holding.account.address) is (count > 1)
        done = await sign(scene, asked, holding.secret, personal=personal)
        assert done.state is ActivityState.DONE, done.outcome
        assert await scene.balance(ALICE) == count * USDC


async def test_personal_sign_is_for_accounts_that_were_made_for_it(scene: Scene) -> None:
    """A plain clone's owner signs the digest itself."""
    holding = await scene.wallet(OUTSIDE, clone=PLAIN)
    asked = await ask(scene, holding, scene.transfer(USDC))
    with pytest.raises(Malformed) as refused:
        await sign(scene, asked, holding.secret, personal=True)
    assert refused.value.code is Code.MALFORMED_SIGNATURE
    assert (await sign(scene, asked, holding.secret)).state is ActivityState.DONE


@pytest.mark.parametrize("is_registered", [True, False], ids=["registered", "first use"])
@pytest.mark.parametrize("personal", [True, False])
async def test_a_session_key_signs_for_a_clone(
    scene: Scene, *, personal: bool, is_registered: bool
) -> None:
    """With the grant on chain already, or brought along, to an account that is not there yet."""
    holding = await scene.wallet(OUTSIDE, clone=PERSONAL)
    held = await hold(scene, holding, is_signed=not is_registered)
    if is_registered:
        told = await registered(scene, holding, held.session)
        assert told.session.state is State.OPEN
    for count in (1, 2):
        done = await act(scene, held, scene.transfer(USDC), personal=personal)
        assert done.state is ActivityState.DONE, done.outcome
        assert done.session_id == held.id
        assert await scene.balance(ALICE) == count * USDC


async def test_an_owner_and_a_session_key_sign_at_once_before_there_is_an_account(
    scene: Scene,
) -> None:
    """Whichever comes first makes it, and the other finds it there."""
    holding = await scene.wallet(OUTSIDE, clone=PERSONAL)
    held = await hold(scene, holding)
    asked = [await ask(scene, holding, scene.transfer(USDC)) for _ in range(3)]
    scene.line.refused["eth_sendRawTransaction"] = "not now"
    for one, key in zip(asked, (holding.secret, held.secret, holding.secret), strict=True):
        waiting = await sign(scene, one, key, personal=True)
        assert waiting.state is not ActivityState.DONE
    del scene.line.refused["eth_sendRawTransaction"]
    for _ in range(4):
        await reconcile.reconcile(scene.world)
    for one in asked:
        ended = await relay.read_activity(scene.world, one.id)
        assert ended.state is ActivityState.DONE, ended.outcome
    assert await scene.balance(ALICE) == 3 * USDC


async def test_a_clone_calls_nothing_that_stands_for_it(scene: Scene) -> None:
    """Neither itself nor its factory nor the code that it runs."""
    holding = await scene.wallet(OUTSIDE, clone=PERSONAL)
    assert holding.account.clone is not None
    clone = holding.account.clone
    for target in (clone.address, clone.factory, clone.implementation):
        with pytest.raises(Malformed) as refused:
            await ask(scene, holding, Call(target, 0, b""))
        assert refused.value.code is Code.TARGET_FORBIDDEN


async def test_an_estimate_holds_for_the_first_act(scene: Scene) -> None:
    """What it costs to make the account is in it."""
    holding = await scene.wallet(OUTSIDE, clone=PERSONAL)
    calls = [scene.transfer(USDC)]
    for _ in range(2):
        told = await estimate(
            scene.world, scene.principal, calls=calls, account_id=holding.account.id
        )
        done = await sign(scene, await ask(scene, holding, *calls), holding.secret, personal=True)
        assert done.outcome is not None
        assert 0 < done.outcome.gas_used <= told.gas
