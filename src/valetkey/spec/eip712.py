"""
EIP-712: hashing and signing of typed structured data.

A `TypedData` holds Python values (``int``, ``bool``, ``str``, ``bytes``, mappings, sequences). `from_json` and
`to_json` translate the ``eth_signTypedData_v4`` shape, where integers are decimal or ``0x`` strings and bytes are
``0x`` strings. Everything is strict: a missing field, a field too many, an integer out of range are errors.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from valetkey.spec.keccak import keccak256

__all__ = ["Field", "TypedData", "TypedDataError", "digest", "domain_separator", "encode_type", "from_json", "hash_struct", "to_json"]

_WORD: Final = 32
_ADDRESS_LENGTH: Final = 20
_MAX_DEPTH: Final = 32
_MAX_BITS: Final = 256
_IDENTIFIER: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*\Z")
_ARRAY: Final = re.compile(r"(.+)\[([0-9]*)\]\Z")
_INTEGER: Final = re.compile(r"(u?int)([1-9][0-9]{0,2})\Z")
_FIXED_BYTES: Final = re.compile(r"bytes([1-9]|[12][0-9]|3[0-2])\Z")
_HEX: Final = re.compile(r"0x([0-9a-fA-F]{2})*\Z")
_JSON_INTEGER: Final = re.compile(r"(-?(0|[1-9][0-9]{0,77})|0x[0-9a-fA-F]{1,64})\Z")
_DOMAIN_NAME: Final = "EIP712Domain"
_DOMAIN_FIELDS: Final = {"name": "string", "version": "string", "chainId": "uint256", "verifyingContract": "address", "salt": "bytes32"}


class TypedDataError(ValueError):
    """The typed data does not say what EIP-712 lets it say."""


@dataclass(frozen=True, slots=True)
class Field:
    """One member of a struct type."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class TypedData:
    """
    A domain, a message and the types of both.

    Attributes:
        types: Struct name to members in order; ``EIP712Domain`` may be left out, it follows from the domain's keys.
        primary_type: The struct of *message*.
        domain: Any of ``name``, ``version``, ``chainId``, ``verifyingContract``, ``salt``.
        message: Values by field name; bytes and addresses as ``bytes``.
    """

    types: Mapping[str, Sequence[Field]]
    primary_type: str
    domain: Mapping[str, object]
    message: Mapping[str, object]


def digest(typed: TypedData) -> bytes:
    """
    Return the 32 bytes that are signed for *typed*.

    Raises:
        TypedDataError: A type is unknown or a value does not fit its type.

    Spec:
        EIP-712, ``encode(domainSeparator, message)``.
    """
    if typed.primary_type == _DOMAIN_NAME:
        return keccak256(b"\x19\x01" + domain_separator(typed))
    return keccak256(b"\x19\x01" + domain_separator(typed) + hash_struct(typed.primary_type, typed.message, typed.types))


def domain_separator(typed: TypedData) -> bytes:
    """
    Return the hash of the domain of *typed*.

    Raises:
        TypedDataError: The domain has a field of another name or type than the standard's.
    """
    return hash_struct(_DOMAIN_NAME, typed.domain, {_DOMAIN_NAME: _domain_fields(typed)})


def hash_struct(name: str, value: Mapping[str, object], types: Mapping[str, Sequence[Field]]) -> bytes:
    """
    Return ``hashStruct`` of *value* read as struct *name*.

    Raises:
        TypedDataError: *value* and the type differ.
    """
    return _hash_struct(name, value, types, name, 0)


def encode_type(name: str, types: Mapping[str, Sequence[Field]]) -> str:
    """
    Return ``encodeType`` of struct *name*: itself, then every struct it refers to in alphabetical order.

    Raises:
        TypedDataError: A type is unknown, doubly named or not an identifier.
    """
    found: dict[str, None] = {}
    waiting = [name]
    while waiting:
        struct = waiting.pop()
        if struct in found:
            continue
        found[struct] = None
        waiting.extend(base for base in (_base_of(field.type) for field in _members(struct, types)) if not _is_atomic(base))
    others = sorted(struct for struct in found if struct != name)
    return "".join(f"{struct}({','.join(f'{f.type} {f.name}' for f in types[struct])})" for struct in [name, *others])


def _domain_fields(typed: TypedData) -> tuple[Field, ...]:
    unknown = sorted(set(typed.domain) - set(_DOMAIN_FIELDS))
    if unknown:
        raise TypedDataError(f"domain: expected fields of {sorted(_DOMAIN_FIELDS)}, got {unknown}")
    implied = tuple(Field(name, kind) for name, kind in _DOMAIN_FIELDS.items() if name in typed.domain)
    declared = typed.types.get(_DOMAIN_NAME)
    if declared is not None and tuple(declared) != implied:
        raise TypedDataError(f"{_DOMAIN_NAME}: expected {[f.name for f in implied]}, in this order and typed as in the standard, got {[f.name for f in declared]}")
    return implied


