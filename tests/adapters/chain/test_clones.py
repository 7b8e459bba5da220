"""What the port reads of accounts that a factory makes, on each local chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.adapters.chain.kit import submit, transaction
from valetkey.core.chain import CloneState, GrantStage
from valetkey.core.wallet import Clone
from valetkey.devchain import fund
from valetkey.spec import clone as codec
from valetkey.spec import permission_bytes as pb

if TYPE_CHECKING:
    from collections.abc import Callable

    from valetkey.adapters.chain.evm import EvmChain
    from valetkey.devchain import Deployment, DevKey, Node

pytest_plugins = ("tests.chains",)
GRANT = b"\x67" * 32


async def test_a_clone_is_followed_from_nothing_to_another_owner(
    chain: EvmChain, deployment: Deployment, node: Node, new_key: Callable[[], DevKey]
) -> None:
    """Its owner and epoch are read; what was revoked, or ended with an epoch, is revoked."""
    owner, heir, relayer = new_key(), new_key(), new_key()
    made = Clone(
        *(deployment.clone_factory, deployment.clone_implementation, owner.address, bytes(32)),
        personal=False,
    )

    async def stage(epoch: int) -> GrantStage:
        state = await chain.grant_state(made.address, GRANT, counters=0, epoch=epoch)
        return state.stage

    assert await chain.clone_state(made.address) is None
    assert await stage(0) is GrantStage.UNKNOWN
    deploys = codec.deploy_calldata(owner.address, bytes(32))
    wanted = transaction(relayer.address, made.factory, deploys)
    assert (await submit(chain, relayer, wanted)).succeeded
    assert await chain.clone_state(made.address) == CloneState(owner.address, 0)
    assert await stage(0) is GrantStage.UNKNOWN
    handed = transaction(
        owner.address, made.address, codec.transfer_ownership_calldata(heir.address)
    )
    assert (await submit(chain, owner, handed)).succeeded
    assert await chain.clone_state(made.address) == CloneState(heir.address, 1)
    assert [await stage(epoch) for epoch in (0, 1)] == [GrantStage.REVOKED, GrantStage.UNKNOWN]
    fund(node.rpc, deployment, heir.address, 10**18)
    revoked = transaction(heir.address, made.address, pb.revoke_calldata(GRANT))
    assert (await submit(chain, heir, revoked)).succeeded
    assert await stage(1) is GrantStage.REVOKED
    counted = await chain.grant_state(made.address, GRANT, counters=8, epoch=1)
    assert len(counted.counters) == 8


@pytest.mark.parametrize("where", ["clone_implementation", "token", "nothing"])
async def test_only_a_factory_makes_clones(
    chain: EvmChain, deployment: Deployment, where: str
) -> None:
    """What it makes is said; of anything else nothing."""
    code = await chain.clones_of(deployment.clone_factory)
    assert code == deployment.clone_implementation
    address = bytes(19) + b"\x99" if where == "nothing" else getattr(deployment, where)
    assert await chain.clones_of(address) is None
