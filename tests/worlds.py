"""Worlds to act in: the adapters that are in memory, a clock that tests set, seeded randomness."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from tests.leaks import secret
from valetkey.adapters.chain.evm import EvmChain
from valetkey.adapters.messenger.memory import MemoryMessenger
from valetkey.adapters.outbound.memory import MemoryOutbound
from valetkey.adapters.signer.local import LocalSigner
from valetkey.adapters.store.memory import MemoryStore
from valetkey.adapters.vault.memory import MemoryVault
from valetkey.config import Bounds
from valetkey.core.credential import Credential
from valetkey.core.principal import Access, Principal, PrincipalKind
from valetkey.core.sponsorship import Fund, PayerState
from valetkey.core.token import fingerprint
from valetkey.core.wallet import Clones, Curve
from valetkey.devchain import CHAIN_ID, fund
from valetkey.flows.change_payer import make_payer
from valetkey.flows.organize import found
from valetkey.flows.payers import Known, Payers
from valetkey.flows.world import World
from valetkey.ports import INDEXES, MAX_FOUND

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from valetkey.core.organization import Organization
    from valetkey.devchain import Deployment, Node
    from valetkey.ports import Chain, Checkpoint, Clock, Outbound, Store, View

START_AT: Final = 1_800_000_000
CHAIN: Final = f"eip155:{CHAIN_ID}"
RELAYER_WEI: Final = 100 * 10**18
PATIENT: Final = Bounds(wait_s=10.0)


class StoppedClock:
    """A clock that moves only when it is told to."""

    def __init__(self, at: int = START_AT) -> None:
        self._at_ms = at * 1000

    def now(self) -> int:
        """Return Unix seconds."""
        return self._at_ms // 1000

    def now_ms(self) -> int:
        """Return Unix milliseconds."""
        return self._at_ms

    def advance(self, seconds: float) -> None:
        """Let so much time pass at once."""
        self._at_ms += round(seconds * 1000)

    def set(self, at: int) -> None:
        """Make it *at*, in Unix seconds."""
        self._at_ms = at * 1000


class RunningClock:
    """The time of day, ahead by *offset_s*: what a world with a live chain needs."""

    def __init__(self, offset_s: float = 0.0) -> None:
        self._offset_s = offset_s

    def now(self) -> int:
        """Return Unix seconds."""
        return int(time.time() + self._offset_s)

    def now_ms(self) -> int:
        """Return Unix milliseconds."""
        return int((time.time() + self._offset_s) * 1000)

    def advance(self, seconds: float) -> None:
        """Let so much time pass at once, on this clock alone."""
        self._offset_s += seconds


class SeededEntropy:
    """The same bytes in each run of the tests."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - tests repeat themselves on purpose

    def take(self, count: int) -> bytes:
        """Return *count* bytes."""
        return secret(self._random.randbytes(count))


class Passed:
    """A checkpoint that lets pass and remembers."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def reached(self, name: str) -> None:
        """Note that the flow passed *name*."""
        self.names.append(name)


async def make_world(
    *,
    chains: Mapping[str, Chain] | None = None,
    clock: Clock | None = None,
    bounds: Bounds | None = None,
    store: Store | None = None,
    checkpoint: Checkpoint | None = None,
    outbound: Outbound | None = None,
    clones: Clones | None = None,
    seed: int = 0,
) -> World:
    """Return a world of its own: empty, in memory, at `START_AT`; without a chain if none given."""
    if store is None:
        memory = MemoryStore()
        await memory.open()
        store = memory
    entropy = SeededEntropy(seed)
    vault = MemoryVault(entropy)
    payers = [
        Known(
            *await make_payer(
                vault, fund, key_id=fund.value, state=PayerState.CURRENT, now=START_AT
            )
        )
        for fund in Fund
    ]
    auditor = await vault.create(
        Curve.ED25519, key_id="auditor", organization_id="server", wallet_id="auditor"
    )
    approver = await vault.create(
        Curve.ED25519, key_id="approver", organization_id="server", wallet_id="approver"
    )
    clock = clock or StoppedClock()
    return World(
        store=store,
        vault=vault,
        signer=LocalSigner(vault, approver.public_key, clock=clock, entropy=entropy),
        approver=approver,
        chains=chains or {},
        outbound=outbound or MemoryOutbound(),
        messenger=MemoryMessenger(),
        clock=clock,
        entropy=entropy,
        checkpoint=checkpoint or Passed(),
        payers=Payers(payers),
        auditor=auditor,
        bounds=bounds or PATIENT,
        clones=clones,
    )


def connect(deployment: Deployment) -> EvmChain:
    """Return the adapter that speaks to a local chain; close it in the loop that used it."""
    return EvmChain(
        deployment.rpc_url,
        chain_id=deployment.chain_id,
        implementation=deployment.implementation,
        allow_private=True,
    )


async def make_live_world(
    node: Node,
    deployment: Deployment,
    chain: EvmChain,
    *,
    clock: Clock | None = None,
    bounds: Bounds | None = None,
    store: Store | None = None,
    seed: int | None = None,
) -> World:
    """
    Return a world on a running chain, whose relayer and stopper have money there.

    Each has another seed unless told: two worlds on one chain would share addresses.
    """
    world = await make_world(
        chains={chain.chain: chain},
        clock=clock or RunningClock(),
        bounds=bounds,
        store=store,
        clones=Clones(deployment.clone_factory, deployment.clone_implementation),
        seed=time.time_ns() if seed is None else seed,
    )
    for payer in (world.relayer_address, world.stopper_address):
        fund(node.rpc, deployment, payer, RELAYER_WEI)
    return world


@dataclass(frozen=True, slots=True)
class Founded:
    """
    An organization to act for.

    Args:
        secret: Its first API key.
        principal: Who that key proves.
    """

    organization: Organization
    secret: str
    principal: Principal


async def make_organization(world: World, name: str = "Acme") -> Founded:
    """Return a new organization without a parent."""
    organization, secret = await found(world, name=name)
    return Founded(organization, secret, await principal_of(world, secret))


async def principal_of(world: World, secret: str) -> Principal:
    """Return who an API key proves."""
    mark = fingerprint(secret)
    key = (await world.store.read(lambda view: view.find(Credential, fingerprint=mark)))[0]
    return Principal(
        PrincipalKind.SECRET, key.organization_id, key.id, Access.WRITE, scopes=key.granted
    )


def with_bounds(world: World, **changed: float) -> World:
    """Return *world* with other bounds; everything else is shared."""
    return replace(world, bounds=replace(world.bounds, **changed))  # type: ignore[arg-type]


async def dump(world: World) -> dict[str, list[object]]:
    """Return everything in the store, by kind: equal dumps, equal states."""
    return await world.store.read(
        lambda view: {kind.__name__: list(_all(view, kind)) for kind in INDEXES}
    )


def _all(view: View, kind: type[Any]) -> Iterator[Any]:
    after = ""
    while page := view.find(kind, after=after, limit=MAX_FOUND):
        yield from page
        after = page[-1].id
