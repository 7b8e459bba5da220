"""Bring everything that the vault has sealed under the key-encryption key that seals now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from valetkey.core.credential import Credential, key_context
from valetkey.core.custody import SealedShare, SplitKey, share_context
from valetkey.core.errors import Unavailable
from valetkey.core.kept_secret import KeptSecret, context_of
from valetkey.core.locked_key import LockedKey
from valetkey.core.pin import PinBlob, factor_context
from valetkey.core.session import Session
from valetkey.core.wallet import SealedKey
from valetkey.core.webhook import Webhook, secret_context
from valetkey.flows.kill_note import note_context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

PAGE: Final = 100
# Every kind that holds something sealed; a test looks for more.
Record: TypeAlias = (
    SealedKey | SplitKey | PinBlob | Session | Webhook | KeptSecret | Credential | LockedKey
)
SEALED: Final[tuple[type[Record], ...]] = (
    *(SealedKey, SplitKey, PinBlob, Session, Webhook, KeptSecret, Credential, LockedKey),
)
Renewed: TypeAlias = list[tuple[Record, Record]]


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """
    What one look at everything found.

    Args:
        records: How many were looked at.
        old: How many of them were under another key than the one that seals now.
        broken: Ids of those that did not open; they are as they were.
    """

    records: int = 0
    old: int = 0
    broken: tuple[str, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether every record opens and is under the key that seals now."""
        return not self.old and not self.broken

    def plus(self, more: Rewrapped) -> Rewrapped:
        """Return both together."""
        broken = (*self.broken, *more.broken)
        return Rewrapped(self.records + more.records, self.old + more.old, broken)


async def rewrap(world: World) -> Rewrapped:
    """
    Bring every record under the key that seals now; say what there was to do.

    Data keys are wrapped again, the secrets under them are not touched. In transactions of at most
    100 records, each of them compared with what was read: what others change meanwhile, servers
    under load for instance, is left to the next look. To be repeated until nothing was old; after a
    crash it simply begins again, for each record says which key it is under.
    """
    found = Rewrapped()
    async for looked, renewed in _looked(world):
        found = found.plus(looked)
        if renewed:
            await world.store.write(partial(_put, renewed))
    return found


async def look_at_sealed(world: World) -> Rewrapped:
    """Say what `rewrap` would find, each record opened; nothing is changed."""
    found = Rewrapped()
    async for looked, _ in _looked(world):
        found = found.plus(looked)
    return found


async def _looked(world: World) -> AsyncIterator[tuple[Rewrapped, Renewed]]:
    """Give for each page what was found, and its records that are under an old key, renewed."""
    for kind in SEALED:
        async for found in _pages(world, kind):
            page = [one for one in found if not isinstance(one, Credential) or one.sealed_key]
            renewed, broken = await _renew(world, page)
            yield Rewrapped(len(page), len(renewed), tuple(broken)), renewed


async def _pages(world: World, kind: type[Record]) -> AsyncIterator[list[Record]]:
    after = ""
    while True:

        def body(view: View, after: str = after) -> list[Record]:
            return list(view.find(kind, after=after, limit=PAGE))

        page = await world.store.read(body)
        if not page:
            return
        yield page
        after = page[-1].id


async def _renew(world: World, page: list[Record]) -> tuple[Renewed, list[str]]:
    """Return those of *page* that are under an old key with what they become, and the broken."""
    renewed: Renewed = []
    broken: list[str] = []
    for one in page:
        try:
            after = await renewed_of(world, one)
        except Unavailable:
            broken.append(one.id)
            continue
        if after != one:
            renewed.append((one, after))
    return renewed, broken


async def renewed_of(world: World, one: Record) -> Record:
    """Return *one* with what is sealed in it under the key that seals now; see `Vault`."""
    vault = world.vault
    if isinstance(one, SealedKey):
        return await vault.rewrap_key(one)
    if isinstance(one, SplitKey | PinBlob):
        return await _custody_renewed(world, one)
    if isinstance(one, Webhook):
        context = secret_context(one.organization_id, one.id)
        before = one.previous_secret
        return replace(
            one,
            sealed_secret=await vault.rewrap_secret(one.sealed_secret, context=context),
            previous_secret=before and await vault.rewrap_secret(before, context=context),
        )
    if isinstance(one, KeptSecret | Credential | LockedKey):
        return await _kept_renewed(world, one)
    if one.grant is None or one.grant.sealed_kill_note is None:
        return one
    note = await vault.rewrap_secret(one.grant.sealed_kill_note, context=note_context(one))
    return replace(one, grant=replace(one.grant, sealed_kill_note=note))


async def _kept_renewed(
    world: World, one: KeptSecret | LockedKey | Credential
) -> KeptSecret | LockedKey | Credential:
    if isinstance(one, KeptSecret | LockedKey):
        context = context_of(one.id, one.organization_id)
        return replace(one, sealed=await world.vault.rewrap_secret(one.sealed, context=context))
    context = key_context(one.organization_id, one.id)
    kept = one.sealed_key and await world.vault.rewrap_secret(one.sealed_key, context=context)
    return replace(one, sealed_key=kept)


async def _custody_renewed(world: World, one: SplitKey | PinBlob) -> SplitKey | PinBlob:
    if isinstance(one, SplitKey):
        return await _split_renewed(world, one)
    return await _pin_renewed(world, one)


async def _pin_renewed(world: World, pin: PinBlob) -> PinBlob:
    context = factor_context(pin.organization_id, pin.id)
    kept, coming = [
        factor and await world.vault.rewrap_secret(factor, context=context)
        for factor in (pin.sealed_factor, pin.coming_factor)
    ]
    return replace(pin, sealed_factor=kept, coming_factor=coming)


async def _split_renewed(world: World, key: SplitKey) -> SplitKey:
    async def renewed(share: SealedShare | None) -> SealedShare | None:
        if share is None:
            return None
        context = share_context(key.organization_id, key.id, key.public_key, share.generation)
        sealed = await world.vault.rewrap_secret(share.sealed, context=context)
        return replace(share, sealed=sealed)

    return replace(
        key,
        current=await renewed(key.current) or key.current,
        coming=await renewed(key.coming),
        backup=await renewed(key.backup),
    )


def _put(renewed: Renewed, tx: Tx) -> None:
    for before, after in renewed:
        fresh: Record | None = tx.get(type(before), before.id)
        merged = fresh and _merged(fresh, before, after)
        if merged is not None:
            tx.put(merged)


def _merged(fresh: Record, before: Record, after: Record) -> Record | None:
    """Return *fresh* with what was sealed anew, or None if that has changed meanwhile."""
    if isinstance(fresh, Session) and isinstance(before, Session) and isinstance(after, Session):
        ours, was, new = fresh.grant, before.grant, after.grant
        if ours is None or was is None or new is None:
            return None
        if ours.sealed_kill_note != was.sealed_kill_note:
            return None
        return replace(fresh, grant=replace(ours, sealed_kill_note=new.sealed_kill_note))
    if isinstance(fresh, Webhook) and isinstance(before, Webhook) and isinstance(after, Webhook):
        if (fresh.sealed_secret, fresh.previous_secret) != (
            before.sealed_secret,
            before.previous_secret,
        ):
            return None
        return replace(
            fresh, sealed_secret=after.sealed_secret, previous_secret=after.previous_secret
        )
    return after if fresh == before else None
