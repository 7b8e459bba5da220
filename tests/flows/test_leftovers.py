"""What sessions leave on an account is listed as its chain shows it, and can be taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.flows.chainside import bring
from tests.flows.family import make_stranger
from tests.flows.scene import ALICE, BOB, HOUR_S, MALLORY, USDC, Held, Holding
from tests.flows.test_late_grant import late
from valetkey.core.activity import ActivityState
from valetkey.core.chain import GrantStage
from valetkey.core.errors import Conflict, Forbidden, NotFound
from valetkey.core.permission.effects import selector_of
from valetkey.core.permission.model import ANYTHING, Call, Rule
from valetkey.core.session import Proof
from valetkey.core.wallet import OwnerKey
from valetkey.devchain import create
from valetkey.devchain.keys import DevKey
from valetkey.devchain.transact import delegate, transact
from valetkey.flows import freeze, stop
from valetkey.flows.accounts import AsClone
from valetkey.flows.clear_approvals import clear_approvals
from valetkey.flows.leftovers import (
    Approval,
    alive_grants,
    approvals_of_account,
    approvals_of_session,
    every_approval,
)

if TYPE_CHECKING:
    from tests.flows.scene import Scene

APPROVE: Final = "approve(address,uint256)"


def approve(scene: Scene, spender: bytes, amount: int) -> Call:
    """Return the call that approves."""
    words = spender.rjust(32, b"\0") + amount.to_bytes(32)
    return Call(scene.token, 0, selector_of(APPROVE) + words)


async def approver(scene: Scene, holding: Holding, **changed: Any) -> Held:  # noqa: ANN401
    """Return a session that may approve Alice and Bob."""
    rules = (Rule(scene.token, selector_of(APPROVE), APPROVE),)
    limits = scene.permission(**{"rules": rules, **changed})
    return await scene.open(holding, proof=Proof.CHAIN, permission=limits)


async def listed(scene: Scene, holding: Holding) -> set[Approval]:
    """Return what the account has left approved."""
    found = await every_approval(scene.world, scene.principal, account_id=holding.account.id)
    assert len(set(found)) == len(found)
    return set(found)


async def test_approvals_that_are_left_are_listed(stored: Scene) -> None:
    """Those made through the server, and past it as far as the permission lists spenders."""
    holding = await stored.wallet(OwnerKey.OUTSIDE)
    held = await approver(stored, holding)
    assert await listed(stored, holding) == set()
    await stored.run(held, approve(stored, ALICE, 3 * USDC))
    bring(stored, held, held.session, approve(stored, BOB, USDC), nonce=1)
    expected = {
        Approval(stored.token, ALICE, 3 * USDC),
        Approval(stored.token, BOB, USDC),
    }
    assert await listed(stored, holding) == expected
    stopped = await stop.revoke(
        stored.world, stored.principal, stored.request(), session_id=held.id
    )
    assert set((await approvals_of_session(stored.world, stopped.session)).items) == expected


async def test_a_spender_that_only_a_run_named_is_known(scene: Scene) -> None:
    """The permission lets anybody be approved; the run says who was."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    held = await approver(scene, holding, recipients=ANYTHING)
    await scene.run(held, approve(scene, MALLORY, USDC))
    assert await listed(scene, holding) == {Approval(scene.token, MALLORY, USDC)}


