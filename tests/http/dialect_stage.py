"""A served world that also speaks the dialect of a vendor."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import httpx

from tests.http.calls import unique
from tests.leaks import note_output
from tests.worlds import RunningClock, make_organization, make_world
from valetkey.config import DialectConfig
from valetkey.core.activity import Request
from valetkey.core.credential import CredentialKind
from valetkey.core.surface import Surface
from valetkey.flows.credentials import add_credential
from valetkey.http.server import running
from valetkey.http.settings import Settings
from valetkey.telemetry.journal import Journal, Level
from valetkey.telemetry.metrics import Metrics
from valetkey.telemetry.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from tests.worlds import Founded
    from valetkey.core.wallet import Clones
    from valetkey.flows.world import World
    from valetkey.ports import Chain

HOST: Final = "portal.example"
PAGE: Final = "https://app.example"
SPOKEN: Final = DialectConfig(ports=[0], host=HOST, origins=[PAGE, "http://localhost:*"])


@dataclass(frozen=True, slots=True)
class Spoken:
    """
    A server that speaks Portal's format.

    Args:
        shared: Callers of the socket that it shares with the native API; *own* of its own.
        key: Of a custodian; *native* of the same organization, for the native API.
        lines: What was logged.
    """

    world: World
    clock: RunningClock
    founded: Founded
    shared: httpx.AsyncClient
    own: httpx.AsyncClient
    metrics_url: str
    key: str = field(repr=False)
    native: str = field(repr=False)
    lines: list[bytes] = field(repr=False)


@asynccontextmanager
async def spoken(
    config: DialectConfig = SPOKEN,
    *,
    chains: Mapping[str, Chain] | None = None,
    clones: Clones | None = None,
    seed: int = 0,
    **settings: object,
) -> AsyncIterator[Spoken]:
    """
    Serve a world with one organization, and a custodian's key of it.

    Args:
        seed: Another one for each world on the same chain: they would share addresses.
    """
    clock = RunningClock()
    world = await make_world(clock=clock, chains=chains, clones=clones, seed=seed)
    founded = await make_organization(world)
    _, key = await add_credential(
        world,
        founded.principal,
        Request(unique(), ""),
        kind=CredentialKind.SECRET,
        label="custodian",
        public_key=None,
        surface=Surface.PORTAL,
    )
    made = Settings(reconcile_s=0, deliver_s=0, metrics_port=0, dialects={"portal": config})
    lines: list[bytes] = []
    telemetry = Telemetry(Journal(lines.append, level=Level.DEBUG), metrics=Metrics())
    async with (
        running(
            world,
            settings=replace(made, **settings),  # type: ignore[arg-type]
            telemetry=telemetry,
        ) as serving,
        httpx.AsyncClient(base_url=serving.url) as shared,
        httpx.AsyncClient(base_url=serving.dialect_urls["portal"][0]) as own,
    ):
        urls = (shared, own, serving.metrics_url or "")
        yield Spoken(world, clock, founded, *urls, key or "", founded.secret, lines)
    note_output("dialect journal", b"".join(lines).decode())
