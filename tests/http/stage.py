"""A served world with somebody of every kind in it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import httpx

from tests.http.calls import Caller, Key, Prover, Stamper, Token
from tests.http.watched import WatchedStore
from tests.leaks import note_output
from tests.worlds import (
    Founded,
    RunningClock,
    connect,
    make_live_world,
    make_organization,
    principal_of,
)
from valetkey.config import Rates
from valetkey.core.organization import Organization
from valetkey.flows.issue_token import ensure_token_key
from valetkey.http.server import running
from valetkey.http.settings import Settings
from valetkey.spec.secp256k1 import address_of_key
from valetkey.telemetry.journal import Journal, Level
from valetkey.telemetry.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.http.calls import Proof
    from valetkey.devchain import Deployment, Node
    from valetkey.flows.world import World

USDC: Final = 10**6
HOUR_S: Final = 3600
ALICE: Final = "0x" + "a1" * 20
MANY: Final = Rates(address_burst=100_000)  # the table of doors knocks at all of them
OWNER: Final = Key.make("secp256k1", 1)  # whose key is outside


@dataclass(slots=True)
class Stage:
    """
    A world that is served on loopback.

    Args:
        org: Who it is mostly about; *parent* and *grandparent* are above it, *stranger* beside it.
        lines: What was logged.
        store: The world's, which remembers what changed.
        callers: By kind of principal.
    """

    world: World
    clock: RunningClock
    client: httpx.AsyncClient
    node: Node
    deployment: Deployment
    grandparent: Founded
    parent: Founded
    org: Founded
    stranger: Founded
    lines: list[bytes]
    store: WatchedStore
    account: dict[str, Any] = field(default_factory=dict)
    outside: dict[str, Any] = field(default_factory=dict)
    callers: dict[str, Caller] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def chain(self) -> str:
        """The CAIP-2 name of the one chain."""
        return f"eip155:{self.deployment.chain_id}"

    @property
    def secret(self) -> Caller:
        """A backend of the organization."""
        return self.callers["secret"]

    def by(self, proof: Proof) -> Caller:
        """Return somebody with that proof."""
        return Caller(self.client, proof)

    def permission(self, **changed: object) -> dict[str, Any]:
        """Return a permission to pay 20 USDC to Alice."""
        token = "0x" + self.deployment.token.hex()
        return {
            "chain": self.chain,
            "recipients": [ALICE],
            "rules": [{"target": token, "function": "transfer(address,uint256)"}],
            "caps": [{"asset": token, "decimals": 6, "lifetime": str(20 * USDC)}],
            **changed,
        }

    def transfer(self, amount: int = USDC, to: str = ALICE) -> dict[str, str]:
        """Return a call that pays USDC."""
        data = f"0xa9059cbb{to[2:]:0>64}{amount:064x}"
        return {"to": "0x" + self.deployment.token.hex(), "data": data}

    async def open(self, proof: str, access: str, **fields: object) -> dict[str, Any]:
        """Return the answer to opening a session; one that writes is of the sealed account."""
        body: dict[str, object] = {"proof": proof, "access": access, "ttl_s": HOUR_S}
        if access == "write":
            body |= {"account_id": self.account["id"], "permission": self.permission()}
        opened: dict[str, Any] = await self.secret.post("/v1/sessions", {**body, **fields})
        return opened

    async def open_pending(self) -> dict[str, Any]:
        """Return a session that waits for its owner, whose key is outside."""
        key = Key.make("secp256k1", 77).document
        return await self.open(
            "chain", "write", key=key, account_id=self.outside["id"], shares_key=True
        )

    async def stamped(self, number: int, access: str, **fields: object) -> tuple[str, Caller]:
        """Return a session that signs its requests, and its holder."""
        key = Key.make("p256", number)
        opened = await self.open("stamp", access, key=key.document, **fields)
        session_id = opened["session"]["id"]
        return session_id, self.by(Stamper(session_id, key, self.clock))

    async def proving(
        self, key: Key, access: str = "read", **fields: object
    ) -> tuple[dict[str, Any], Prover]:
        """Return a session with a token that is bound to *key*, and who proves it."""
        fields |= {"key": key.document, "bound_token": True}
        opened = await self.open("stamp", access, **fields)
        prover = Prover(opened["token"], key, self.clock)
        given = (await self.by(prover).send("GET", "/v1/session")).headers["dpop-nonce"]
        return opened, replace(prover, nonce=given)


@asynccontextmanager
async def staged(
    node: Node,
    deployment: Deployment,
    settings: Settings | None = None,
    telemetry: Telemetry | None = None,
) -> AsyncIterator[Stage]:
    """Serve a world in which nobody is but three organizations and two accounts."""
    chain = connect(deployment)
    clock = RunningClock(offset_s=-5)
    store = WatchedStore()
    await store.open()
    world = await make_live_world(node, deployment, chain, clock=clock, store=store)
    await ensure_token_key(world)
    lines: list[bytes] = []
    grandparent = await make_organization(world, "Grandparent")
    stranger = await make_organization(world, "Stranger")
    async with (
        running(
            world,
            settings=settings or Settings(reconcile_s=0, deliver_s=0, rates=MANY),
            telemetry=telemetry or Telemetry(Journal(lines.append, level=Level.DEBUG)),
        ) as serving,
        httpx.AsyncClient(base_url=serving.url, timeout=30) as client,
    ):
        parent = await open_below(world, client, grandparent, "Parent")
        org = await open_below(world, client, parent, "Acme")
        organizations = (grandparent, parent, org, stranger)
        stage = Stage(world, clock, client, node, deployment, *organizations, lines, store)
        stage.callers["secret"] = stage.by(Token(org.secret))
        await _add_accounts(stage)
        yield stage
    await chain.close()
    note_output("http journal", b"".join(lines).decode())


async def open_below(
    world: World, client: httpx.AsyncClient, parent: Founded, name: str
) -> Founded:
    """Return a new organization below *parent*."""
    answer = await Caller(client, Token(parent.secret)).post("/v1/organizations", {"name": name})
    secret = answer["secret_key"]
    principal = await principal_of(world, secret)
    organization = await world.store.read(
        lambda view: view.get(Organization, principal.organization_id)
    )
    assert organization is not None
    return Founded(organization, secret, principal)


async def _add_accounts(stage: Stage) -> None:
    sealed = await stage.secret.post("/v1/wallets", {"chain": stage.chain, "owner_key": "sealed"})
    stage.account = sealed["account"]
    address = "0x" + address_of_key(OWNER.private).hex()
    outside = {"chain": stage.chain, "owner_key": "outside", "address": address}
    stage.outside = (await stage.secret.post("/v1/wallets", outside))["account"]
