"""Two servers on one chain, and an organization that goes from one to the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tests.flows.test_rewrap import key
from tests.worlds import CHAIN, make_world
from valetkey.adapters.moving import Moving
from valetkey.adapters.vault.key_ring import KeyRing
from valetkey.core.audit import AuditHead, AuditLine
from valetkey.core.organization import Organization
from valetkey.flows.arrive import arrive
from valetkey.flows.move import MOVED, gather, leave, resealed
from valetkey.flows.rewrap import SEALED

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flows.scene import Scene
    from valetkey.flows.move import Entities
    from valetkey.flows.world import World
    from valetkey.ports import Store

SEED = 7


@dataclass(slots=True)
class Side:
    """One server, and what carries organizations to and from it."""

    world: World
    carrier: Moving

    @property
    def signer(self) -> bytes:
        """The key that its archives are signed by."""
        return self.world.auditor.public_key.data

    async def export(self, organization_id: str, there: Side) -> bytes:
        """Return the archive of an organization that leaves for *there*."""
        await leave(self.world, organization_id, import_key=there.carrier.make_import_key())
        return await self.pack(await gather(self.world, organization_id), there)

    async def pack(self, entities: Entities, there: Side, **changed: Any) -> bytes:  # noqa: ANN401
        """Return an archive of whatever is given, signed by this server."""
        leaving = self.carrier.leave_for(there.carrier.make_import_key())
        world = replace(self.world, vault=leaving.vault)
        implementation = self.world.chain(CHAIN).implementation.hex()
        asked = {
            "chains": {CHAIN: f"0x{implementation}"},
            **changed,
        }
        if "organization_id" not in asked:
            asked["organization_id"] = _top(entities).id
        return await self.carrier.pack(
            await resealed(world, entities),
            leaving,
            now=self.world.clock.now(),
            sign=lambda message: self.world.vault.sign(self.world.auditor, message),
            **asked,
        )

    async def take(self, data: bytes, *, signer: bytes) -> Organization:
        """Return the organization in *data*, which acts here from now on."""
        archive = self.carrier.unpack(data, signer=signer)
        world = replace(self.world, vault=self.carrier.arrive_with(archive.manifest))
        entities = await resealed(world, dict(archive.entities))
        return await arrive(self.world, replace(archive, entities=entities))


async def sides(scene: Scene, folder: Path, store: Store | None = None) -> tuple[Side, Side]:
    """Return the server of *scene*, and an empty one on the same chain."""
    there = await make_world(chains=scene.world.chains, clock=scene.clock, seed=SEED, store=store)
    entropy = scene.world.entropy
    return (
        Side(scene.world, Moving(KeyRing([key(0)]), folder / "here", entropy)),
        Side(there, Moving(KeyRing([key(SEED)]), folder / "there", entropy)),
    )


def _top(entities: Entities) -> Organization:
    tops: list[Organization] = [one for one in entities[Organization] if not one.parent_id]
    return tops[0]


def content(entities: Entities) -> dict[str, list[object]]:
    """Return what has to be the same on every server: not the log's end, nor who wrapped keys."""
    found: dict[str, list[object]] = {}
    for kind in MOVED:
        if kind is AuditHead:
            continue
        kept = [one for one in entities[kind] if not _is_of_the_move(kind, one)]
        found[kind.__name__] = [_plain(one) if kind in SEALED else one for one in kept]
    return found


def _is_of_the_move(kind: type, one: Any) -> bool:  # noqa: ANN401 - an entity
    return kind is AuditLine and one.event in {"organization:moved", "organization:arrived"}


def _plain(one: Any) -> object:  # noqa: ANN401 - an entity
    if hasattr(one, "wrapped_key"):
        return replace(one, wrapped_key=b"")
    if hasattr(one, "sealed_secret"):
        return replace(one, sealed_secret=b"", previous_secret=None)
    if hasattr(one, "sealed_key"):
        return replace(one, sealed_key=None)
    return replace(one, grant=one.grant and replace(one.grant, sealed_kill_note=None))
