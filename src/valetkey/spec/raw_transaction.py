"""
Ethereum transactions as somebody else wrote them, still to be signed: types 0, 1, 2 and 4.

What signs them has to know what they do, so they are read strictly: every field, in the one form
that a chain takes. Signature fields may be left out or be there and empty, as libraries write them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import rlp  # type: ignore[import-untyped]  # has neither stubs nor py.typed
from rlp.exceptions import RLPException  # type: ignore[import-untyped]

from valetkey.spec.keccak import keccak256
from valetkey.spec.transaction import split_signature

__all__ = ["MAX_BYTES", "RawTransaction", "TransactionError", "read", "seal"]

MAX_BYTES: Final = 128 * 1024
LEGACY: Final = 0
SET_CODE: Final = 4
_SIGNATURE_FIELDS: Final = 3
_LEGACY_FIELDS: Final = 6
_FIELDS: Final = {1: 8, 2: 9, SET_CODE: 10}  # by type, without the signature
_TO: Final = {LEGACY: 3, 1: 4, 2: 5, SET_CODE: 5}  # where the destination stands, by type
_ACCESS_LIST: Final = {1: 7, 2: 8, SET_CODE: 8}
_ADDRESS_BYTES: Final = 20
_MAX_WORD_BYTES: Final = 32
_EIP155: Final = 35

_Item = bytes | list["_Item"]


class TransactionError(ValueError):
    """Bytes that are no transaction which could be signed."""


@dataclass(frozen=True, slots=True)
class RawTransaction:
    """
    A transaction without its signature.

    Args:
        kind: Its type: 0, 1, 2 or 4.
        most_fee_wei: The most that it can cost its sender beside its value: gas limit times fee.
        to: 20 bytes, or None to create a contract.
        digest: The 32 bytes that its sender signs.
        fields: As it is encoded, without the signature.
    """

    kind: int
    chain_id: int
    nonce: int
    most_fee_wei: int
    to: bytes | None
    value_wei: int
    data: bytes
    digest: bytes
    fields: tuple[_Item, ...]

    @property
    def sets_code(self) -> bool:
        """Whether it makes accounts run other code (EIP-7702)."""
        return self.kind == SET_CODE


def read(raw: bytes) -> RawTransaction:
    """
    Return the transaction that *raw* is.

    1. its type, and no byte too many; 2. as many fields as the type has, no signature in them;
    3. a chain: what is good on each one is not signed; 4. each number in its shortest form.

    Raises:
        TransactionError: The first of these that fails.

    Spec:
        EIP-155, EIP-2930, EIP-1559, EIP-7702.
    """
    if len(raw) > MAX_BYTES:
        raise TransactionError(f"expected at most {MAX_BYTES} bytes, got {len(raw)}")
    kind, fields = _fields(raw)  # 1, 2
    chain_id = _number(fields[_LEGACY_FIELDS if kind == LEGACY else 0], "chain id")
    if chain_id == 0:  # 3
        raise TransactionError("expected a transaction for one chain (EIP-155), got one for all")
    at = _TO[kind]
    for place in range(at):  # 4
        _number(fields[place], f"field {place}")
    to, data = fields[at], fields[at + 2]
    if not isinstance(to, bytes) or len(to) not in {0, _ADDRESS_BYTES}:
        raise TransactionError("expected a destination of 20 bytes or none, got something else")
    if not isinstance(data, bytes):
        raise TransactionError("expected bytes as data, got a list")
    for place in range(_ACCESS_LIST.get(kind, len(fields)), len(fields)):
        if not isinstance(fields[place], list):
            raise TransactionError(f"expected a list at field {place}, got bytes")
    return RawTransaction(
        kind=kind,
        chain_id=chain_id,
        nonce=_number(fields[0 if kind == LEGACY else 1], "nonce"),
        most_fee_wei=_number(fields[at - 1], "gas limit") * _number(fields[at - 2], "fee"),
        to=to or None,
        value_wei=_number(fields[at + 1], "value"),
        data=data,
        digest=keccak256(_encode(kind, fields)),
        fields=tuple(fields),
    )


def seal(transaction: RawTransaction, signature: bytes) -> bytes:
    """
    Return the bytes to send.

    Args:
        signature: 65 bytes, as `split_signature` takes it.

    Raises:
        ValueError: *signature* has another form.
    """
    v, r, s = split_signature(signature)
    fields = list(transaction.fields)
    if transaction.kind == LEGACY:
        fields = fields[:_LEGACY_FIELDS]
        v += _EIP155 + 2 * transaction.chain_id
    return _encode(transaction.kind, [*fields, *(_shortest(one) for one in (v, r, s))])


def _fields(raw: bytes) -> tuple[int, list[_Item]]:
    kind = raw[0] if raw and raw[0] in _FIELDS else LEGACY
    try:
        fields = rlp.decode(raw if kind == LEGACY else raw[1:], strict=True)
    except (RLPException, RecursionError, TypeError) as error:
        raise TransactionError(f"expected a transaction of type 0, 1, 2 or 4: {error}") from None
    if not isinstance(fields, list):
        raise TransactionError("expected a transaction of type 0, 1, 2 or 4, got something else")
    if kind == LEGACY:
        return kind, _legacy(fields)
    count = _FIELDS[kind]
    if len(fields) == count + _SIGNATURE_FIELDS and not any(_is_set(one) for one in fields[count:]):
        fields = fields[:count]
    if len(fields) != count:
        detail = f"expected {count} fields without a signature, got {len(fields)}"
        raise TransactionError(detail)
    return kind, fields


def _legacy(fields: list[_Item]) -> list[_Item]:
    whole = _LEGACY_FIELDS + _SIGNATURE_FIELDS
    if len(fields) != whole or any(_is_set(one) for one in fields[_LEGACY_FIELDS + 1 :]):
        raise TransactionError(
            f"expected {whole} fields, the chain id and two empty ones at the end (EIP-155)"
        )
    return [*fields[: _LEGACY_FIELDS + 1], b"", b""]


def _is_set(field: _Item) -> bool:
    """Say whether a signature's field holds anything; some libraries write a zero as a byte."""
    return field not in (b"", b"\0")


def _number(field: _Item, name: str) -> int:
    if not isinstance(field, bytes) or len(field) > _MAX_WORD_BYTES or field[:1] == b"\0":
        raise TransactionError(f"{name}: expected a number in its shortest form, got another")
    return int.from_bytes(field)


def _shortest(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8)


def _encode(kind: int, fields: list[_Item]) -> bytes:
    encoded: bytes = rlp.encode(fields)
    return encoded if kind == LEGACY else bytes((kind,)) + encoded