def _members(name: str, types: Mapping[str, Sequence[Field]]) -> Sequence[Field]:
    if name not in types:
        raise TypedDataError(f"expected a type that is defined, got {name!r}")
    members = types[name]
    if not _IDENTIFIER.match(name) or not all(_IDENTIFIER.match(field.name) for field in members):
        raise TypedDataError(f"{name!r}: expected names that are identifiers")
    if len({field.name for field in members}) != len(members):
        raise TypedDataError(f"{name}: expected each field once, got one twice")
    return members


def _base_of(kind: str) -> str:
    while found := _ARRAY.match(kind):
        kind = found[1]
    return kind


def _is_atomic(kind: str) -> bool:
    found = _INTEGER.match(kind)
    if found:
        bits = int(found[2])
        if bits > _MAX_BITS or bits % 8:
            raise TypedDataError(f"expected an integer type of 8 to 256 bits in steps of 8, got {kind}")
        return True
    return kind in {"bool", "address", "bytes", "string"} or bool(_FIXED_BYTES.match(kind))


def _hash_struct(name: str, value: object, types: Mapping[str, Sequence[Field]], path: str, depth: int) -> bytes:
    if not isinstance(value, Mapping):
        raise TypedDataError(f"{path}: expected an object of type {name}, got {_name_of(value)}")
    members = _members(name, types)
    names = {field.name for field in members}
    if set(value) != names:
        raise TypedDataError(f"{path}: expected the fields {sorted(names)}, got {sorted(map(str, value))}")
    words = [_encode(f.type, value[f.name], types, f"{path}.{f.name}", depth + 1) for f in members]
    return keccak256(keccak256(encode_type(name, types).encode()) + b"".join(words))


def _encode(kind: str, value: object, types: Mapping[str, Sequence[Field]], path: str, depth: int) -> bytes:
    if depth > _MAX_DEPTH:
        raise TypedDataError(f"{path}: expected at most {_MAX_DEPTH} levels, got more")
    array = _ARRAY.match(kind)
    if array:
        if not isinstance(value, Sequence) or isinstance(value, str | bytes):
            raise TypedDataError(f"{path}: expected a list for {kind}, got {_name_of(value)}")
        if array[2] and len(value) != int(array[2]):
            raise TypedDataError(f"{path}: expected {array[2]} items, got {len(value)}")
        return keccak256(b"".join(_encode(array[1], item, types, f"{path}[{i}]", depth + 1) for i, item in enumerate(value)))
    if not _is_atomic(kind):
        return _hash_struct(kind, value, types, path, depth)
    if kind == "string":
        if not isinstance(value, str):
            raise TypedDataError(f"{path}: expected text for {kind}, got {_name_of(value)}")
        return keccak256(_utf8(value, path))
    if kind == "bool":
        if not isinstance(value, bool):
            raise TypedDataError(f"{path}: expected true or false, got {_name_of(value)}")
        return int(value).to_bytes(_WORD, "big")
    integer = _INTEGER.match(kind)
    return _encode_integer(kind, integer, value, path) if integer else _encode_bytes(kind, value, path)


def _encode_integer(kind: str, found: re.Match[str], value: object, path: str) -> bytes:
    bits = int(found[2])
    low, high = (0, 1 << bits) if found[1] == "uint" else (-(1 << (bits - 1)), 1 << (bits - 1))
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypedDataError(f"{path}: expected an integer for {kind}, got {_name_of(value)}")
    if not low <= value < high:
        raise TypedDataError(f"{path}: expected {low} <= value < {high} for {kind}, got {value}")
    return value.to_bytes(_WORD, "big", signed=value < 0)


def _encode_bytes(kind: str, value: object, path: str) -> bytes:
    if not isinstance(value, bytes):
        raise TypedDataError(f"{path}: expected bytes for {kind}, got {_name_of(value)}")
    if kind == "bytes":
        return keccak256(value)
    length = _ADDRESS_LENGTH if kind == "address" else int(kind.removeprefix("bytes"))
    if len(value) != length:
        raise TypedDataError(f"{path}: expected {length} bytes for {kind}, got {len(value)}")
    return value.rjust(_WORD, b"\0") if kind == "address" else value.ljust(_WORD, b"\0")


