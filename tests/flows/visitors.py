"""People who log in with a code, as flows see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.worlds import make_organization, make_world
from valetkey.adapters.messenger.memory import MemoryMessenger
from valetkey.core.activity import Request
from valetkey.core.credential import CredentialKind
from valetkey.core.principal import Access, Principal, PrincipalKind
from valetkey.core.surface import Surface
from valetkey.core.visit import lookup_of
from valetkey.flows.credentials import add_credential
from valetkey.flows.log_in import ask_for_code, log_in
from valetkey.flows.visits import arrive, look

if TYPE_CHECKING:
    from tests.worlds import Founded, StoppedClock
    from valetkey.core.session import Session
    from valetkey.flows.visits import Seen
    from valetkey.flows.world import World

EMAIL = "alice@example.org"


@dataclass(slots=True)
class Client:
    """
    A browser, or a backend.

    Args:
        key: The publishable key that it shows.
        cookie: The one that it shows next.
    """

    world: World
    founded: Founded
    key: Principal
    cookie: str

    @property
    def clock(self) -> StoppedClock:
        """The clock of its world."""
        return self.world.clock  # type: ignore[return-value]

    @property
    def lookup(self) -> str:
        """Its lookup id."""
        return lookup_of(self.cookie) or ""

    @property
    def codes(self) -> list[str]:
        """The codes that were sent, oldest first."""
        messenger = self.world.messenger
        assert isinstance(messenger, MemoryMessenger)
        return [one.code for one in messenger.kept]

    async def ask(self, email: str = EMAIL) -> str:
        """Ask for a code, and return the one that was sent."""
        await ask_for_code(self.world, lookup=self.lookup, email=email)
        return self.codes[-1]

    async def enter(self, code: str) -> Session:
        """Enter *code*."""
        return await log_in(self.world, lookup=self.lookup, code=code, surface=Surface.PARA)

    async def logged_in(self, email: str = EMAIL) -> Session:
        """Log in, and take the new cookie."""
        session = await self.enter(await self.ask(email))
        await self.seen()
        return session

    async def seen(self, *, renews: bool = False) -> Seen | None:
        """Show the cookie, and take a new one if there is one."""
        seen = await look(self.world, self.key, self.cookie, renews=renews)
        if seen is not None and seen.cookie is not None:
            self.cookie = seen.cookie
        return seen


async def make_client(world: World | None = None) -> Client:
    """Return a client that has just come, in an organization of its own."""
    world = world or await make_world()
    founded = await make_organization(world)
    request = Request("publishable", "publishable")
    credential, _ = await add_credential(
        world,
        founded.principal,
        request,
        kind=CredentialKind.PUBLISHABLE,
        label="web",
        public_key=None,
        surface=Surface.PARA,
    )
    owner = founded.organization.id
    key = Principal(PrincipalKind.PUBLISHABLE, owner, credential.id, Access.READ)
    _, cookie = await arrive(world, key)
    return Client(world, founded, key, cookie)
