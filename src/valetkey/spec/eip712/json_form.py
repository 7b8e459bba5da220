"""Typed data in the shape of ``eth_signTypedData_v4``, already parsed JSON."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from valetkey.spec.eip712.hashing import digest
from valetkey.spec.eip712.values import (
    ARRAY,
    DOMAIN_FIELDS,
    DOMAIN_NAME,
    INTEGER,
    MAX_DEPTH,
    Field,
    TypedData,
    TypedDataError,
    domain_fields,
    is_atomic,
    members_of,
    name_of,
)

__all__ = ["from_json", "to_json"]

_PARTS: Final = {"types", "primaryType", "domain", "message"}
_HEX: Final = re.compile(r"0x([0-9a-fA-F]{2})*\Z")
_INTEGER_TEXT: Final = re.compile(r"(-?(0|[1-9][0-9]{0,77})|0x[0-9a-fA-F]{1,64})\Z")

_Types = Mapping[str, Sequence[Field]]


def from_json(data: object) -> TypedData:
    """
    Return the typed data that *data* says.

    Raises:
        TypedDataError: A part is missing, is one too many, or does not fit its type.
    """
    top = _object(data, "typed data")
    if set(top) != _PARTS:
        raise TypedDataError(f"typed data: expected {sorted(_PARTS)}, got {sorted(top)}")
    types = {name: _fields(name, fields) for name, fields in _object(top["types"], "types").items()}
    primary = top["primaryType"]
    if not isinstance(primary, str):
        raise TypedDataError(f"primaryType: expected text, got {name_of(primary)}")
    domain = {
        name: _value(DOMAIN_FIELDS.get(name, "string"), value, {}, name, 0)
        for name, value in _object(top["domain"], "domain").items()
    }
    message = _object(top["message"], "message")
    if primary != DOMAIN_NAME:
        message = _struct(primary, message, types, "message", 0)
    elif message:
        raise TypedDataError(f"message: expected none beside the domain, got {sorted(message)}")
    typed = TypedData(types, primary, domain, message)
    digest(typed)
    return typed


def to_json(typed: TypedData) -> dict[str, object]:
    """
    Return *typed* with ``EIP712Domain`` spelled out.

    Integers become decimal text but for ``chainId``, which wallets want as a number.

    Raises:
        TypedDataError: A value is of no EIP-712 type.
    """
    types = {DOMAIN_NAME: domain_fields(typed), **typed.types}
    return {
        "types": {
            name: [{"name": field.name, "type": field.type} for field in fields]
            for name, fields in types.items()
        },
        "primaryType": typed.primary_type,
        "domain": {
            name: value if name == "chainId" else _plain(value)
            for name, value in typed.domain.items()
        },
        "message": _plain(typed.message),
    }


def _object(data: object, path: str) -> Mapping[str, object]:
    if not isinstance(data, Mapping) or not all(isinstance(key, str) for key in data):
        raise TypedDataError(f"{path}: expected an object, got {name_of(data)}")
    return data


def _fields(name: str, data: object) -> tuple[Field, ...]:
    if not isinstance(data, list):
        raise TypedDataError(f"types.{name}: expected a list, got {name_of(data)}")
    fields = []
    for item in data:
        member = _object(item, f"types.{name}")
        label, kind = member.get("name"), member.get("type")
        if (
            set(member) != {"name", "type"}
            or not isinstance(label, str)
            or not isinstance(kind, str)
        ):
            raise TypedDataError(f"types.{name}: expected name and type, got {sorted(member)}")
        fields.append(Field(label, kind))
    return tuple(fields)


def _struct(name: str, data: object, types: _Types, path: str, depth: int) -> dict[str, object]:
    value = _object(data, path)
    kinds = {field.name: field.type for field in members_of(name, types)}
    if set(value) != set(kinds):
        raise TypedDataError(f"{path}: expected the fields {sorted(kinds)}, got {sorted(value)}")
    return {
        label: _value(kinds[label], item, types, f"{path}.{label}", depth + 1)
        for label, item in value.items()
    }


def _value(kind: str, value: object, types: _Types, path: str, depth: int) -> object:
    if depth > MAX_DEPTH:
        raise TypedDataError(f"{path}: expected at most {MAX_DEPTH} levels, got more")
    array = ARRAY.match(kind)
    if array:
        if not isinstance(value, list):
            raise TypedDataError(f"{path}: expected a list for {kind}, got {name_of(value)}")
        return [
            _value(array[1], item, types, f"{path}[{index}]", depth + 1)
            for index, item in enumerate(value)
        ]
    if not is_atomic(kind):
        return _struct(kind, value, types, path, depth)
    if INTEGER.match(kind) and isinstance(value, str) and _INTEGER_TEXT.match(value):
        return int(value, 16) if value.startswith("0x") else int(value)
    if INTEGER.match(kind) or kind in {"string", "bool"}:
        return value
    if not isinstance(value, str) or not _HEX.match(value):
        raise TypedDataError(f"{path}: expected 0x and whole bytes of hex, got {name_of(value)}")
    return bytes.fromhex(value[2:])


def _plain(value: object) -> object:
    match value:
        case bool() | str():
            return value
        case int():
            return str(value)
        case bytes():
            return "0x" + value.hex()
        case Mapping():
            return {key: _plain(item) for key, item in value.items()}
        case Sequence():
            return [_plain(item) for item in value]
        case _:
            raise TypedDataError(f"expected a value of an EIP-712 type, got {name_of(value)}")
