"""Arguments of a call as callers write them, each as the type of its parameter wants it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import is_encodable_type
from eth_abi.exceptions import ABITypeError, ParseError
from eth_abi.grammar import TupleType, normalize, parse

from valetkey.core.errors import Code, Malformed
from valetkey.wire.base import read_bytes

Resolve = Callable[[str, str], bytes]

MAX_TYPE_CHARS: Final = 1024
MAX_DEPTH: Final = 8
NOTHING: Final = "()"  # what a function takes that takes nothing; no type of anything
_LENGTHS: Final = re.compile(r"(?:\[(?:[1-9][0-9]{0,8})?\]){0,8}")
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,77})")
_QUANTITY: Final = re.compile(r"0x[0-9a-fA-F]{1,64}")
_SHOWN_CHARS: Final = 48
_WORDS: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Parameter:
    """
    One argument of a function.

    Args:
        type: As the selector hashes it: a tuple is its members in brackets.
        members: Names and types of a tuple's members, where they are known.
    """

    type: str
    name: str = ""
    members: tuple[Parameter, ...] = ()


def malformed(where: str, expected: str, got: object) -> Malformed:
    """Return the error that names the place, what was expected and what came."""
    detail = f"{where}: expected {expected}, got {_shown(got)}"
    return Malformed(Code.MALFORMED_CALL, detail, field=where)


def read_hex(text: str, where: str, count: int | None = None) -> bytes:
    """
    Return the bytes that *text* writes as 0x and hex.

    Raises:
        Malformed: It is not hex, or not *count* bytes.
    """
    try:
        return read_bytes(text, where, count=count, code=Code.MALFORMED_CALL)
    except Malformed as error:
        raise Malformed(error.code, error.detail, field=where) from None


def _shown(got: object) -> str:
    if isinstance(got, str):
        return repr(got if len(got) <= _SHOWN_CHARS else f"{got[:_SHOWN_CHARS]}…")
    if isinstance(got, list):
        return f"a list of {len(got)}"
    return "an object" if isinstance(got, Mapping) else repr(got)[:_SHOWN_CHARS]


def type_of(text: str) -> str | None:
    """Return the full name of the type that *text* writes, None if it is none."""
    depth = text.count("(")
    if len(text) > MAX_TYPE_CHARS or depth > MAX_DEPTH**2 or _nesting(text) > MAX_DEPTH:
        return None
    try:
        whole: str = normalize(text)  # type: ignore[no-untyped-call]
        parse(whole).validate()
    except (ParseError, ABITypeError, ValueError):  # the last of a tuple of nothing
        return None
    return whole if is_encodable_type(whole) else None


def tuple_of(members: Sequence[str], lengths: str) -> str | None:
    """
    Return the full name of the tuple, or of the arrays of it, None if it is none.

    Args:
        members: As `type_of` has returned them: they are not looked at again, for that takes long.
        lengths: Of arrays, such as ``[2][]``.
    """
    whole = f"({','.join(members)}){lengths}"
    is_one = members and len(whole) <= MAX_TYPE_CHARS and _LENGTHS.fullmatch(lengths)
    return whole if is_one and _nesting(whole) <= MAX_DEPTH else None


def _nesting(text: str) -> int:
    most = depth = 0
    for letter in text:
        depth += (letter in "([") - (letter == ")")
        most = max(most, depth)
    return most


def members_of(text: str) -> tuple[Parameter, ...]:
    """Return what stands in the tuple that *text* writes (`type_of`, or nothing), without names."""
    if text == NOTHING:
        return ()
    return tuple(Parameter(one.to_type_str()) for one in parse(text).components)


def value_of(parameter: Parameter, value: object, where: str, resolve: Resolve) -> object:
    """
    Return *value* as it is encoded.

    Args:
        resolve: Gives the address behind an id or 0x and hex, at a place for errors.
        where: Its place, for errors.

    Raises:
        Malformed: It is none of the type.
    """
    return _value(parse(parameter.type), parameter, value, where, resolve)


# The nodes are eth_abi's, which says nothing of their types.
def _value(
    kind: Any,  # noqa: ANN401
    parameter: Parameter,
    value: object,
    where: str,
    resolve: Resolve,
) -> object:
    if kind.is_array:
        return _items(kind, parameter, value, where, resolve)
    if isinstance(kind, TupleType):
        return _members(kind, parameter, value, where, resolve)
    read = _READERS.get(kind.base)
    if read is None:
        raise malformed(where, "a type that can be given here", kind.to_type_str())
    return read(kind.sub, value, where, resolve)


def _items(
    kind: Any,  # noqa: ANN401
    parameter: Parameter,
    value: object,
    where: str,
    resolve: Resolve,
) -> list[object]:
    wanted = kind.arrlist[-1]
    if not isinstance(value, list) or (wanted and len(value) != wanted[0]):
        count = f"a list of {wanted[0]}" if wanted else "a list"
        raise malformed(where, f"{count}, for {kind.to_type_str()}", value)
    item = kind.item_type
    return [_value(item, parameter, one, f"{where}[{at}]", resolve) for at, one in enumerate(value)]


def _members(
    kind: Any,  # noqa: ANN401
    parameter: Parameter,
    value: object,
    where: str,
    resolve: Resolve,
) -> tuple[object, ...]:
    known = parameter.members or members_of(kind.to_type_str())
    names = [one.name for one in known]
    if isinstance(value, Mapping) and all(names) and set(value) == set(names):
        value = [value[name] for name in names]
    if not isinstance(value, list) or len(value) != len(known):
        said = ", ".join(names) if all(names) else kind.to_type_str()
        raise malformed(where, f"the {len(known)} members of a tuple ({said})", value)
    return tuple(
        value_of(one, member, f"{where}.{one.name or at}", resolve)
        for at, (one, member) in enumerate(zip(known, value, strict=True))
    )


def _integer(bits: int, value: object, where: str, *, signed: bool) -> int:
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if signed else (0, 2**bits)
    found = read_integer(value)
    if found is None or not least <= found < most:
        expected = f"an integer of {bits} bits" + (", with a sign" if signed else "")
        raise malformed(where, expected, value)
    return found


def read_integer(value: object) -> int | None:
    """Return the integer that *value* is or writes, in decimal or as 0x and hex; else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return int(value)
    return int(value, 16) if isinstance(value, str) and _QUANTITY.fullmatch(value) else None


