"""
EIP-712: hashing and signing of typed structured data.

A `TypedData` holds Python values (``int``, ``bool``, ``str``, ``bytes``, mappings, sequences);
`from_json` and `to_json` translate the ``eth_signTypedData_v4`` shape, where integers are decimal
or ``0x`` strings and bytes are ``0x`` strings. Everything is strict: a missing field, a field too
many, an integer out of range are errors.
"""

from valetkey.spec.eip712.hashing import (
    digest,
    domain_separator,
    encode_field,
    encode_type,
    hash_struct,
)
from valetkey.spec.eip712.json_form import from_json, to_json
from valetkey.spec.eip712.type_text import parse_type
from valetkey.spec.eip712.values import Field, TypedData, TypedDataError, is_atomic

__all__ = [
    "Field",
    "TypedData",
    "TypedDataError",
    "digest",
    "domain_separator",
    "encode_field",
    "encode_type",
    "from_json",
    "hash_struct",
    "is_atomic",
    "parse_type",
    "to_json",
]
