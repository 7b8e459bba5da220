"""A served world that speaks Para's format, and an integrator's keys for it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.http.calls import unique
from tests.leaks import note_output
from tests.worlds import RunningClock, connect, make_live_world, make_organization
from valetkey.adapters.messenger.memory import MemoryMessenger
from valetkey.config import DialectConfig
from valetkey.core.activity import Request
from valetkey.core.credential import CredentialKind
from valetkey.core.surface import Surface
from valetkey.core.terms import Terms
from valetkey.devchain import fund
from valetkey.flows.as_vendor import set_raw_signing
from valetkey.flows.credentials import add_credential
from valetkey.flows.terms import set_terms
from valetkey.http.server import running
from valetkey.http.settings import Settings
from valetkey.telemetry.journal import Journal, Level
from valetkey.telemetry.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.worlds import Founded
    from valetkey.core.credential import Credential
    from valetkey.devchain import Deployment, Node
    from valetkey.flows.world import World

SPOKEN = DialectConfig(ports=[0, 0], origins=["http://localhost:*", "http://127.0.0.1:*"])


@dataclass(frozen=True, slots=True)
class Stage:
    """
    A server.

    Args:
        url: Of the format's own socket; *portal_url* of its second one.
        credential: The publishable key's; *public* and *secret* are the keys.
    """

    world: World
    clock: RunningClock
    founded: Founded
    node: Node
    deployment: Deployment
    url: str
    portal_url: str
    native_url: str
    credential: Credential
    lines: list[bytes]
    public: str = field(repr=False)
    secret: str = field(repr=False)

    @property
    def code(self) -> str:
        """The newest one-time code."""
        messenger = self.world.messenger
        assert isinstance(messenger, MemoryMessenger)
        return messenger.kept[-1].code

    async def enter(self, verification_url: str) -> None:
        """Enter the code on the page, as it does by itself."""
        query = parse_qs(urlsplit(verification_url).query)
        body = {
            "sessionId": query["sessionId"][0],
            "code": self.code,
            "encryptionKey": query["encryptionKey"][0],
        }
        async with httpx.AsyncClient(base_url=self.portal_url) as page:
            answer = await page.post("/auth/otp/code", json=body)
            assert answer.status_code == 200, answer.text

    @property
    def chain_id(self) -> int:
        """Of the one chain."""
        return next(iter(self.world.chains.values())).chain_id

    def give(self, address: str, wei: int) -> None:
        """Give *address* some of the chain's coin."""
        fund(self.node.rpc, self.deployment, bytes.fromhex(address[2:]), wei)

    def balance(self, address: str) -> int:
        """Return what *address* has, in wei."""
        told: str = self.node.rpc.ask("eth_getBalance", address, "latest")
        return int(told, 16)

    async def review(self, *, on: bool) -> None:
        """Have users confirm signatures, or not."""
        terms = Terms(self.credential.id, "", reviews=on)
        await set_terms(self.world, self.founded.principal, Request(unique(), ""), terms)

    async def decide(self, review_url: str, *, approve: bool) -> None:
        """Decide on the page, as it does by itself: read it, have a code sent, enter that."""
        parts = urlsplit(review_url)
        query, review_id = parse_qs(parts.query), parts.path.rpartition("/")[2]
        asked = {"reviewId": review_id, "sessionId": query["sessionId"][0]}
        async with httpx.AsyncClient(base_url=self.portal_url) as page:
            assert (await page.get(parts.path)).status_code == 200
            shown = await page.post("/review/show", json=asked)
            assert shown.json()["shown"]["kind"] == "digest"
            if not approve:
                assert (await page.post("/review/deny", json=asked)).status_code == 200
                return
            assert (await page.post("/review/send", json=asked)).status_code == 200
            answer = await page.post("/review/approve", json={**asked, "code": self.code})
            assert answer.status_code == 200, answer.text

    async def strangers_key(self) -> str:
        """Return the publishable key of another organization."""
        founded = await make_organization(self.world)
        return (await _key(self.world, founded, CredentialKind.PUBLISHABLE))[1]

    async def backend(self, path: str, body: dict[str, str], *, key: str) -> httpx.Response:
        """Ask as an integrator's backend does, without any SDK."""
        async with httpx.AsyncClient(base_url=self.url) as client:
            return await client.post(path, json=body, headers={"x-external-api-key": key})

    async def native(self, method: str, path: str, **body: Any) -> httpx.Response:  # noqa: ANN401
        """Ask the native API with the organization's own secret key."""
        headers = {"authorization": f"Bearer {self.founded.secret}", "idempotency-key": unique()}
        async with httpx.AsyncClient(base_url=self.native_url, headers=headers) as client:
            return await client.request(method, path, **body)


async def _key(world: World, founded: Founded, kind: CredentialKind) -> tuple[Credential, str]:
    credential, token = await add_credential(
        world,
        founded.principal,
        Request(unique(), ""),
        kind=kind,
        label="para",
        public_key=None,
        surface=Surface.PARA,
    )
    return credential, token or ""


@asynccontextmanager
async def stage(node: Node, deployment: Deployment) -> AsyncIterator[Stage]:
    """Serve a world on a local chain, with one organization that lets its clients sign digests."""
    clock, chain = RunningClock(), connect(deployment)
    world = await make_live_world(node, deployment, chain, clock=clock)
    founded = await make_organization(world)
    credential, public = await _key(world, founded, CredentialKind.PUBLISHABLE)
    _, secret = await _key(world, founded, CredentialKind.SECRET)
    await set_raw_signing(
        world,
        founded.principal,
        Request(unique(), ""),
        organization_id=founded.organization.id,
        surfaces=[Surface.PARA],
    )
    lines: list[bytes] = []
    telemetry = Telemetry(Journal(lines.append, level=Level.DEBUG))
    settings = Settings(reconcile_s=0, deliver_s=0, dialects={"para": SPOKEN})
    async with running(world, settings=settings, telemetry=telemetry) as serving:
        own, portal = serving.dialect_urls["para"]
        yield Stage(
            *(world, clock, founded, node, deployment, own, portal, serving.url, credential, lines),
            public=public,
            secret=secret,
        )
    await chain.close()
    note_output("para journal", b"".join(lines).decode())
