"""EIP-1559 and EIP-7702 transactions."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes
from hypothesis import given, settings
from hypothesis import strategies as st

from valetkey.spec.secp256k1 import address_of_key, recover_address, sign_digest
from valetkey.spec.transaction import (
    SetCode,
    Unsigned,
    authorization_digest,
    created_address,
    digest,
    seal,
    split_signature,
    transaction_hash,
)

VECTORS: Final = json.loads((Path(__file__).parent / "vectors" / "transactions.json").read_text())
KEY: Final = bytes.fromhex("46" * 32)
PLAIN: Final = Unsigned(
    chain_id=1,
    nonce=0,
    max_priority_fee_wei=1,
    max_fee_wei=2,
    gas_limit=21_000,
    to=b"\x11" * 20,
    value_wei=0,
    data=b"",
)
SIGNATURE: Final = sign_digest(digest(PLAIN), KEY)
DELEGATION: Final = SetCode(1, b"\x22" * 20, 0, SIGNATURE)

ADDRESSES: Final = st.binary(min_size=20, max_size=20)
UINT64: Final = st.integers(0, 2**64 - 2)


def unhex(text: str) -> bytes:
    """Return the bytes in *text*."""
    return bytes.fromhex(text.removeprefix("0x"))


def read(vector: dict[str, Any]) -> Unsigned:
    """Return the transaction that *vector* describes."""
    return Unsigned(
        chain_id=vector["chain_id"],
        nonce=int(vector["nonce"]),
        max_priority_fee_wei=int(vector["max_priority_fee_wei"]),
        max_fee_wei=int(vector["max_fee_wei"]),
        gas_limit=int(vector["gas_limit"]),
        to=None if vector["to"] is None else unhex(vector["to"]),
        value_wei=int(vector["value_wei"]),
        data=unhex(vector["data"]),
        authorizations=tuple(
            SetCode(
                entry["chain_id"],
                unhex(entry["delegate"]),
                entry["nonce"],
                unhex(entry["signature"]),
            )
            for entry in vector["authorizations"]
        ),
    )


@pytest.mark.parametrize("vector", VECTORS["transactions"], ids=lambda v: v["name"])
def test_a_transaction_is_signed_and_sealed_as_others_do(vector: dict[str, Any]) -> None:
    """Digest, bytes and hash are those of the source that the vector names."""
    transaction = read(vector)
    signature = unhex(vector["signature"])
    assert digest(transaction) == unhex(vector["digest"])
    assert seal(transaction, signature) == unhex(vector["raw"])
    assert transaction_hash(unhex(vector["raw"])) == unhex(vector["hash"])
    with_27 = signature[:64] + bytes([signature[64] + 27])
    assert recover_address(digest(transaction), with_27) == unhex(vector["sender"])
    assert seal(transaction, with_27) == unhex(vector["raw"])


@pytest.mark.parametrize("vector", VECTORS["authorizations"], ids=lambda v: v["source"])
def test_an_authorization_is_hashed_as_others_do(vector: dict[str, Any]) -> None:
    """EIP-7702: keccak256(0x05 || rlp([chain_id, address, nonce]))."""
    found = authorization_digest(vector["chain_id"], unhex(vector["delegate"]), vector["nonce"])
    assert found == unhex(vector["digest"])
    if "signature" in vector:
        signature = unhex(vector["signature"])
        with_27 = signature[:64] + bytes([signature[64] + 27])
        assert recover_address(found, with_27) == unhex(vector["signer"])


@pytest.mark.parametrize("vector", VECTORS["created"], ids=lambda v: str(v["nonce"]))
def test_a_contract_gets_the_address_of_its_creator_and_nonce(vector: dict[str, Any]) -> None:
    """keccak256(rlp([sender, nonce])), its last 20 bytes."""
    assert created_address(unhex(vector["sender"]), vector["nonce"]) == unhex(vector["address"])


@settings(max_examples=50)
@given(
    chain_id=st.integers(1, 2**64),
    nonce=UINT64,
    fees=st.tuples(st.integers(0, 2**128), st.integers(0, 2**128)).map(sorted),
    gas_limit=st.integers(0, 2**64 - 1),
    to=ADDRESSES,
    value_wei=st.integers(0, 2**256 - 1),
    data=st.binary(max_size=300),
    delegates=st.lists(st.tuples(ADDRESSES, UINT64), max_size=3),
)
def test_eth_account_reads_what_we_seal(
    *,
    chain_id: int,
    nonce: int,
    fees: list[int],
    gas_limit: int,
    to: bytes,
    value_wei: int,
    data: bytes,
    delegates: list[tuple[bytes, int]],
) -> None:
    """Whatever the fields, eth-account computes the same digest and finds our sender."""
    authorizations = tuple(
        SetCode(chain_id, delegate, its_nonce, sign_digest(b"\x01" * 32, KEY))
        for delegate, its_nonce in delegates
    )
    transaction = Unsigned(
        chain_id, nonce, fees[0], fees[1], gas_limit, to, value_wei, data, authorizations
    )
    raw = seal(transaction, sign_digest(digest(transaction), KEY))
    assert Account.recover_transaction(raw).lower() == "0x" + address_of_key(KEY).hex()
    assert bytes(TypedTransaction.from_bytes(HexBytes(raw)).hash()) == digest(transaction)


@settings(max_examples=50)
@given(delegate=ADDRESSES, chain_id=st.integers(0, 2**64), nonce=UINT64)
def test_eth_account_signs_the_same_authorization(
    delegate: bytes, chain_id: int, nonce: int
) -> None:
    """Its digest is ours."""
    signed = Account.sign_authorization(
        {"chainId": chain_id, "address": delegate, "nonce": nonce}, KEY
    )
    assert bytes(signed.authorization_hash) == authorization_digest(chain_id, delegate, nonce)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("nonce", -1, "nonce is out of range"),
        ("nonce", 2**64 - 1, "nonce is out of range"),
        ("gas_limit", 2**64, "gas_limit is out of range"),
        ("chain_id", -1, "chain_id is out of range"),
        ("value_wei", 2**256, "value_wei is out of range"),
        ("max_fee_wei", 0, "priority fee is above"),
        ("to", b"\x11" * 19, "expected 20 bytes for to, got 19"),
        ("to", b"", "expected 20 bytes for to, got 0"),
    ],
)
def test_a_field_out_of_range_is_refused(field: str, value: object, said: str) -> None:
    """No transaction is made that a chain could not take."""
    with pytest.raises(ValueError, match=said):
        replace(PLAIN, **{field: value})  # type: ignore[arg-type]


def test_an_authorization_cannot_come_with_a_creation() -> None:
    """EIP-7702: the destination of a type 4 transaction is an address, never empty."""
    with pytest.raises(ValueError, match="needs a destination"):
        replace(PLAIN, to=None, authorizations=(DELEGATION,))


@pytest.mark.parametrize(
    ("signature", "said"),
    [
        (b"", "65 bytes, got 0"),
        (SIGNATURE + b"\0", "65 bytes, got 66"),
        (SIGNATURE[:64] + b"\x02", "got 2"),
        (SIGNATURE[:64] + b"\x1d", "got 29"),
        (SIGNATURE[:32] + b"\xff" * 32 + b"\0", "lower half"),
    ],
)
def test_a_signature_of_another_form_is_refused(signature: bytes, said: str) -> None:
    """In a transaction and in an authorization alike."""
    with pytest.raises(ValueError, match=said):
        seal(PLAIN, signature)
    with pytest.raises(ValueError, match=said):
        digest(replace(PLAIN, authorizations=(replace(DELEGATION, signature=signature),)))


def test_a_delegate_is_an_address() -> None:
    """Twenty bytes, in the digest and in the transaction."""
    with pytest.raises(ValueError, match="delegate"):
        authorization_digest(1, b"\x22" * 21, 0)
    with pytest.raises(ValueError, match="delegate"):
        digest(replace(PLAIN, authorizations=(replace(DELEGATION, delegate=b""),)))


@pytest.mark.parametrize(("v", "recovery_id"), [(0, 0), (1, 1), (27, 0), (28, 1)])
def test_v_may_have_27_added(v: int, recovery_id: int) -> None:
    """Signers write it either way; a transaction carries 0 or 1."""
    numbers = split_signature(SIGNATURE[:64] + bytes([v]))
    r, s = SIGNATURE[:32], SIGNATURE[32:64]
    assert numbers == (recovery_id, int.from_bytes(r, "big"), int.from_bytes(s, "big"))
