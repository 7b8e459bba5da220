"""What ids stand for in calls: the address of an account, a contract, or a player's account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Malformed, NotFound
from valetkey.core.ids import Prefix
from valetkey.flows.contracts import shown_contract
from valetkey.flows.reached import account_to_read
from valetkey.http.dialects.openfort import ids
from valetkey.http.dialects.openfort.arguments import malformed
from valetkey.http.dialects.openfort.contracts import functions_at
from valetkey.http.dialects.openfort.whose import Whose, account_of
from valetkey.wire.base import read_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.principal import Principal
    from valetkey.http.dialects.openfort.abi import Function
    from valetkey.ports import View

_EXPECTED: Final = "an address, or an id such as acc_, pla_ or con_ and a UUID"


class Names:
    """
    The names of one organization on one chain (`interactions.Known`).

    Args:
        chain: CAIP-2.
    """

    def __init__(self, view: View, principal: Principal, chain: str) -> None:
        self._view = view
        self._principal = principal
        self._chain = chain
        self._known: dict[bytes, Sequence[Function]] = {}

    def address_of(self, text: str, where: str) -> bytes:
        """Return the address that *text* writes, or that the thing of that id has."""
        try:
            if text.startswith("0x"):
                return read_address(text, where, code=Code.MALFORMED_CALL)
            return self._address_of_id(text, where)
        except (Malformed, NotFound) as error:
            detail = error.detail if error.detail.startswith(where) else f"{where}: {error.detail}"
            raise Malformed(error.code, detail, field=where) from None

    def functions_at(self, address: bytes) -> Sequence[Function]:
        """Return what the organization has noted of the contract there."""
        if address not in self._known:  # many calls of one request may be of one contract
            owner = self._principal.organization_id
            found = functions_at(self._view, owner, chain=self._chain, address=address)
            self._known[address] = found
        return self._known[address]

    def _address_of_id(self, text: str, where: str) -> bytes:
        if text.startswith(ids.CONTRACT):
            contract_id = ids.native(text, Prefix.CONTRACT, ids.CONTRACT, field=where)
            contract = shown_contract(self._view, self._principal, contract_id)
            is_gone = contract.deleted_at is not None
            return self._here(contract.chain, contract.address, where, is_gone=is_gone)
        if text.startswith(ids.ACCOUNT):
            account_id = ids.native(text, Prefix.ACCOUNT, ids.ACCOUNT, field=where)
            account = account_to_read(self._view, self._principal, account_id)
            return self._here(account.chain, account.address, where)
        if text.startswith(ids.PLAYER):
            whose = Whose(self._chain, None, text)
            found = account_of(self._view, self._principal, whose)
            if found is None:
                raise malformed(where, "a player with an account on this chain", text)
            return found.address
        raise malformed(where, _EXPECTED, text)

    def _here(self, chain: str, address: bytes, where: str, *, is_gone: bool = False) -> bytes:
        if chain != self._chain or is_gone:
            got = "a deleted one" if is_gone else f"one on {chain}"
            detail = f"{where}: expected something on {self._chain}, got {got}"
            raise Malformed(Code.WRONG_CHAIN, detail, field=where)
        return address
