"""What is signed for typed data."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from valetkey.spec.eip712.values import (
    ADDRESS_LENGTH,
    ARRAY,
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
from valetkey.spec.keccak import keccak256

__all__ = ["digest", "domain_separator", "encode_field", "encode_type", "hash_struct"]

_WORD: Final = 32
_PREFIX: Final = b"\x19\x01"

_Types = Mapping[str, Sequence[Field]]


def digest(typed: TypedData) -> bytes:
    """
    Return the 32 bytes that are signed for *typed*.

    Raises:
        TypedDataError: A type is unknown or a value does not fit its type.

    Spec:
        EIP-712, ``encode(domainSeparator, message)``.
    """
    separator = domain_separator(typed)
    if typed.primary_type == DOMAIN_NAME:
        return keccak256(_PREFIX + separator)
    return keccak256(
        _PREFIX + separator + hash_struct(typed.primary_type, typed.message, typed.types)
    )


def domain_separator(typed: TypedData) -> bytes:
    """
    Return the hash of the domain of *typed*.

    Raises:
        TypedDataError: The domain has a field of another name or type than the standard's.
    """
    return hash_struct(DOMAIN_NAME, typed.domain, {DOMAIN_NAME: domain_fields(typed)})


def hash_struct(name: str, value: Mapping[str, object], types: _Types) -> bytes:
    """
    Return ``hashStruct`` of *value* read as struct *name*.

    Raises:
        TypedDataError: *value* and the type differ.
    """
    return _hash_struct(name, value, types, name, 0)


def encode_field(typed: TypedData, names: Sequence[str]) -> bytes:
    """
    Return the 32 bytes that one field of the message is in ``encodeData`` of its struct.

    Args:
        names: From the message down, at least one.

    Raises:
        TypedDataError: There is no such field, or its value does not fit its type.
    """
    kind = typed.primary_type
    found: object = typed.message
    for name in names:
        kinds = {field.name: field.type for field in members_of(kind, typed.types)}
        if name not in kinds or not isinstance(found, Mapping) or name not in found:
            raise TypedDataError(f"expected a field {name!r} of {kind}")
        kind, found = kinds[name], found[name]
    return _encode(kind, found, typed.types, ".".join(names), len(names))


def encode_type(name: str, types: _Types) -> str:
    """
    Return ``encodeType`` of struct *name*: itself, then all that it refers to, alphabetically.

    Raises:
        TypedDataError: A type is unknown, doubly named or not an identifier.
    """
    found: set[str] = set()
    waiting = [name]
    while waiting:
        struct = waiting.pop()
        if struct not in found:
            found.add(struct)
            bases = (_base_of(field.type) for field in members_of(struct, types))
            waiting.extend(base for base in bases if not is_atomic(base))
    return "".join(
        f"{struct}({','.join(f'{field.type} {field.name}' for field in types[struct])})"
        for struct in (name, *sorted(found - {name}))
    )


def _base_of(kind: str) -> str:
    while found := ARRAY.match(kind):
        kind = found[1]
    return kind


def _hash_struct(name: str, value: object, types: _Types, path: str, depth: int) -> bytes:
    if not isinstance(value, Mapping):
        raise TypedDataError(f"{path}: expected an object of type {name}, got {name_of(value)}")
    members = members_of(name, types)
    names = {field.name for field in members}
    if set(value) != names:
        got = sorted(map(str, value))
        raise TypedDataError(f"{path}: expected the fields {sorted(names)}, got {got}")
    words = [
        _encode(field.type, value[field.name], types, f"{path}.{field.name}", depth + 1)
        for field in members
    ]
    return keccak256(keccak256(encode_type(name, types).encode()) + b"".join(words))


def _encode(kind: str, value: object, types: _Types, path: str, depth: int) -> bytes:
    if depth > MAX_DEPTH:
        raise TypedDataError(f"{path}: expected at most {MAX_DEPTH} levels, got more")
    array = ARRAY.match(kind)
    if array:
        return keccak256(b"".join(_encode_items(array, value, types, path, depth)))
    if not is_atomic(kind):
        return _hash_struct(kind, value, types, path, depth)
    integer = INTEGER.match(kind)
    if integer:
        return _encode_integer(integer, value, path)
    if kind == "string":
        return keccak256(_utf8(value, path))
    if kind == "bool":
        if not isinstance(value, bool):
            raise TypedDataError(f"{path}: expected true or false, got {name_of(value)}")
        return int(value).to_bytes(_WORD, "big")
    return _encode_bytes(kind, value, path)


def _encode_items(
    array: re.Match[str], value: object, types: _Types, path: str, depth: int
) -> list[bytes]:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise TypedDataError(f"{path}: expected a list for {array[0]}, got {name_of(value)}")
    if array[2] and len(value) != int(array[2]):
        raise TypedDataError(f"{path}: expected {array[2]} items, got {len(value)}")
    return [
        _encode(array[1], item, types, f"{path}[{index}]", depth + 1)
        for index, item in enumerate(value)
    ]


def _encode_integer(kind: re.Match[str], value: object, path: str) -> bytes:
    bits = int(kind[2])
    is_signed = kind[1] == "int"
    low, high = (-(1 << bits - 1), 1 << bits - 1) if is_signed else (0, 1 << bits)
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypedDataError(f"{path}: expected an integer for {kind[0]}, got {name_of(value)}")
    if not low <= value < high:
        raise TypedDataError(f"{path}: expected what {kind[0]} holds, got {value}")
    return value.to_bytes(_WORD, "big", signed=is_signed)


def _encode_bytes(kind: str, value: object, path: str) -> bytes:
    if not isinstance(value, bytes):
        raise TypedDataError(f"{path}: expected bytes for {kind}, got {name_of(value)}")
    if kind == "bytes":
        return keccak256(value)
    length = ADDRESS_LENGTH if kind == "address" else int(kind.removeprefix("bytes"))
    if len(value) != length:
        raise TypedDataError(f"{path}: expected {length} bytes for {kind}, got {len(value)}")
    return value.rjust(_WORD, b"\0") if kind == "address" else value.ljust(_WORD, b"\0")


def _utf8(text: object, path: str) -> bytes:
    if not isinstance(text, str):
        raise TypedDataError(f"{path}: expected text, got {name_of(text)}")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise TypedDataError(f"{path}: expected text that UTF-8 can say, got other") from error
