"""The keys that pay for gas: the one in use, and those before it that sessions still name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Unavailable
from valetkey.core.sponsorship import Fund, Payer, PayerState
from valetkey.core.wallet import SealedKey, address_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from valetkey.flows.sight import Reader
    from valetkey.ports import View

ROLES: Final = {Fund.RUNS: "relayer", Fund.STOPS: "stopper"}


@dataclass(frozen=True, slots=True)
class Known:
    """A payer, and its key."""

    payer: Payer
    key: SealedKey

    @property
    def address(self) -> bytes:
        """The 20 bytes that its transactions come from."""
        return address_of(self.key.public_key)


class Payers:
    """
    What a process knows of the keys that pay; `refresh` asks the store again.

    Args:
        known: One that is `CURRENT` for each fund, and any number that were before.
    """

    def __init__(self, known: Iterable[Known]) -> None:
        self._known: dict[bytes, Known] = {}
        self._current: dict[Fund, Known] = {}
        self.take(known)

    def take(self, known: Iterable[Known]) -> None:
        """Know *known* from now on, and nothing else."""
        self._known = {one.address: one for one in known}
        found = self._known.values()
        self._current |= {
            one.payer.fund: one for one in found if one.payer.state is PayerState.CURRENT
        }

    def current(self, fund: Fund) -> Known:
        """
        Return what pays for *fund* now.

        Raises:
            Unavailable: The store has none.
        """
        known = self._current.get(fund)
        if known is None:
            detail = f"expected a {ROLES[fund]} in the store, got none; run `valetkey init`"
            raise Unavailable(Code.STORE_UNAVAILABLE, detail)
        return known

    def has(self, address: bytes | None) -> bool:
        """Say whether transactions from *address* are made here."""
        return address in self._known

    def key_of(self, address: bytes) -> SealedKey:
        """
        Return the key of *address*.

        Raises:
            Unavailable: It is not known here, or no longer.
        """
        known = self._known.get(address)
        if known is None:
            detail = f"expected a key of this server, got 0x{address.hex()}"
            raise Unavailable(Code.STORE_UNAVAILABLE, detail)
        return known.key

    def in_service(self) -> Iterator[tuple[str, bytes]]:
        """Give role and address of each that may still have something to pay."""
        for one in self._known.values():
            if one.payer.state in {PayerState.CURRENT, PayerState.FORMER}:
                yield ROLES[one.payer.fund], one.address


async def load_payers(store: Reader) -> list[Known]:
    """Return what the store has."""

    def body(view: View) -> list[Known]:
        payers = view.find(Payer)
        keys = (view.get(SealedKey, one.key_id) for one in payers)
        return [Known(payer, key) for payer, key in zip(payers, keys, strict=True) if key]

    return await store.read(body)
