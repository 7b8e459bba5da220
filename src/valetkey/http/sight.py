"""All that a read handler gets: what can be looked at, and nothing that changes it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from valetkey.flows.audits import signed_head
from valetkey.flows.sight import pick_chain

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from valetkey.core.audit import SignedHead
    from valetkey.flows.sight import Reader
    from valetkey.flows.world import World
    from valetkey.http.settings import Settings
    from valetkey.ports import Chain, Clock, Store, T, View


class ReadOnly:
    """A store without its ``write``."""

    __slots__ = ("_read",)

    def __init__(self, store: Store) -> None:
        self._read = store.read

    async def read(self, body: Callable[[View], T]) -> T:
        """Return what *body* makes of one consistent state."""
        return await self._read(body)


@dataclass(frozen=True, slots=True)
class Reads:
    """
    A `Sight` of the world, for read handlers.

    There is no way from here to a transaction or to a key: a route that reads cannot be made to
    write by whoever calls it, nor by whoever changes its handler alone.

    Args:
        sign_head: Signs the head of an organization's audit log, and nothing else.
    """

    store: Reader
    chains: Mapping[str, Chain]
    clock: Clock
    relayer_address: bytes
    names: Mapping[bytes, str]
    version: str
    sign_head: Callable[..., Awaitable[SignedHead]]

    def chain(self, name: str) -> Chain:
        """Return the chain called *name*; `Malformed` if this server does not speak to it."""
        return pick_chain(self.chains, name)


def reads_of(world: World, settings: Settings) -> Reads:
    """Return what of *world* may be seen."""
    return Reads(
        store=ReadOnly(world.store),
        chains=world.chains,
        clock=world.clock,
        relayer_address=world.relayer_address,
        names=settings.names,
        version=settings.version,
        sign_head=partial(signed_head, world),
    )
