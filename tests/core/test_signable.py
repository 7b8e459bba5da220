"""What a split wallet signs: the right bytes for its curve, and nothing that is malformed."""

from __future__ import annotations

import pytest
import rlp  # type: ignore[import-untyped]

from tests.flows.splits import HELLO, TYPED
from valetkey.core.custody import MAX_MESSAGE_BYTES
from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.decide import Deny
from valetkey.core.permission.model import Call
from valetkey.core.permission.signing import SignDigest, SignMessage
from valetkey.core.signable import (
    SignDelegation,
    Wanted,
    call_of,
    prepare,
    read_transaction,
    read_typed_data,
    refuse_under_session,
    sealed_transaction,
)
from valetkey.core.wallet import Curve
from valetkey.spec.transaction import authorization_digest

TO = b"\x22" * 20


def transaction(to: bytes = TO, data: bytes = b"") -> Wanted:
    """Return a transaction to sign."""
    fields = [31337, 0, 1, 10, 100, to, 5, data, []]
    return read_transaction(b"\x02" + bytes(rlp.encode(fields)))


def test_secp256k1_signs_digests_of_what_it_is_asked_for() -> None:
    """Each form under its own name, with what a log may say of it."""
    code = authorization_digest(1, TO, 7)
    for wanted, form in (
        (HELLO, "message"),
        (read_typed_data(TYPED), "typed_data"),
        (transaction(), "transaction"),
        (transaction(b""), "transaction"),
        (SignDelegation(1, TO, 7), "delegation"),
        (SignDigest(b"\x07" * 32), "digest"),
    ):
        prepared = prepare(wanted, Curve.SECP256K1)
        assert (prepared.form, len(prepared.message)) == (form, 32)
        assert all(isinstance(value, str) for value in prepared.facts.values())
    assert prepare(SignDelegation(1, TO, 7), Curve.SECP256K1).message == code
    assert prepare(transaction(), Curve.SECP256K1).facts["to"] == f"0x{TO.hex()}"


def test_ed25519_signs_bytes_as_they_are() -> None:
    """A message, or what nobody can read; nothing that is of Ethereum."""
    assert prepare(HELLO, Curve.ED25519).message == b"hello"
    assert prepare(SignDigest(b"\x01\x02"), Curve.ED25519).message == b"\x01\x02"
    for wanted in (read_typed_data(TYPED), transaction(), SignDelegation(1, TO, 0)):
        with pytest.raises(Malformed):
            prepare(wanted, Curve.ED25519)


@pytest.mark.parametrize(
    "wanted",
    [
        SignMessage(b""),
        SignMessage(bytes(MAX_MESSAGE_BYTES + 1)),
        SignDigest(b"\x07" * 31),
        SignDelegation(0, TO, 0),
        SignDelegation(1, TO[:-1], 0),
        SignDelegation(1, TO, -1),
    ],
    ids=["empty", "too long", "short digest", "every chain", "short code", "no nonce"],
)
def test_what_is_malformed_is_not_signed(wanted: Wanted) -> None:
    """With what was expected."""
    with pytest.raises(Malformed) as refused:
        prepare(wanted, Curve.SECP256K1)
    assert refused.value.code is Code.MALFORMED_BODY


def test_what_cannot_be_read_is_refused() -> None:
    """Bytes that are no transaction, JSON that is no typed data."""
    with pytest.raises(Malformed):
        read_transaction(b"\x02")
    for data in ({}, {**TYPED, "primaryType": 5}, "text"):
        with pytest.raises(Malformed):
            read_typed_data(data)


def test_only_a_transaction_comes_back_sealed() -> None:
    """The others have nothing to send."""
    assert sealed_transaction(HELLO, bytes(65)) is None


@pytest.mark.parametrize("curve", [Curve.SECP256K1, Curve.ED25519])
def test_under_a_session_what_nobody_can_read_needs_the_owners_word(curve: Curve) -> None:
    """Digests, and messages that may be one; a text is a text."""
    for raw in (SignDigest(b"\x07" * 32), SignMessage(b"\x07" * 32)):
        denied = refuse_under_session(raw, curve, accounts=(), raw_allowed=False)
        assert denied is not None
        assert denied.code is Code.SIGNING_FORBIDDEN
        assert refuse_under_session(raw, curve, accounts=(), raw_allowed=True) is None
    assert refuse_under_session(HELLO, curve, accounts=(), raw_allowed=False) is None
    lines = SignMessage(b"two\nlines")
    assert refuse_under_session(lines, curve, accounts=(), raw_allowed=False) is None


def test_under_a_session_nothing_gives_it_power_whatever_the_owner_says() -> None:
    """The switch for raw digests does not open these."""
    for wanted in (SignDelegation(1, TO, 0), transaction(data=b"\x01\x02\x03\x04")):
        denied = refuse_under_session(wanted, Curve.SECP256K1, accounts={TO}, raw_allowed=True)
        assert denied is not None
        assert denied.code is Code.SIGNING_FORBIDDEN
    for harmless in (transaction(), transaction(b"\x33" * 20, b"\x01\x02\x03\x04")):
        assert (
            refuse_under_session(harmless, Curve.SECP256K1, accounts={TO}, raw_allowed=False)
            is None
        )


def test_a_permission_speaks_of_a_transaction_as_of_a_call() -> None:
    """But of none that makes a contract."""
    wanted = transaction(data=b"\x01\x02\x03\x04")
    assert call_of(wanted.transaction) == Call(TO, 5, b"\x01\x02\x03\x04")  # type: ignore[union-attr]
    made = call_of(transaction(b"").transaction)  # type: ignore[union-attr]
    assert isinstance(made, Deny)
