"""Ethereum transactions of type 2 (EIP-1559) and 4 (EIP-7702): what is signed, what is sent."""

from __future__ import annotations

from dataclasses import dataclass

import rlp  # type: ignore[import-untyped]  # has neither stubs nor py.typed

from valetkey.spec.keccak import keccak256

_FEE_MARKET_TYPE = b"\x02"
_SET_CODE_TYPE = b"\x04"
_AUTHORIZATION_MAGIC = b"\x05"

_ADDRESS_BYTES = 20
_SIGNATURE_BYTES = 65
_UINT64_MAX = 2**64 - 1
_UINT256_MAX = 2**256 - 1
_RECOVERY_IDS = {0: 0, 1: 1, 27: 0, 28: 1}
_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0

_Fields = list["bytes | int | _Fields"]


@dataclass(frozen=True, slots=True)
class SetCode:
    """
    One entry of an authorization list: an account's signed wish to run the code at *delegate*.

    Args:
        chain_id: 0 means any chain.
        delegate: 20 bytes; twenty zeros take the delegation away.
        nonce: The account's own nonce at that moment.
        signature: Over `authorization_digest`, as `split_signature` takes it.

    Spec:
        EIP-7702.
    """

    chain_id: int
    delegate: bytes
    nonce: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Unsigned:
    """
    Everything of a transaction but its signature.

    Args:
        to: 20 bytes, or None to create a contract.
        authorizations: Not empty makes it type 4, which cannot create a contract.
        max_fee_wei: Per gas, priority fee included.

    Raises:
        ValueError: A field is out of its range.
    """

    chain_id: int
    nonce: int
    max_priority_fee_wei: int
    max_fee_wei: int
    gas_limit: int
    to: bytes | None
    value_wei: int
    data: bytes
    authorizations: tuple[SetCode, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no chain would take."""
        _expect_range("nonce", self.nonce, _UINT64_MAX - 1)
        _expect_range("gas_limit", self.gas_limit, _UINT64_MAX)
        for name in ("chain_id", "max_priority_fee_wei", "max_fee_wei", "value_wei"):
            _expect_range(name, getattr(self, name), _UINT256_MAX)
        if self.max_priority_fee_wei > self.max_fee_wei:
            raise ValueError("the priority fee is above the whole fee")
        if self.to is not None:
            _expect_address("to", self.to)
        elif self.authorizations:
            raise ValueError("a type 4 transaction needs a destination (EIP-7702)")


def digest(transaction: Unsigned) -> bytes:
    """Return the 32 bytes that the sender signs."""
    return keccak256(encode_unsigned(transaction))


def encode_unsigned(transaction: Unsigned) -> bytes:
    """Return *transaction* without a signature, as whoever is to sign it reads it."""
    return _type_of(transaction) + _rlp(_payload(transaction))


def seal(transaction: Unsigned, signature: bytes) -> bytes:
    """
    Return the bytes to send.

    Args:
        transaction: What was signed.
        signature: As `split_signature` takes it.

    Raises:
        ValueError: *signature* has another form.
    """
    return _type_of(transaction) + _rlp([*_payload(transaction), *split_signature(signature)])


def transaction_hash(raw: bytes) -> bytes:
    """Return the 32-byte hash under which the chain knows *raw*."""
    return keccak256(raw)


def authorization_digest(chain_id: int, delegate: bytes, nonce: int) -> bytes:
    """
    Return the 32 bytes that an account signs to run the code at *delegate*.

    Raises:
        ValueError: A field is out of its range.

    Spec:
        EIP-7702: ``keccak256(0x05 || rlp([chain_id, address, nonce]))``.
    """
    _expect_range("chain_id", chain_id, _UINT256_MAX)
    _expect_range("nonce", nonce, _UINT64_MAX - 1)
    _expect_address("delegate", delegate)
    return keccak256(_AUTHORIZATION_MAGIC + _rlp([chain_id, delegate, nonce]))


def created_address(sender: bytes, nonce: int) -> bytes:
    """Return the 20-byte address of the contract that *sender* creates with *nonce*."""
    return keccak256(_rlp([sender, nonce]))[12:]


def split_signature(signature: bytes) -> tuple[int, int, int]:
    """
    Return the recovery id (0 or 1), r and s: the order in which a transaction carries them.

    Args:
        signature: 65 bytes: r, s and v, which is the recovery id, with or without 27 added.

    Raises:
        ValueError: It has another form, or s is not in the lower half (EIP-2).
    """
    if len(signature) != _SIGNATURE_BYTES:
        raise ValueError(f"expected a signature of 65 bytes, got {len(signature)}")
    v = signature[64]
    if v not in _RECOVERY_IDS:
        raise ValueError(f"expected v 0, 1, 27 or 28, got {v}")
    r = int.from_bytes(signature[:32], "big")
    s = int.from_bytes(signature[32:64], "big")
    if s > _HALF_ORDER:
        raise ValueError("expected s in the lower half of the order (EIP-2)")
    return _RECOVERY_IDS[v], r, s


def _type_of(transaction: Unsigned) -> bytes:
    return _SET_CODE_TYPE if transaction.authorizations else _FEE_MARKET_TYPE


def _payload(transaction: Unsigned) -> _Fields:
    fields: _Fields = [
        transaction.chain_id,
        transaction.nonce,
        transaction.max_priority_fee_wei,
        transaction.max_fee_wei,
        transaction.gas_limit,
        transaction.to or b"",
        transaction.value_wei,
        transaction.data,
        [],  # access list: never used
    ]
    if transaction.authorizations:
        fields.append([_authorization(entry) for entry in transaction.authorizations])
    return fields


def _authorization(entry: SetCode) -> _Fields:
    _expect_address("delegate", entry.delegate)
    return [entry.chain_id, entry.delegate, entry.nonce, *split_signature(entry.signature)]


def _rlp(fields: _Fields) -> bytes:
    encoded: bytes = rlp.encode(fields)
    return encoded


def _expect_range(name: str, value: int, highest: int) -> None:
    if not 0 <= value <= highest:
        raise ValueError(f"{name} is out of range: {value}")


def _expect_address(name: str, value: bytes) -> None:
    if len(value) != _ADDRESS_BYTES:
        raise ValueError(f"expected 20 bytes for {name}, got {len(value)}")