def _uint(bits: int, value: object, where: str, _resolve: Resolve) -> int:
    return _integer(bits, value, where, signed=False)


def _int(bits: int, value: object, where: str, _resolve: Resolve) -> int:
    return _integer(bits, value, where, signed=True)


def _address(_sub: object, value: object, where: str, resolve: Resolve) -> bytes:
    if not isinstance(value, str):
        raise malformed(where, "an address, or an id of an account, player or contract", value)
    return resolve(value, where)


def _bool(_sub: object, value: object, where: str, _resolve: Resolve) -> bool:
    found = _WORDS.get(value) if isinstance(value, str) else value
    if not isinstance(found, bool):
        raise malformed(where, "true or false", value)
    return found


def _string(_sub: object, value: object, where: str, _resolve: Resolve) -> str:
    if not isinstance(value, str):
        raise malformed(where, "a string", value)
    return value


def _bytes(count: int | None, value: object, where: str, _resolve: Resolve) -> bytes:
    if not isinstance(value, str):
        raise malformed(where, "bytes as 0x and hex digits", value)
    return read_hex(value, where, count or None)


_READERS: Final[Mapping[str, Callable[[Any, object, str, Resolve], object]]] = {
    "uint": _uint,
    "int": _int,
    "address": _address,
    "bool": _bool,
    "string": _string,
    "bytes": _bytes,
}
