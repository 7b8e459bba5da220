"""The part of a world that can be looked at: nothing in it writes, signs or spends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from valetkey.core.errors import Code, Malformed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from valetkey.ports import Chain, Clock, T, View


class Reader(Protocol):
    """A store that is only read."""

    async def read(self, body: Callable[[View], T]) -> T:
        """Return what *body* makes of one consistent state."""


class Sight(Protocol):
    """
    What a read needs from the world; every `World` has it.

    There is no vault in it, so what a chain could be sent is never signed.
    """

    @property
    def store(self) -> Reader:
        """Where everything is kept."""

    @property
    def chains(self) -> Mapping[str, Chain]:
        """By CAIP-2 name."""

    @property
    def clock(self) -> Clock:
        """The time of day."""

    @property
    def relayer_address(self) -> bytes:
        """The 20 bytes that runs of relayer-bound sessions must come from."""

    @property
    def stopper_address(self) -> bytes:
        """The 20 bytes that stops come from."""

    def chain(self, name: str) -> Chain:
        """Return the chain called *name*; `Malformed` if this server does not speak to it."""


def pick_chain(chains: Mapping[str, Chain], name: str) -> Chain:
    """
    Return the chain called *name*.

    Raises:
        Malformed: This server does not speak to it.
    """
    chain = chains.get(name)
    if chain is None:
        known = ", ".join(sorted(chains))
        raise Malformed(Code.WRONG_CHAIN, f"expected one of {known}, got {name[:40]!r}")
    return chain
