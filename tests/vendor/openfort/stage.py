"""A served world that speaks Openfort's format, on the chain whose id is on its page."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import httpx

from tests.http.calls import unique
from tests.http.openfort.stage import add_keys
from tests.leaks import note_output
from tests.vendor.openfort.asset import make_asset
from tests.worlds import RunningClock, connect, make_live_world, make_organization
from valetkey.adapters.outbound.web import WebOutbound
from valetkey.config import DialectConfig
from valetkey.core.scope import Role, Standing
from valetkey.core.wallet import Clones
from valetkey.http.server import running
from valetkey.http.settings import Settings
from valetkey.telemetry.journal import Journal, Level
from valetkey.telemetry.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.worlds import Founded
    from valetkey.devchain import Deployment, Node
    from valetkey.flows.world import World

CHAIN_ID: Final = 80002
SPOKEN: Final = DialectConfig(ports=[0], origins=["http://localhost:*", "http://127.0.0.1:*"])
WAIT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Stage:
    """
    A server.

    Args:
        url: Of the format's own socket.
        asset: The address of a contract that has ``mint(address)``.
        secret: A secret key, *public* a publishable one.
    """

    world: World
    clock: RunningClock
    founded: Founded
    node: Node
    deployment: Deployment
    url: str
    native_url: str
    asset: str
    lines: list[bytes]
    secret: str = field(repr=False)
    public: str = field(repr=False)

    async def ask(self, method: str, path: str, *, key: str = "", **rest: Any) -> httpx.Response:  # noqa: ANN401 - as httpx has them
        """Ask in the vendor's format, with the secret key unless another one is given."""
        bearer = {"authorization": f"Bearer {key or self.secret}"}
        async with httpx.AsyncClient(base_url=self.url, headers=bearer, timeout=WAIT_S) as client:
            return await client.request(method, path, **rest)

    async def native(self, method: str, path: str, **rest: Any) -> httpx.Response:  # noqa: ANN401 - as httpx has them
        """Ask the native API with the organization's own secret key."""
        headers = {"authorization": f"Bearer {self.founded.secret}", "idempotency-key": unique()}
        async with httpx.AsyncClient(base_url=self.native_url, headers=headers) as client:
            return await client.request(method, path, **rest)

    async def strangers_key(self) -> str:
        """Return the secret key of another organization."""
        founded = await make_organization(self.world, "Stranger")
        return (await add_keys(self.world, founded, Standing(Role.OWNER))).sk


@asynccontextmanager
async def stage(node: Node, deployment: Deployment) -> AsyncIterator[Stage]:
    """Serve a world whose relayer has money on *node*, with clones, and webhooks to loopback."""
    clock, chain = RunningClock(), connect(deployment)
    world = await make_live_world(node, deployment, chain, clock=clock)
    clones = Clones(deployment.clone_factory, deployment.clone_implementation)
    world = replace(world, clones=clones, outbound=WebOutbound(allow_private=True))
    founded = await make_organization(world)
    keys = await add_keys(world, founded, Standing(Role.OWNER))
    lines: list[bytes] = []
    telemetry = Telemetry(Journal(lines.append, level=Level.DEBUG))
    settings = Settings(reconcile_s=0.2, deliver_s=0.1, dialects={"openfort": SPOKEN})
    async with running(world, settings=settings, telemetry=telemetry) as serving:
        (own,) = serving.dialect_urls["openfort"]
        yield Stage(
            *(world, clock, founded, node, deployment, own, serving.url, make_asset(node), lines),
            secret=keys.sk,
            public=keys.pk,
        )
    await chain.close()
    assert not [one for one in lines if b'"code":"internal"' in one]
    note_output("openfort journal", b"".join(lines).decode())
