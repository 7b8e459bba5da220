"""
ERC-7739: signatures of an owner that hold on one of the owner's accounts, and stay readable.

What an app wants signed is nested in a structure that names the account. The owner signs that; the
account's ERC-1271 answer takes it for a signature of the original.
"""

from collections.abc import Mapping
from typing import Final

from valetkey.spec.eip712 import Field, TypedData, domain_separator, encode_type, hash_struct

__all__ = ["DETECTED", "DETECTION", "nested_typed_data", "personal_typed_data", "wrap_signature"]

DETECTION: Final = bytes.fromhex("7739" * 16)
"""The hash that asks an account, by ERC-1271, whether it knows ERC-7739."""
DETECTED: Final = bytes.fromhex("77390001")
"""What an account that does answers."""

_NESTED: Final = "TypedDataSign"
_DOMAIN: Final = (
    Field("name", "string"),
    Field("version", "string"),
    Field("chainId", "uint256"),
    Field("verifyingContract", "address"),
    Field("salt", "bytes32"),
)


def nested_typed_data(typed: TypedData, *, account: Mapping[str, object]) -> TypedData:
    """
    Return what the owner signs so that the account has signed *typed*.

    Args:
        typed: What the app asks for.
        account: The account's EIP-712 domain: name, version, chainId, verifyingContract.
    """
    types = {name: tuple(fields) for name, fields in typed.types.items()}
    types[_NESTED] = (Field("contents", typed.primary_type), *_DOMAIN)
    message = {"contents": typed.message, "salt": bytes(32), **account}
    return TypedData(types, _NESTED, typed.domain, message)


def wrap_signature(typed: TypedData, signature: bytes) -> bytes:
    """
    Return what the app hands to ERC-1271, from the owner's signature over `nested_typed_data`.

    The description is in explicit mode, which fits every type.
    """
    contents = hash_struct(typed.primary_type, typed.message, typed.types)
    description = (_description(typed) + typed.primary_type).encode()
    length = len(description).to_bytes(2, "big")
    return signature + domain_separator(typed) + contents + description + length


def personal_typed_data(text: bytes, *, account: Mapping[str, object]) -> TypedData:
    """Return what the owner signs so that the account has signed *text* (EIP-191, version 0x45)."""
    prefixed = b"\x19Ethereum Signed Message:\n" + str(len(text)).encode() + text
    types = {"PersonalSign": (Field("prefixed", "bytes"),)}
    return TypedData(types, "PersonalSign", account, {"prefixed": prefixed})


def _description(typed: TypedData) -> str:
    """Return all struct types of *typed* in the order in which they stand behind another."""
    parts = encode_type(typed.primary_type, typed.types).split(")")
    return "".join(sorted(part + ")" for part in parts if part))
