"""Everything sealed comes under a new key-encryption key, whatever happens meanwhile."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

from tests.worlds import SeededEntropy, dump
from valetkey.adapters.store import codec
from valetkey.adapters.vault.key_encryption_key import KeyEncryptionKey
from valetkey.adapters.vault.key_ring import KeyRing
from valetkey.adapters.vault.sealed import SealedVault
from valetkey.core.credential import Credential
from valetkey.core.custody import SealedShare, SplitKey
from valetkey.core.grant import Grant
from valetkey.core.kept_secret import KeptSecret
from valetkey.core.locked_key import LockedKey
from valetkey.core.pin import PinBlob
from valetkey.core.secret_bytes import SecretBytes
from valetkey.core.session import Session, State
from valetkey.core.sponsorship import Fund
from valetkey.core.wallet import SealedKey
from valetkey.core.webhook import Webhook
from valetkey.flows import stop, webhooks
from valetkey.flows.own_secret import own_secret
from valetkey.flows.payers import Known, Payers
from valetkey.flows.rewrap import SEALED, Rewrapped, look_at_sealed, rewrap
from valetkey.ports import INDEXES, Tx

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.flows.scene import Scene
    from valetkey.flows.world import World
    from valetkey.ports import Store, T, View


def key(seed: int) -> KeyEncryptionKey:
    """Return the key that the vault of a scene with that seed has."""
    return KeyEncryptionKey(SecretBytes(SeededEntropy(seed).take(32)))


def under(world: World, *keys: KeyEncryptionKey) -> World:
    """Return *world* with a vault that has these keys; the last one wraps."""
    return replace(world, vault=SealedVault(KeyRing(keys), world.entropy))


SECRET, OTHER = SecretBytes(b"drawn once"), SecretBytes(b"drawn again")


async def _fill(scene: Scene) -> None:
    """Have something sealed of each kind."""
    await scene.open(await scene.wallet())
    url = "https://shop.example/hook"
    hook, _ = await webhooks.add_webhook(
        scene.world, scene.principal, scene.request(), url=url, events=("user:added",), label=""
    )
    await webhooks.rotate_secret(scene.world, scene.principal, scene.request(), webhook_id=hook.id)
    await own_secret(scene.world, "ours", lambda: SECRET)


async def test_everything_is_brought_under_the_new_key(stored: Scene) -> None:
    """Afterwards the new key alone opens it all: runs, stops and kill notes go on as before."""
    held = await stored.open(holding := await stored.wallet())
    await _fill(stored)
    stored.world = under(stored.world, key(0), key(1))
    found = await look_at_sealed(stored.world)
    assert (found.old > 5, found.broken, found.is_done) == (True, (), False)
    assert await rewrap(stored.world) == found
    assert await rewrap(stored.world) == Rewrapped(found.records)
    alone = under(stored.world, key(1))
    assert (await look_at_sealed(alone)).is_done
    assert (await own_secret(alone, "ours", lambda: OTHER)).reveal() == SECRET.reveal()
    vault = stored.world.vault
    known = [stored.world.payers.current(fund) for fund in Fund]
    payers = [Known(one.payer, await vault.rewrap_key(one.key)) for one in known]
    stored.world = replace(alone, payers=Payers(payers))
    assert (await stored.run(held, stored.transfer(1))).outcome is not None
    stopped = await stop.revoke(
        stored.world, stored.principal, stored.request(), session_id=held.session.id
    )
    assert stopped.session.state is State.REVOKED
    assert (await stored.open(holding)).session.state is State.OPEN


async def test_what_does_not_open_is_named_and_left(scene: Scene) -> None:
    """A damaged record keeps the old key in use: nobody is told that all is well."""
    await _fill(scene)

    def damage(tx: Tx) -> str:
        hook = tx.find(Webhook)[0]
        tx.put(replace(hook, sealed_secret=hook.sealed_secret[:-1] + b"\0"))
        return hook.id

    broken = await scene.world.store.write(damage)
    scene.world = under(scene.world, key(0), key(1))
    for _ in range(2):
        found = await rewrap(scene.world)
        assert (found.broken, found.is_done) == ((broken,), False)
    assert (await look_at_sealed(scene.world)).old == 0


async def test_a_look_changes_nothing(scene: Scene) -> None:
    """The store is the same afterwards."""
    await _fill(scene)
    before = await dump(scene.world)
    assert (await look_at_sealed(under(scene.world, key(0), key(1)))).old
    assert await dump(scene.world) == before


class _Meddled:
    """A store in which somebody else is always first."""

    def __init__(self, store: Store, meddle: Callable[[Tx], None]) -> None:
        self._store = store
        self._meddle = meddle

    async def read(self, body: Callable[[View], T]) -> T:
        """See `Store.read`."""
        return await self._store.read(body)

    async def write(self, body: Callable[[Tx], T]) -> T:
        """See `Store.write`."""
        await self._store.write(self._meddle)
        return await self._store.write(body)

    async def check(self) -> None:
        """See `Store.check`."""


async def test_what_others_write_meanwhile_is_kept(scene: Scene) -> None:
    """A session that is closed between the two stays closed; a changed webhook, too."""
    await _fill(scene)

    def meddle(tx: Tx) -> None:
        for one in tx.find(Session):
            tx.put(replace(one, state=State.CLOSED))
        for hook in tx.find(Webhook):
            tx.put(replace(hook, is_on=False))

    world = under(scene.world, key(0), key(1))
    await rewrap(replace(world, store=_Meddled(scene.world.store, meddle)))
    sessions, hooks = await scene.world.store.read(
        lambda view: (view.find(Session), view.find(Webhook))
    )
    assert {one.state for one in sessions} == {State.CLOSED}
    assert [one.is_on for one in hooks] == [False]
    assert (await look_at_sealed(under(scene.world, key(1)))).is_done


async def test_what_others_seal_anew_is_left_to_the_next_look(scene: Scene) -> None:
    """A secret that was rotated between the two is not put back."""
    await _fill(scene)
    world = under(scene.world, key(0), key(1))
    fresh = b"sealed by another"

    def meddle(tx: Tx) -> None:
        for hook in tx.find(Webhook):
            tx.put(replace(hook, sealed_secret=fresh))
        for one in tx.find(Session):
            assert one.grant is not None
            tx.put(replace(one, grant=replace(one.grant, sealed_kill_note=fresh)))

    await rewrap(replace(world, store=_Meddled(scene.world.store, meddle)))
    hook, session = await scene.world.store.read(
        lambda view: (view.find(Webhook)[0], view.find(Session)[0])
    )
    assert hook.sealed_secret == fresh
    assert session.grant is not None
    assert session.grant.sealed_kill_note == fresh


def test_every_kind_that_holds_something_sealed_is_known() -> None:
    """A new sealed field is brought under a new key, too, or this fails."""
    assert codec.TABLES.keys() == INDEXES.keys()
    sealed = {
        kind
        for kind in (*INDEXES, Grant, SealedShare)
        for one in fields(kind)
        if "sealed" in one.name or "secret" in one.name or "wrapped" in one.name
    }
    holders = {PinBlob, Webhook, KeptSecret, Credential, LockedKey}
    assert sealed == {SealedKey, SealedShare, Grant, *holders}
    assert set(SEALED) == {SealedKey, SplitKey, Session, *holders}
