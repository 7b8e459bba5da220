"""A served world that speaks Openfort's format, on a real chain where a test needs one."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import httpx

from tests.http.calls import unique
from tests.leaks import note_output
from tests.worlds import RunningClock, connect, make_live_world, make_organization, make_world
from valetkey.config import DialectConfig
from valetkey.core.activity import Request
from valetkey.core.credential import CredentialKind
from valetkey.core.surface import Surface
from valetkey.core.wallet import Clones
from valetkey.flows.credentials import OPERATOR, add_credential
from valetkey.http.server import running
from valetkey.http.settings import Settings
from valetkey.telemetry.journal import Journal, Level
from valetkey.telemetry.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.worlds import Founded
    from valetkey.core.credential import Credential
    from valetkey.core.scope import Standing
    from valetkey.devchain import Deployment, Node
    from valetkey.flows.world import World

HOST: Final = "openfort.example"
PAGE: Final = "https://app.example"
SPOKEN: Final = DialectConfig(ports=[0], host=HOST, origins=[PAGE, "http://localhost:*"])


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one organization for the dialect, and its credentials."""

    founded: Founded
    secret: Credential
    publishable: Credential
    sk: str = field(repr=False)
    pk: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Stage:
    """
    A server.

    Args:
        url: Of the dialect's own socket, where it stands at the root.
        native_url: Of the shared socket.
        keys: Of the organization that most tests act for; *others* of a stranger.
        sk, pk: Clients of the dialect with the secret and the publishable key.
        nobody: A client of the dialect without a key.
        native: A client of the native API with the organization's own secret key.
        lines: What was logged.
    """

    world: World
    clock: RunningClock
    url: str
    native_url: str
    keys: Keys
    others: Keys
    sk: httpx.AsyncClient
    pk: httpx.AsyncClient
    nobody: httpx.AsyncClient
    native: httpx.AsyncClient
    lines: list[bytes] = field(repr=False)

    @property
    def chain_id(self) -> int:
        """Of the one chain."""
        return next(iter(self.world.chains.values())).chain_id

    async def made(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what a POST of JSON with the secret key makes; fail if it is refused."""
        answer = await self.sk.post(path, json=body or {})
        assert answer.status_code in {200, 201}, answer.text
        return dict(answer.json())

    async def got(self, path: str, **query: Any) -> dict[str, Any]:  # noqa: ANN401 - as httpx takes it
        """Return what a GET with the secret key shows; fail if it is refused."""
        answer = await self.sk.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def by(key: str) -> dict[str, str]:
    """Return the header that brings *key*."""
    return {"authorization": f"Bearer {key}"}


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    """Return status, code and message of a refusal; fail unless it has the vendor's form."""
    body = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert {*body} == {"error", "code", "request_id"}
    assert body["error"]["type"] in {"invalid_request_error", "api_error"}
    assert body["request_id"] == answer.headers["x-request-id"]
    return answer.status_code, body["code"], body["error"]["message"]


async def add_keys(world: World, founded: Founded, standing: Standing = OPERATOR) -> Keys:
    """Return a secret key with *standing* and a publishable key for the dialect."""
    made = [
        await add_credential(
            world,
            founded.principal,
            Request(unique(), ""),
            kind=kind,
            label="openfort",
            public_key=None,
            surface=Surface.OPENFORT,
            standing=standing,
        )
        for kind in (CredentialKind.SECRET, CredentialKind.PUBLISHABLE)
    ]
    (secret, sk), (publishable, pk) = made
    return Keys(founded, secret, publishable, sk or "", pk or "")


@asynccontextmanager
async def staged(
    node: Node | None = None,
    deployment: Deployment | None = None,
    *,
    spoken: DialectConfig = SPOKEN,
    **settings: Any,  # noqa: ANN401 - whatever `Settings` takes
) -> AsyncIterator[Stage]:
    """Serve a world with two organizations; on *node*, with clones, if there is one."""
    clock = RunningClock()
    async with AsyncExitStack() as stack:
        if node is None or deployment is None:
            world = await make_world(clock=clock)
        else:
            chain = connect(deployment)
            stack.push_async_callback(chain.close)
            world = await make_live_world(node, deployment, chain, clock=clock)
            clones = Clones(deployment.clone_factory, deployment.clone_implementation)
            world = replace(world, clones=clones)
        keys = await add_keys(world, await make_organization(world))
        others = await add_keys(world, await make_organization(world, "Stranger"))
        lines: list[bytes] = []
        made = replace(Settings(reconcile_s=0, deliver_s=0, dialects={"openfort": spoken}))
        serving = await stack.enter_async_context(
            running(
                world,
                settings=replace(made, **settings),
                telemetry=Telemetry(Journal(lines.append, level=Level.DEBUG)),
            )
        )
        (url,) = serving.dialect_urls["openfort"]
        sk, pk, nobody, native = [
            await stack.enter_async_context(httpx.AsyncClient(base_url=base, headers=headers))
            for base, headers in (
                (url, by(keys.sk)),
                (url, by(keys.pk)),
                (url, {}),
                (serving.url, by(keys.founded.secret)),
            )
        ]
        for client in (sk, pk, nobody, native):
            client.timeout = httpx.Timeout(60)
        yield Stage(world, clock, url, serving.url, keys, others, sk, pk, nobody, native, lines)
    note_output("openfort journal", b"".join(lines).decode())