async def test_the_owner_clears_them_with_the_calls_that_are_listed(scene: Scene) -> None:
    """The key is outside: the server cannot, and says so."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    held = await approver(scene, holding)
    await scene.run(held, approve(scene, ALICE, USDC))
    with pytest.raises(Conflict):
        await clear_approvals(
            scene.world, scene.principal, scene.request(), account_id=holding.account.id
        )
    owner = DevKey(holding.secret or b"", holding.account.address)
    for one in await listed(scene, holding):
        call = one.clearing()
        transact(scene.rpc, owner, call.to, data=call.data)
    assert await listed(scene, holding) == set()


@pytest.mark.parametrize("clone", [None, AsClone()], ids=["delegated", "clone"])
async def test_the_server_clears_them_where_it_holds_the_owners_key(
    stored: Scene, clone: AsClone | None
) -> None:
    """In one run, once for a request; then there is nothing more to do."""
    holding = await stored.wallet(clone=clone)
    held = await approver(stored, holding)
    await stored.run(held, approve(stored, ALICE, USDC), approve(stored, BOB, 2 * USDC))
    request = stored.request()
    for _ in range(2):
        done = await clear_approvals(
            stored.world, stored.principal, request, account_id=holding.account.id
        )
        assert done is not None
        assert done.state is ActivityState.DONE
    assert await listed(stored, holding) == set()
    again = await clear_approvals(
        stored.world, stored.principal, stored.request(), account_id=holding.account.id
    )
    assert again is None
    assert await stored.moved() == 0


async def test_only_the_organization_sees_and_clears(scene: Scene) -> None:
    """A stranger finds no account, a session asks in vain."""
    holding = await scene.wallet()
    held = await approver(scene, holding)
    stranger = await make_stranger(scene)
    for who, error in ((stranger.principal, NotFound), (held.principal, Forbidden)):
        with pytest.raises(error):
            await approvals_of_account(scene.world, who, account_id=holding.account.id)
        with pytest.raises(error):
            await alive_grants(scene.world, who, account_id=holding.account.id)
        with pytest.raises(error):
            await clear_approvals(scene.world, who, scene.request(), account_id=holding.account.id)


async def test_what_delegating_again_would_revive_is_listed(scene: Scene) -> None:
    """Open, frozen and never used grants; not the revoked, the expired and the unsigned."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    opened, unused, frozen, revoked = [
        await scene.open(holding, proof=Proof.CHAIN) for _ in range(4)
    ]
    await scene.run(opened, scene.transfer(USDC))
    await freeze.freeze(scene.world, scene.principal, scene.request(), session_id=frozen.id)
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=revoked.id)
    pending = await late(scene)
    owner = DevKey(holding.secret or b"", holding.account.address)
    delegate(scene.rpc, scene.deployment.deployer, owner, ALICE)  # our code is gone
    found = await alive_grants(scene.world, scene.principal, account_id=holding.account.id)
    assert {one.session.id: one.stage for one in found} == {
        opened.id: GrantStage.OPEN,
        unused.id: GrantStage.UNKNOWN,
        frozen.id: GrantStage.UNKNOWN,  # the owner did not sign the freeze
    }
    account_id = pending.held.holding.account.id
    assert await alive_grants(scene.world, scene.principal, account_id=account_id) == ()
    scene.clock.advance(HOUR_S)
    assert await alive_grants(scene.world, scene.principal, account_id=holding.account.id) == ()


async def test_a_session_that_was_revoked_while_our_code_was_gone_is_listed(scene: Scene) -> None:
    """Over here, and alive again there as soon as the account runs our code."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    held = await scene.open(holding, proof=Proof.CHAIN)
    await scene.run(held, scene.transfer(USDC))
    owner = DevKey(holding.secret or b"", holding.account.address)
    delegate(scene.rpc, scene.deployment.deployer, owner, ALICE)
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)
    (found,) = await alive_grants(scene.world, scene.principal, account_id=holding.account.id)
    assert (found.session.id, found.stage) == (held.id, GrantStage.OPEN)


# Says that 1 is left of any approval; the first takes none away, the second refuses to.
LIAR: Final = bytes.fromhex("6008600c60003960086000f360015f5260205ff3")
REFUSER: Final = bytes.fromhex(
    "601a600c600039601a6000f35f3560e01c63095ea7b31460165760015f5260205ff35b5f5ffd"
)


@pytest.mark.parametrize("code", [LIAR, REFUSER])
async def test_a_token_that_lies_or_refuses_keeps_no_other_approval_alive(
    stored: Scene, code: bytes
) -> None:
    """However many of its own it claims: what others say is left is taken away, once a request."""
    holding = await stored.wallet()
    bad = create(stored.rpc, stored.deployment.deployer, code)
    spenders = tuple(sorted((ALICE, *(bytes([number]) * 20 for number in range(0x40, 0x7F)))))
    await approver(
        stored, holding, rules=(Rule(bad, selector_of(APPROVE), APPROVE),), recipients=spenders
    )
    held = await approver(stored, holding)
    bring(stored, held, held.session, approve(stored, ALICE, USDC), nonce=0)
    request = stored.request()
    for _ in range(2):
        done = await clear_approvals(
            stored.world, stored.principal, request, account_id=holding.account.id
        )
        assert done is not None
        assert done.state is ActivityState.DONE
        assert {one.token for one in await listed(stored, holding)} == {bad}
