"""A served world that speaks Para's format, and browsers that come to it without any SDK."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import httpx

from tests.http.calls import unique
from tests.leaks import note_output
from tests.worlds import StoppedClock, make_organization, make_world
from valetkey.adapters.messenger.memory import MemoryMessenger
from valetkey.config import DialectConfig
from valetkey.core.activity import Request
from valetkey.core.credential import CredentialKind
from valetkey.core.surface import Surface
from valetkey.flows.credentials import add_credential
from valetkey.http.server import running
from valetkey.http.settings import Settings
from valetkey.telemetry.journal import Journal, Level
from valetkey.telemetry.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.worlds import Founded
    from valetkey.flows.world import World

PAGE: Final = "https://app.example"
EMAIL: Final = "alice@example.org"


@dataclass(slots=True)
class Guest:
    """
    A browser, before and after its user logs in.

    Args:
        key: The API key that it shows.
        cookie: The newest one that it was given; its lookup id stands before the dot.
    """

    http: httpx.AsyncClient
    key: str = field(repr=False)
    cookie: str = field(default="", repr=False)

    @property
    def lookup(self) -> str:
        """Its lookup id."""
        return self.cookie.removeprefix("vk_session_").partition(".")[0]

    async def send(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Return the answer, whatever it is, and take the cookie that it brings."""
        fields = {"x-external-api-key": self.key, "x-capsule-sid": self.cookie}
        fields |= {"x-para-structured-errors": "1", "origin": PAGE}
        answer = await self.http.request(method, path, headers=fields, json=body)
        self.cookie = answer.headers.get("x-capsule-sid", self.cookie)
        return answer

    async def begin(self, email: str = EMAIL) -> None:
        """Come, and have a code sent."""
        assert (await self.send("POST", "/touch")).status_code == 200
        answer = await self.send("POST", "/users/init", {"email": email})
        assert answer.status_code == 200, answer.text

    async def enter(self, code: str) -> httpx.Response:
        """Enter a code, as the page does: nobody's key and no cookie goes with it."""
        body = {"sessionId": self.lookup, "code": code}
        return await self.http.post("/auth/otp/code", json=body)


@dataclass(frozen=True, slots=True)
class House:
    """
    A server that speaks Para's format.

    Args:
        url: Of the format's own socket; *native_url* of ours.
        public: A publishable key; *secret* a secret one of the same organization.
        lines: What was logged.
    """

    world: World
    clock: StoppedClock
    founded: Founded
    url: str
    native_url: str
    lines: list[bytes] = field(repr=False)
    public: str = field(repr=False)
    secret: str = field(repr=False)

    @property
    def codes(self) -> list[str]:
        """The codes that were sent, oldest first."""
        messenger = self.world.messenger
        assert isinstance(messenger, MemoryMessenger)
        return [one.code for one in messenger.kept]

    @asynccontextmanager
    async def guest(self, address: str = "127.0.0.1") -> AsyncIterator[Guest]:
        """Give a browser at *address* of this machine."""
        transport = httpx.AsyncHTTPTransport(local_address=address)
        log = logging.getLogger("httpcore.http11")
        log.setLevel(
            logging.INFO
        )  # it writes answers' headers to its log, and cookies are among them
        try:
            async with httpx.AsyncClient(base_url=self.url, transport=transport) as http:
                yield Guest(http, self.public)
        finally:
            log.setLevel(logging.NOTSET)


@asynccontextmanager
async def house(**settings: object) -> AsyncIterator[House]:
    """Serve a world with one organization, and keys of it for Para's format."""
    clock = StoppedClock()
    world = await make_world(clock=clock)
    founded = await make_organization(world)
    keys = []
    for kind in (CredentialKind.PUBLISHABLE, CredentialKind.SECRET):
        _, key = await add_credential(
            world,
            founded.principal,
            Request(unique(), ""),
            kind=kind,
            label="para",
            public_key=None,
            surface=Surface.PARA,
        )
        keys.append(key or "")
    spoken = DialectConfig(ports=[0], origins=[PAGE])
    made = Settings(reconcile_s=0, deliver_s=0, metrics_port=0, dialects={"para": spoken})
    lines: list[bytes] = []
    telemetry = Telemetry(Journal(lines.append, level=Level.DEBUG))
    whole = replace(made, **settings)  # type: ignore[arg-type]
    async with running(world, settings=whole, telemetry=telemetry) as serving:
        url = serving.dialect_urls["para"][0]
        yield House(world, clock, founded, url, serving.url, lines, *keys)
    note_output("para journal", b"".join(lines).decode())
