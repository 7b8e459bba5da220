"""What calls would cost, before anybody signs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows.executing import ask, client, hold, publishable, sign, user
from tests.flows.scene import USDC
from tests.worlds import CHAIN
from valetkey.core.activity import ActivityState
from valetkey.core.errors import (
    ChainRejected,
    Code,
    Forbidden,
    Malformed,
    NotFound,
    Unauthenticated,
)
from valetkey.core.permission.model import Call
from valetkey.core.principal import ANONYMOUS, Access
from valetkey.core.scope import Scope
from valetkey.core.wallet import OwnerKey
from valetkey.flows.execution_reads import estimate

if TYPE_CHECKING:
    from tests.flows.scene import Scene

OUTSIDE = OwnerKey.OUTSIDE


async def test_an_estimate_is_not_passed(scene: Scene) -> None:
    """By what an owner or a session key signs afterwards, for the first time or not."""
    holding = await scene.wallet(OUTSIDE)
    held = await hold(scene, holding)
    calls = [scene.transfer(USDC), scene.transfer(USDC)]
    told = await estimate(scene.world, scene.principal, calls=calls, account_id=holding.account.id)
    assert told.fee_wei == told.gas * told.fees.max_fee_wei > 0
    used = []
    for key, personal in ((holding.secret, False), (held.secret, True), (held.secret, True)):
        done = await sign(scene, await ask(scene, holding, *calls), key, personal=personal)
        assert done.state is ActivityState.DONE
        assert done.outcome is not None
        used.append(done.outcome.gas_used)
    assert max(used) <= told.gas <= 2 * min(used)


async def test_an_estimate_of_an_account_that_is_not_there(scene: Scene) -> None:
    """Each call is asked for alone; of no account at all, the relayer stands in."""
    holding = await scene.wallet(OUTSIDE, is_delegated=False)
    calls = [scene.transfer(USDC), Call(b"\x33" * 20, 5, b"")]
    told = await estimate(scene.world, scene.principal, calls=calls, account_id=holding.account.id)
    assert told.gas > 0
    nobodys = await estimate(scene.world, scene.principal, calls=calls[1:], chain=CHAIN)
    assert 0 < nobodys.gas < told.gas


async def test_an_estimate_says_why_there_is_none(scene: Scene) -> None:
    """Calls that would revert or that nobody may ask for; and nobody who only reads is told."""
    holding = await scene.wallet(OUTSIDE)
    where = {"account_id": holding.account.id}
    with pytest.raises(ChainRejected) as refused:
        await estimate(scene.world, scene.principal, calls=[scene.transfer(10**12)], **where)
    assert refused.value.code is Code.CALL_REVERTED
    for calls, more in (([Call(holding.account.address, 0, b"")], where), ([], {})):
        with pytest.raises(Malformed):
            await estimate(scene.world, scene.principal, calls=calls, **more)


async def test_who_may_read_is_told_what_calls_would_cost(scene: Scene) -> None:
    """A backend, and a client of its user's accounts, or of none; nobody else."""
    ada, bob = await user(scene, "ada"), await user(scene, "bob")
    mine, theirs = [await scene.wallet(OUTSIDE, user_id=one.id) for one in (ada, bob)]
    who, page = await client(scene, ada.id), await publishable(scene)
    reader = scene.principal._replace(scopes=frozenset({Scope.READ}), access=Access.READ)
    calls = [Call(b"\x33" * 20, 0, b"")]
    for one in (who, reader):
        for account_id in (mine.account.id, None):
            told = await estimate(scene.world, one, calls=calls, account_id=account_id, chain=CHAIN)
            assert told.gas > 0
    with pytest.raises(NotFound):
        await estimate(scene.world, who, calls=calls, account_id=theirs.account.id)
    held = await hold(scene, mine)
    for other, error in (
        (page, Forbidden),
        (held.principal, Forbidden),
        (ANONYMOUS, Unauthenticated),
    ):
        for account_id in (mine.account.id, None):
            with pytest.raises(error):
                await estimate(scene.world, other, calls=calls, account_id=account_id, chain=CHAIN)
