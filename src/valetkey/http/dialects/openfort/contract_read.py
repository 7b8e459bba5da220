"""Functions of a noted contract that only look, asked on its chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from eth_abi.exceptions import DecodingError
from msgspec import Struct, field

from valetkey.core.errors import ChainRejected, Code
from valetkey.core.ids import Prefix
from valetkey.core.scope import Scope
from valetkey.flows.contracts import shown_contract
from valetkey.http.dialects.openfort import ids
from valetkey.http.dialects.openfort.abi import calldata_of, functions_of
from valetkey.http.dialects.openfort.abi_bounds import decoded
from valetkey.http.dialects.openfort.arguments import malformed
from valetkey.http.dialects.openfort.contracts import abi_of
from valetkey.http.dialects.openfort.named_addresses import Names
from valetkey.http.routes import SECRET, Ask, Read, Route
from valetkey.wire.base import hexed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.contract import Contract
    from valetkey.core.principal import Principal
    from valetkey.http.dialects.openfort.abi import Function
    from valetkey.http.sight import Reads
    from valetkey.ports import View

GAS: Final = 5_000_000
_LOOKS: Final = frozenset({"view", "pure"})


class Question(Struct, frozen=True, rename="camel"):
    """Which function, by its name or in full, and what it is asked with."""

    function_name: str
    function_args: list[Any] = field(default_factory=list)


class Told(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a contract answered: one value, or a list of several; integers as texts."""

    id: str
    created_at: int
    function_name: str
    result: Any
    object: Literal["readContract"] = "readContract"


async def _read(see: Reads, principal: Principal, ask: Ask[None, Question]) -> Told:
    contract_id, query = ids.native(ask.id, Prefix.CONTRACT, ids.CONTRACT), ask.query

    def body(view: View) -> tuple[Contract, bytes, list[str]]:
        contract = shown_contract(view, principal, contract_id)
        data, types = _question(view, principal, contract, query)
        return contract, data, types

    contract, data, types = await see.store.read(body)
    answer = await see.chain(contract.chain).call(contract.address, data, gas=GAS)
    values = [_plain(one) for one in _decoded(types, answer)]
    return Told(
        id=ask.id,
        created_at=see.clock.now(),
        function_name=query.function_name,
        result=values[0] if len(values) == 1 else values,
    )


def _question(
    view: View, principal: Principal, contract: Contract, query: Question
) -> tuple[bytes, list[str]]:
    """Return the input of the call, and the types of what comes back."""
    entries = [
        one
        for one in abi_of(contract)
        if one.get("type", "function") == "function" and one.get("stateMutability") in _LOOKS
    ]
    functions = functions_of(entries)
    if not functions:
        raise malformed("functionName", "a function that only looks, with an ABI", "none")

    name, args = query.function_name, query.function_args
    names = Names(view, principal, contract.chain)
    data = calldata_of(name, args, functions, names.address_of, "query")
    return data, _outputs(entries, functions, data, resolve_name=name)


def _outputs(
    entries: Sequence[dict[str, Any]],
    functions: Sequence[Function],
    data: bytes,
    *,
    resolve_name: str,
) -> list[str]:
    found = [
        entry
        for entry, function in zip(entries, functions, strict=True)
        if function.selector == data[:4]
    ]
    if not found:
        raise malformed("functionName", "a function of the contract's ABI", resolve_name)
    told = functions_of([{**found[0], "inputs": found[0].get("outputs", [])}])
    return [one.type for one in told[0].inputs]


def _decoded(types: Sequence[str], answer: bytes) -> tuple[Any, ...]:
    try:
        return decoded(types, answer)
    except (DecodingError, OverflowError, UnicodeDecodeError):
        detail = f"expected an answer of ({','.join(types)}), got {len(answer)} other bytes"
        raise ChainRejected(Code.CALL_REVERTED, detail) from None


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value of Solidity
    if isinstance(value, bytes):
        return hexed(value)
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return str(value) if type(value) is int else value


ROUTES: Final[tuple[Route, ...]] = (
    Read(
        method="GET",
        path="/v1/contracts/{contract}/read",
        who=SECRET,
        scope=Scope.READ,
        summary="Ask a contract that was noted",
        query=Question,
        answer=Told,
        handle=_read,
    ),
)
