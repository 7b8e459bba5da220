"""Transactions that others wrote: read whole, or not signed."""

from __future__ import annotations

from typing import Any, Final

import pytest
import rlp  # type: ignore[import-untyped]
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from valetkey.spec import raw_transaction
from valetkey.spec.raw_transaction import TransactionError, read, seal
from valetkey.spec.secp256k1 import sign_digest

KEY: Final = b"\x11" * 32
PLAIN: Final[dict[str, Any]] = {
    "chainId": 31337,
    "nonce": 3,
    "gas": 21_000,
    "to": "0x" + "22" * 20,
    "value": 7,
    "data": b"\xab\xcd",
}
KINDS: Final[dict[str, dict[str, Any]]] = {
    "legacy": {"gasPrice": 5},
    "access list": {"type": 1, "gasPrice": 5},
    "fee market": {"type": 2, "maxFeePerGas": 5, "maxPriorityFeePerGas": 1},
}


def unsigned(kind: str, **changed: object) -> tuple[bytes, bytes]:
    """Return a transaction without its signature, and with the one that another library makes."""
    signed = bytes(Account.sign_transaction(PLAIN | KINDS[kind] | changed, KEY).raw_transaction)
    if kind == "legacy":
        fields = rlp.decode(signed)[:-3]
        return bytes(rlp.encode([*fields, (31337).to_bytes(2), b"", b""])), signed
    return signed[:1] + bytes(rlp.encode(rlp.decode(signed[1:])[:-3])), signed


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_signed_to_the_same_bytes_as_by_another_library(kind: str) -> None:
    """Digest, signature and order of fields are those of the standards."""
    raw, signed = unsigned(kind)
    transaction = read(raw)
    assert seal(transaction, sign_digest(transaction.digest, KEY)) == signed
    assert transaction.to == b"\x22" * 20
    assert (transaction.chain_id, transaction.nonce, transaction.value_wei) == (31337, 3, 7)
    assert (transaction.data, transaction.most_fee_wei) == (b"\xab\xcd", 105_000)
    assert not transaction.sets_code


@pytest.mark.parametrize("kind", ["access list", "fee market"])
@pytest.mark.parametrize("empty", [b"", b"\0"], ids=["empty", "zero"])
def test_empty_fields_of_a_signature_are_none(kind: str, empty: bytes) -> None:
    """Some libraries leave them out, some write them empty."""
    raw, _ = unsigned(kind)
    fields = rlp.decode(raw[1:])
    longer = raw[:1] + bytes(rlp.encode([*fields, empty, empty, empty]))
    assert read(longer).digest == read(raw).digest


def test_a_contract_is_created_at_no_address() -> None:
    """An empty destination is none."""
    raw, _ = unsigned("fee market", to="")
    assert read(raw).to is None


def test_one_that_sets_code_says_so() -> None:
    """EIP-7702: it carries authorizations."""
    fields = [b"\x01", b"", b"", b"\x05", b"\x05", b"\x22" * 20, b"", b"", [], []]
    transaction = read(b"\x04" + bytes(rlp.encode(fields)))
    assert transaction.sets_code
    assert seal(transaction, sign_digest(transaction.digest, KEY))[:1] == b"\x04"


LEGACY: Final = [b"\x03", b"\x05", b"\x05", b"\x22" * 20, b"\x07", b""]
MARKET: Final = [b"\x01", b"\x03", b"\x01", b"\x05", b"\x05", b"\x22" * 20, b"\x07", b"", []]


def typed(kind: int, *fields: object) -> bytes:
    """Return fields behind a type."""
    return bytes((kind,)) + bytes(rlp.encode(list(fields)))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x02",
        b"\x03" + bytes(rlp.encode(MARKET)),
        bytes(rlp.encode(b"no list")),
        bytes(rlp.encode(LEGACY)),
        bytes(rlp.encode([*LEGACY, b"\x1c", b"\x01", b"\x01"])),
        bytes(rlp.encode([*LEGACY, b"", b"", b""])),
        typed(2, *MARKET) + b"\0",
        typed(2, *MARKET[:-1]),
        typed(2, *MARKET, b"\x01", b"\x01", b"\x01"),
        typed(2, b"", *MARKET[1:]),
        typed(2, b"\0\x01", *MARKET[1:]),
        typed(2, b"\x01" * 33, *MARKET[1:]),
        typed(2, [], *MARKET[1:]),
        typed(2, *MARKET[:5], b"\x22" * 19, *MARKET[6:]),
        typed(2, *MARKET[:5], [], *MARKET[6:]),
        typed(2, *MARKET[:7], [], []),
        typed(2, *MARKET[:-1], b"no list"),
        b"\x02" + b"\0" * raw_transaction.MAX_BYTES,
    ],
    ids=[
        "nothing",
        "a type alone",
        "a blob",
        "no list",
        "legacy for every chain",
        "legacy, signed",
        "legacy for chain 0",
        "a byte too many",
        "a field too few",
        "signed",
        "chain 0",
        "a number with a zero before it",
        "a number that is too long",
        "a list for a number",
        "a short destination",
        "a list for a destination",
        "a list for data",
        "bytes for the access list",
        "too long",
    ],
)
def test_what_is_no_transaction_to_sign_is_refused(raw: bytes) -> None:
    """Nothing is guessed: what the signer does not know whole, it does not sign."""
    with pytest.raises(TransactionError):
        read(raw)


@given(st.binary(max_size=300))
def test_no_bytes_end_in_another_error(raw: bytes) -> None:
    """Read, or refused; and what was read is encoded to what was given."""
    for data in (raw, b"\x02" + raw):
        try:
            transaction = read(data)
        except TransactionError:
            continue
        assert transaction.chain_id > 0
