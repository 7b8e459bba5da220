"""Wallets and accounts: one address on one chain."""

from __future__ import annotations

import pytest

from valetkey.core.wallet import Account, Clone, Curve, PublicKey, address_of, grant_key_of
from valetkey.spec.clone import clone_address

# The generator of secp256k1: the public key of the private key 1.
GENERATOR = bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")


def test_the_address_of_a_key() -> None:
    """The one that every Ethereum tool gives for the private key 1."""
    key = PublicKey(Curve.SECP256K1, GENERATOR)
    assert address_of(key).hex() == "7e5f4552091a69125d5dfcb7b8c2659029395bdf"


@pytest.mark.parametrize("curve", [Curve.P256, Curve.ED25519])
def test_a_key_on_another_curve_has_no_address(curve: Curve) -> None:
    """Bytes that look like a key are not enough."""
    with pytest.raises(ValueError, match="expected a secp256k1 key"):
        address_of(PublicKey(curve, GENERATOR))


@pytest.mark.parametrize("data", [b"", GENERATOR[:-1], b"\x02" + b"\xff" * 32])
def test_what_is_no_point_has_no_address(data: bytes) -> None:
    """An address that nobody holds the key of would swallow what is sent to it."""
    with pytest.raises(ValueError, match="expected a point"):
        address_of(PublicKey(Curve.SECP256K1, data))


def test_a_grant_names_an_address_or_both_coordinates() -> None:
    """The generator of P-256, FIPS 186-4 D.1.2.3; the key type follows from the length."""
    assert len(grant_key_of(PublicKey(Curve.SECP256K1, GENERATOR))) == 20
    x = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    y = "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
    key = PublicKey(Curve.P256, bytes.fromhex("03" + x))
    assert grant_key_of(key).hex() == x + y


@pytest.mark.parametrize("data", [b"", bytes(33), b"\x04" + bytes(64), b"\x02" + b"\xff" * 32])
def test_what_is_no_point_of_p256_is_in_no_grant(data: bytes) -> None:
    """A grant with such a key is of the format, and nobody could use it."""
    with pytest.raises(ValueError, match="expected a public key on p256"):
        grant_key_of(PublicKey(Curve.P256, data))


def test_an_account_is_named_by_chain_and_address() -> None:
    """CAIP-10."""
    account = Account(
        id="acc_1",
        organization_id="org_1",
        wallet_id="wal_1",
        user_id=None,
        chain="eip155:1",
        address=b"\xab" * 20,
        created_at=0,
    )
    assert account.caip10 == "eip155:1:0x" + "ab" * 20


@pytest.mark.parametrize("personal", [False, True])
def test_a_clone_is_where_what_makes_it_says_and_belongs_to_its_owner(*, personal: bool) -> None:
    """The address follows from everything in it; the owner is another address."""
    clone = Clone(b"\x01" * 20, b"\x02" * 20, b"\x03" * 20, b"\x04" * 32, personal=personal)
    assert clone.address == clone_address(
        clone.factory, clone.implementation, clone.owner, clone.salt, personal=personal
    )
    account = Account("acc_1", "org_1", "wal_1", None, "eip155:1", clone.address, 0, clone)
    assert account.owner == clone.owner
    assert account.own == (clone.address, clone.factory, clone.implementation)


def test_an_account_that_is_no_clone_is_its_own_owner() -> None:
    """Its address is that of the owner's key (EIP-7702)."""
    account = Account("acc_1", "org_1", "wal_1", None, "eip155:1", b"\xab" * 20, 0)
    assert account.owner == account.address
    assert account.own == (account.address,)
