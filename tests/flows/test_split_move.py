"""An organization with split wallets goes to a server with another key-encryption key."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.movers import sides
from tests.flows.splits import HELLO, Splits
from tests.flows.test_rewrap import key, under
from tests.worlds import dump
from valetkey.core.custody import SealedShare, SplitKey, share_context
from valetkey.core.errors import Code, Forbidden, Malformed
from valetkey.core.secret_bytes import SecretBytes
from valetkey.flows.move import gather
from valetkey.flows.rewrap import look_at_sealed, rewrap
from valetkey.flows.split_shares import back_up, refresh_split

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flows.scene import Scene


def splits_of(scene: Scene) -> Splits:
    """Return the scene as those who have split wallets see it."""
    return Splits(scene.world, scene.founded)


async def test_its_shares_sign_there_and_no_more_here(scene: Scene, tmp_path: Path) -> None:
    """The server's shares are opened for the other server alone; the clients keep theirs."""
    splits = splits_of(scene)
    made, share = await splits.make()
    before = await splits.sign(made.wallet.id, share)
    here, there = await sides(scene, tmp_path)
    await there.take(await here.export(scene.principal.organization_id, there), signer=here.signer)
    with pytest.raises(Forbidden) as refused:
        await splits.sign(made.wallet.id, share)
    assert refused.value.code is Code.ORGANIZATION_MOVED
    moved = Splits(there.world, scene.founded)
    request = replace(splits.request(), id="at the other server")
    after = await moved.sign(made.wallet.id, share, HELLO, request=request)
    assert after.signature == before.signature


async def test_an_archive_brings_no_share_for_a_wallet_of_others(
    scene: Scene, tmp_path: Path
) -> None:
    """A share called as a wallet that is not in the archive is refused with all of it."""
    await splits_of(scene).make()
    here, there = await sides(scene, tmp_path)
    await here.export(scene.principal.organization_id, there)
    entities = await gather(here.world, scene.principal.organization_id)
    held = entities[SplitKey][0]
    other = "wal_06hhgq2g00h5gj2ndbrq0fnt"
    context = share_context(held.organization_id, other, held.public_key, 1)
    sealed = await scene.world.vault.seal(SecretBytes(bytes(64)), context=context)
    entities[SplitKey].append(replace(held, id=other, current=SealedShare(1, sealed)))
    before = await dump(there.world)
    with pytest.raises(Malformed) as refused:
        await there.take(await here.pack(entities, there), signer=here.signer)
    assert refused.value.code is Code.MALFORMED_ARCHIVE
    assert await dump(there.world) == before


async def test_shares_come_under_a_new_key_encryption_key(scene: Scene) -> None:
    """Current, coming and backed up: each opens afterwards under the new key alone."""
    splits = splits_of(scene)
    made, share = await splits.make()
    where = {"wallet_id": made.wallet.id, "share": share}
    await back_up(splits.world, splits.principal, splits.request(), **where)
    await refresh_split(splits.world, splits.principal, splits.request(), **where)
    both = under(scene.world, key(0), key(1))
    assert (await rewrap(both)).old
    found = await look_at_sealed(under(scene.world, key(1)))
    assert found.is_done
    kept = await scene.world.store.read(lambda view: view.get(SplitKey, made.wallet.id))
    assert kept is not None
    assert None not in {kept.coming, kept.backup}
