"""Users who log in by themselves, as flows see them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.issuer import AUDIENCE, ISSUER, Issuer
from tests.worlds import make_organization, make_world
from valetkey.core.activity import Request
from valetkey.core.credential import CredentialKind
from valetkey.core.identity import IdentityProvider
from valetkey.core.principal import Access, Principal, PrincipalKind
from valetkey.core.surface import Surface
from valetkey.flows.credentials import add_credential
from valetkey.flows.holder import Asked
from valetkey.flows.identify import log_in_with, prove_with
from valetkey.flows.providers import set_provider

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.worlds import Founded, StoppedClock
    from valetkey.flows.guests import LoggedIn
    from valetkey.flows.world import World

# Its keys are those of the same kind as every vendor's surface with publishable keys has.
SURFACE = Surface.PARA
ASKED = Asked(is_write=True, is_leaving=False, surface=SURFACE)


@dataclass(slots=True)
class App:
    """
    An app of an organization, and somebody who logs its people in.

    Args:
        key: Its publishable key.
    """

    world: World
    founded: Founded
    key: Principal
    issuer: Issuer = field(default_factory=Issuer)

    @property
    def clock(self) -> StoppedClock:
        """The clock of its world."""
        return self.world.clock  # type: ignore[return-value]

    async def trust(self, **changed: object) -> IdentityProvider:
        """Have the issuer's tokens log users in."""
        wanted = {
            "name": "custom",
            "issuer": ISSUER,
            "audiences": (AUDIENCE,),
            "keys": self.issuer.keys_text,
            **changed,
        }
        number = f"trust {self.world.new_id('req')}"  # type: ignore[arg-type]
        request = Request(number, number)
        provider = IdentityProvider("", "", **wanted)  # type: ignore[arg-type]
        return await set_provider(self.world, self.founded.principal, request, provider)

    def token(self, subject: str = "alice", **changed: object) -> str:
        """Return a token of the issuer's, fresh."""
        return self.issuer.token(subject, now=self.clock.now(), **changed)  # type: ignore[arg-type]

    def token_that_says(self, changed: Mapping[str, object]) -> str:
        """Return one with other claims; what is None is left out."""
        return self.issuer.token("alice", now=self.clock.now(), **changed)  # type: ignore[arg-type]

    async def log_in(self, token: str, name: str = "custom") -> LoggedIn:
        """Log in with a token."""
        return await log_in_with(self.world, self.key, name=name, token=token, asked=ASKED)

    async def prove(self, token: str) -> Principal:
        """Show a token."""
        return await prove_with(self.world, self.key, name="custom", token=token, asked=ASKED)


async def make_app(world: World | None = None) -> App:
    """Return an app in an organization of its own."""
    world = world or await make_world()
    founded = await make_organization(world)
    credential, _ = await add_credential(
        world,
        founded.principal,
        Request("publishable", "publishable"),
        kind=CredentialKind.PUBLISHABLE,
        label="app",
        public_key=None,
        surface=SURFACE,
    )
    owner = founded.organization.id
    key = Principal(PrincipalKind.PUBLISHABLE, owner, credential.id, Access.READ)
    return App(world, founded, key)
