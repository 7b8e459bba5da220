"""A receipt says what was tried: a session is stopped when its runs are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows.scene import ALICE, HOUR_S, USDC
from tests.flows.test_late_grant import late
from valetkey.core.errors import Code
from valetkey.core.session import Proof
from valetkey.core.wallet import OwnerKey
from valetkey.devchain.keys import DevKey
from valetkey.devchain.transact import delegate
from valetkey.flows import freeze, open_session, stop
from valetkey.flows.tried import tried

if TYPE_CHECKING:
    from tests.flows.scene import Held, Scene

Said = dict[str, tuple[bool | None, Code | None]]


async def say(scene: Scene, session_id: str) -> Said:
    """Return what each plane says now."""
    found = await tried(scene.world, session_id=session_id)
    return {one.plane: (one.refused, one.code) for one in found}


async def opened(scene: Scene, proof: Proof, *, is_used: bool = True) -> Held:
    """Return a session whose owner is outside, used once unless told."""
    held = await scene.open(await scene.wallet(OwnerKey.OUTSIDE), proof=proof)
    if is_used:
        await scene.run(held, scene.transfer(USDC))
    return held


@pytest.mark.parametrize("is_used", [True, False])
@pytest.mark.parametrize("proof", [Proof.CHAIN, Proof.STAMP])
async def test_an_open_session_is_refused_nowhere(
    scene: Scene, proof: Proof, *, is_used: bool
) -> None:
    """Bound to the relayer or not, on chain already or not: nothing says that it is stopped."""
    held = await opened(scene, proof, is_used=is_used)
    said = await say(scene, held.id)
    assert said["server"] == (False, None)
    assert said["chain"][0] is False


@pytest.mark.parametrize("is_used", [True, False])
@pytest.mark.parametrize("proof", [Proof.CHAIN, Proof.STAMP])
async def test_a_revoked_session_is_refused_on_both_planes(
    stored: Scene, proof: Proof, *, is_used: bool
) -> None:
    """By the server's own question, and by the contract to a run in the next block."""
    held = await opened(stored, proof, is_used=is_used)
    await stop.revoke(stored.world, stored.principal, stored.request(), session_id=held.id)
    revoked = (True, Code.SESSION_REVOKED)
    assert await say(stored, held.id) == {"server": revoked, "chain": revoked}


async def test_a_freeze_here_alone_is_not_said_to_be_one_on_chain(scene: Scene) -> None:
    """The owner did not sign: whoever has the key can go past the server, and is not told else."""
    held = await opened(scene, Proof.CHAIN)
    await freeze.freeze(scene.world, scene.principal, scene.request(), session_id=held.id)
    said = await say(scene, held.id)
    assert said == {"server": (True, Code.SESSION_FROZEN), "chain": (False, None)}


async def test_a_freeze_that_reached_the_chain_is_refused_there(scene: Scene) -> None:
    """The server holds the owner's key, so it signed."""
    held = await scene.open(await scene.wallet())
    await freeze.freeze(scene.world, scene.principal, scene.request(), session_id=held.id)
    frozen = (True, Code.SESSION_FROZEN)
    assert await say(scene, held.id) == {"server": frozen, "chain": frozen}


async def test_what_cannot_be_found_out_is_not_said(scene: Scene) -> None:
    """A silent chain, and an account that runs other code: neither is "stopped"."""
    held = await opened(scene, Proof.CHAIN)
    scene.line.is_cut = True
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)
    assert (await say(scene, held.id))["chain"] == (None, Code.CHAIN_UNREACHABLE)
    scene.line.is_cut = False
    owner = DevKey(held.holding.secret or b"", held.holding.account.address)
    delegate(scene.rpc, scene.deployment.deployer, owner, ALICE)
    assert (await say(scene, held.id))["chain"] == (None, Code.NOT_DELEGATED)


async def test_a_session_that_nobody_signed_is_refused_on_chain(scene: Scene) -> None:
    """As far as the server knows: it has no owner's signature."""
    coming = await late(scene)
    await coming.revoke()
    assert (await say(scene, coming.held.id))["chain"] == (True, Code.NOT_GRANTED)
    coming.act()
    assert (await say(scene, coming.held.id))["chain"] == (False, None)


async def test_a_session_that_has_not_begun_is_read_from_storage(scene: Scene) -> None:
    """The contract looks at the time first, so a run would say nothing of a stop."""
    begins = scene.clock.now() + HOUR_S
    limits = scene.permission(starts_at=begins, expires_at=begins + HOUR_S)
    held = await scene.open(await scene.wallet(), permission=limits)
    assert (await say(scene, held.id))["chain"] == (False, None)
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)
    assert (await say(scene, held.id))["chain"] == (True, Code.SESSION_REVOKED)


async def test_a_session_that_only_reads_is_tried_here_alone(scene: Scene) -> None:
    """There is nothing of it on any chain."""
    command = scene.command(None, proof=Proof.BEARER)
    reader = await open_session.open_session(scene.world, scene.principal, scene.request(), command)
    assert await say(scene, reader.session.id) == {"server": (False, None)}
