"""Functions of a contract by name, called with arguments as callers write them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from eth_abi.abi import encode
from eth_abi.exceptions import EncodingError

from valetkey.core.errors import Malformed
from valetkey.core.permission.effects import selector_of
from valetkey.http.dialects.openfort.abi_bounds import forget_types
from valetkey.http.dialects.openfort.arguments import (
    MAX_DEPTH,
    MAX_TYPE_CHARS,
    NOTHING,
    Parameter,
    malformed,
    members_of,
    tuple_of,
    type_of,
    value_of,
)

if TYPE_CHECKING:
    from valetkey.http.dialects.openfort.arguments import Resolve

_SIGNATURE: Final = re.compile(r"(?:function )?([A-Za-z_$][A-Za-z0-9_$]*)\(([a-z0-9,()\[\] ]*)\)")
_SELECTOR: Final = re.compile("0x[0-9A-Fa-f]{8}")
_NAME: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")


@dataclass(frozen=True, slots=True)
class Function:
    """One function that can be called."""

    name: str
    inputs: tuple[Parameter, ...]

    @property
    def signature(self) -> str:
        """What its selector hashes, such as ``transfer(address,uint256)``."""
        return f"{self.name}({','.join(one.type for one in self.inputs)})"

    @property
    def selector(self) -> bytes:
        """The first four bytes of a call of it."""
        return selector_of(self.signature)


def functions_of(abi: Sequence[Mapping[str, Any]], where: str = "abi") -> tuple[Function, ...]:
    """
    Return the functions that the JSON form of an ABI describes; other entries are passed over.

    Raises:
        Malformed: A function's entry has another form than it must.
    """
    forget_types()
    found = []
    for index, entry in enumerate(abi):
        if entry.get("type", "function") != "function":
            continue
        place = f"{where}[{index}]"
        name, inputs = entry.get("name"), entry.get("inputs", [])
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise malformed(f"{place}.name", "the name of a function", name)
        found.append(Function(name, _parameters(inputs, f"{place}.inputs", MAX_DEPTH)))
    return tuple(found)


def selectors_of(
    name: str, functions: Sequence[Function], where: str = "functionName"
) -> tuple[bytes, ...]:
    """
    Return the selectors that *name* means: of every function of that name, or of one.

    Args:
        name: Of a function alone, where *functions* has it; in full, with its types; or its
            selector, as 0x and 8 hex digits.
        where: It stood, for errors.

    Raises:
        Malformed: It is none of these.
    """
    if _SELECTOR.fullmatch(name):
        return (bytes.fromhex(name[2:]),)
    if "(" in name:
        return (selector_of(_in_full(name, functions, where).signature),)
    named = tuple(selector_of(one.signature) for one in functions if one.name == name)
    if not named:
        raise malformed(where, _known(functions), name)
    return named


def calldata_of(
    name: str, args: Sequence[object], functions: Sequence[Function], resolve: Resolve, where: str
) -> bytes:
    """
    Return the input of a call.

    Args:
        name: Of a function, alone where *functions* has one of it that takes *args*; or in full,
            with its types, whether or not it is among them.
        resolve: Gives the address behind an id or 0x and hex, at a place for errors.
        where: The interaction, for errors.

    Raises:
        Malformed: There is no such function, several fit, or an argument is none of its type.
    """
    forget_types()
    place = f"{where}.functionArgs"
    fitting = _fitting(name, len(args), functions, where)
    tried = [(one, _packed(one, args, resolve, place)) for one in fitting]
    packed = [(one, made) for one, made in tried if isinstance(made, bytes)]
    if len(packed) == 1:
        one, made = packed[0]
        return selector_of(one.signature) + made
    if not packed and len(tried) == 1 and isinstance(tried[0][1], Malformed):
        raise tried[0][1]
    options = ", ".join(one.signature for one in fitting)
    raise malformed(f"{where}.functionName", f"one of {options}, in full", name)


def _parameters(inputs: object, where: str, depth: int) -> tuple[Parameter, ...]:
    if not isinstance(inputs, list) or not depth:
        raise malformed(where, f"a list of parameters, at most {MAX_DEPTH} deep", inputs)
    return tuple(_parameter(one, f"{where}[{at}]", depth) for at, one in enumerate(inputs))


def _parameter(entry: object, where: str, depth: int) -> Parameter:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("type"), str):
        raise malformed(where, "an object with a type", entry)
    name = entry.get("name", "")
    text: str = entry["type"]
    members: tuple[Parameter, ...] = ()
    if text.startswith("tuple"):
        members = _parameters(entry.get("components"), f"{where}.components", depth - 1)
        kind = tuple_of([one.type for one in members], text.removeprefix("tuple"))
    else:
        kind = type_of(text)
    if kind is None:
        raise malformed(f"{where}.type", "a type of Solidity", entry["type"])
    return Parameter(kind, name if isinstance(name, str) else "", members)


def _fitting(
    name: str, count: int, functions: Sequence[Function], where: str
) -> tuple[Function, ...]:
    place = f"{where}.functionName"
    if "(" in name:
        return (_in_full(name, functions, place),)
    named = [one for one in functions if one.name == name]
    if not named:
        raise malformed(place, _known(functions), name)
    fitting = tuple(one for one in named if len(one.inputs) == count)
    if not fitting:
        counts = " or ".join(str(one) for one in sorted({len(one.inputs) for one in named}))
        raise malformed(f"{where}.functionArgs", f"{counts} arguments of {name}", count)
    return fitting


def _known(functions: Sequence[Function]) -> str:
    """Return what a name may be, and what to do if no ABI was given."""
    known = ", ".join(sorted({one.name for one in functions})[:20])
    if known:
        return f"one of {known}, or a signature such as mint(address)"
    return "a signature such as mint(address), or a contract (con_) that was made with its abi"


def _in_full(name: str, functions: Sequence[Function], place: str) -> Function:
    found = _SIGNATURE.fullmatch(name) if len(name) <= MAX_TYPE_CHARS else None
    inputs = f"({found[2].replace(' ', '')})" if found else ""
    types = inputs if inputs == NOTHING else type_of(inputs)
    if not found or not types:
        raise malformed(place, "a name, or a signature such as mint(address)", name)
    signature = f"{found[1]}{types}"
    for one in functions:
        if one.signature == signature:
            return one
    return Function(found[1], members_of(types))


def _packed(
    function: Function, args: Sequence[object], resolve: Resolve, where: str
) -> bytes | Malformed:
    try:
        if len(args) != len(function.inputs):
            raise malformed(where, f"{len(function.inputs)} arguments", len(args))
        values = [
            value_of(one, arg, f"{where}[{at}]", resolve)
            for at, (one, arg) in enumerate(zip(function.inputs, args, strict=True))
        ]
        return encode([one.type for one in function.inputs], values)
    except Malformed as error:
        return error
    except EncodingError as error:
        return malformed(where, f"arguments of {function.signature}", str(error))
