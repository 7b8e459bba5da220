"""Interactions, as callers of Openfort's format write calls: contracts by id, functions by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from msgspec import Struct

from valetkey.core.errors import Malformed
from valetkey.core.permission.model import ZERO_ADDRESS, Call
from valetkey.core.units import UINT256_MAX
from valetkey.flows.run import MAX_CALLS
from valetkey.http.dialects.openfort.abi import calldata_of
from valetkey.http.dialects.openfort.arguments import malformed, read_hex, read_integer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.http.dialects.openfort.abi import Function


MAX_NAMES: Final = 4096  # characters: types take long to read


class Interaction(Struct, frozen=True, rename="camel"):
    """
    One call.

    Args:
        contract, to: Whom: one of them; an address, or an id of a contract, account or player.
        function_name: Alone if the contract is known here with its ABI; else with its types.
        function_args: Numbers, strings, lists, objects; ids stand for addresses.
        value: Native value in wei, in decimal or as 0x and hex.
        data: The whole input, in the place of a function.
        data_suffix: What is put behind the input.
    """

    contract: str | None = None
    to: str | None = None
    function_name: str | None = None
    function_args: list[Any] | None = None
    value: int | str | None = None
    data: str | None = None
    data_suffix: str | None = None


class Known(Protocol):
    """What ids and addresses stand for, on the chain that the calls are made on."""

    def address_of(self, text: str, where: str) -> bytes:
        """
        Return the address that *text* writes, or that the thing of that id has.

        Raises:
            Malformed: It is neither, or is on another chain; the detail begins with *where*.
        """

    def functions_at(self, address: bytes) -> Sequence[Function]:
        """Return what is known of the contract there; nothing if it is not."""


def calls_of(interactions: Sequence[Interaction], known: Known) -> tuple[Call, ...]:
    """
    Return the calls that *interactions* are; none of them is an empty batch.

    Raises:
        Malformed: One is no call; the detail begins with its place.
    """
    if len(interactions) > MAX_CALLS:
        raise malformed("interactions", f"at most {MAX_CALLS}", interactions)
    size = sum(len(one.function_name or "") for one in interactions)
    if size > MAX_NAMES:
        expected = f"functions of at most {MAX_NAMES} characters together"
        raise malformed("interactions", expected, size)
    return tuple(_call(one, known, f"interactions[{at}]") for at, one in enumerate(interactions))


def _call(asked: Interaction, known: Known, where: str) -> Call:
    to = _target(asked, known, where)
    value = read_integer(asked.value or 0)
    if value is None or not 0 <= value <= UINT256_MAX:
        expected = "wei, in decimal or as 0x and hex digits, below 2^256"
        raise malformed(f"{where}.value", expected, asked.value)
    data = _data(asked, known, to, where)
    if asked.data_suffix:
        data += read_hex(asked.data_suffix, f"{where}.dataSuffix")
    try:
        return Call(to, value, data)
    except Malformed as error:
        raise Malformed(error.code, f"{where}.{error.detail}", field=where) from None


def _target(asked: Interaction, known: Known, where: str) -> bytes:
    given = [(name, one) for name, one in (("contract", asked.contract), ("to", asked.to)) if one]
    if not given:
        raise malformed(f"{where}.contract", "an id such as con_…, or an address in to", "neither")
    found = {known.address_of(text, f"{where}.{name}") for name, text in given}
    if len(found) > 1:
        raise malformed(f"{where}.to", "the address of the contract, or nothing", asked.to)
    (address,) = found
    if address == ZERO_ADDRESS:
        raise malformed(f"{where}.{given[0][0]}", "an address that can be called", given[0][1])
    return address


def _data(asked: Interaction, known: Known, to: bytes, where: str) -> bytes:
    if asked.function_name and asked.data:
        raise malformed(f"{where}.data", "none beside functionName", asked.data)
    if asked.function_name:
        args = asked.function_args or []
        functions = known.functions_at(to)
        return calldata_of(asked.function_name, args, functions, known.address_of, where)
    if asked.function_args:
        raise malformed(f"{where}.functionName", "a function, for there are arguments", "none")
    return read_hex(asked.data, f"{where}.data") if asked.data else b""