def from_json(data: object) -> TypedData:
    """
    Read the ``eth_signTypedData_v4`` shape (already parsed JSON) into a `TypedData`.

    Raises:
        TypedDataError: A part is missing, is one too many, or does not fit its type.
    """
    top = _object(data, "typed data")
    if set(top) != {"types", "primaryType", "domain", "message"}:
        raise TypedDataError(f"typed data: expected types, primaryType, domain and message, got {sorted(top)}")
    types = {name: _fields_from_json(name, fields) for name, fields in _object(top["types"], "types").items()}
    primary = top["primaryType"]
    if not isinstance(primary, str):
        raise TypedDataError(f"primaryType: expected text, got {_name_of(primary)}")
    domain = {
        name: _value_from_json(_DOMAIN_FIELDS.get(name, "string"), value, {}, name)
        for name, value in _object(top["domain"], "domain").items()
    }
    message = _struct_from_json(primary, top["message"], types, "message") if primary != _DOMAIN_NAME else {}
    typed = TypedData(types, primary, domain, message)
    digest(typed)
    return typed


def to_json(typed: TypedData) -> dict[str, object]:
    """
    Return *typed* in the ``eth_signTypedData_v4`` shape, ``EIP712Domain`` spelled out.

    Integers become decimal text but for ``chainId``, which wallets want as a number.
    """
    domain_fields = _domain_fields(typed)
    types = {_DOMAIN_NAME: domain_fields, **typed.types}
    domain = {name: value if name == "chainId" else _value_to_json(value) for name, value in typed.domain.items()}
    return {
        "types": {name: [{"name": f.name, "type": f.type} for f in fields] for name, fields in types.items()},
        "primaryType": typed.primary_type,
        "domain": domain,
        "message": _value_to_json(typed.message),
    }


def _object(data: object, path: str) -> Mapping[str, object]:
    if not isinstance(data, Mapping) or not all(isinstance(key, str) for key in data):
        raise TypedDataError(f"{path}: expected an object, got {_name_of(data)}")
    return data


def _fields_from_json(name: str, data: object) -> tuple[Field, ...]:
    if not isinstance(data, list):
        raise TypedDataError(f"types.{name}: expected a list, got {_name_of(data)}")
    fields = []
    for item in data:
        member = _object(item, f"types.{name}")
        label, kind = member.get("name"), member.get("type")
        if set(member) != {"name", "type"} or not isinstance(label, str) or not isinstance(kind, str):
            raise TypedDataError(f"types.{name}: expected name and type as text, got {sorted(member)}")
        fields.append(Field(label, kind))
    return tuple(fields)


def _struct_from_json(name: str, data: object, types: Mapping[str, Sequence[Field]], path: str) -> dict[str, object]:
    value = _object(data, path)
    kinds = {field.name: field.type for field in _members(name, types)}
    if set(value) != set(kinds):
        raise TypedDataError(f"{path}: expected the fields {sorted(kinds)}, got {sorted(value)}")
    return {label: _value_from_json(kinds[label], item, types, f"{path}.{label}") for label, item in value.items()}


def _value_from_json(kind: str, value: object, types: Mapping[str, Sequence[Field]], path: str) -> object:
    array = _ARRAY.match(kind)
    if array:
        if not isinstance(value, list):
            raise TypedDataError(f"{path}: expected a list for {kind}, got {_name_of(value)}")
        return [_value_from_json(array[1], item, types, f"{path}[{i}]") for i, item in enumerate(value)]
    if not _is_atomic(kind):
        return _struct_from_json(kind, value, types, path)
    if kind in {"string", "bool"}:
        return value
    if _INTEGER.match(kind):
        if isinstance(value, str) and _JSON_INTEGER.match(value):
            return int(value, 16) if value.startswith("0x") else int(value)
        return value
    if not isinstance(value, str) or not _HEX.match(value):
        raise TypedDataError(f"{path}: expected 0x and whole bytes of hex for {kind}, got {_name_of(value)}")
    return bytes.fromhex(value[2:])


def _value_to_json(value: object) -> object:
    match value:
        case bool() | str():
            return value
        case int():
            return str(value)
        case bytes():
            return "0x" + value.hex()
        case Mapping():
            return {key: _value_to_json(item) for key, item in value.items()}
        case Sequence():
            return [_value_to_json(item) for item in value]
        case _:
            raise TypedDataError(f"expected a value of an EIP-712 type, got {_name_of(value)}")


def _utf8(text: str, path: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise TypedDataError(f"{path}: expected text that UTF-8 can say, got a lone surrogate") from error


def _name_of(value: object) -> str:
    return type(value).__name__
