"""Which signatures an account takes from its owner, and in what form."""

from __future__ import annotations

import pytest

from valetkey.core import plan
from valetkey.core.wallet import Account, Clone
from valetkey.spec.permission_bytes import personal_digest
from valetkey.spec.secp256k1 import address_of_key, sign_digest

OWNER_KEY = b"\x01" * 32
OWNER = address_of_key(OWNER_KEY)
WORD = b"\x07" * 32  # a digest


def clone_of(owner: bytes, *, personal: bool) -> Account:
    """Return an account that is a clone of *owner*'s."""
    clone = Clone(b"\xfa" * 20, b"\xc0" * 20, owner, bytes(32), personal=personal)
    return Account("acc_1", "org_1", "wal_1", None, "eip155:1", clone.address, 0, clone)


def delegated(address: bytes) -> Account:
    """Return an account at its owner's own address."""
    return Account("acc_1", "org_1", "wal_1", None, "eip155:1", address, 0)


def personally(message_digest: bytes) -> bytes:
    """Sign as ``personal_sign`` of a wallet does: v is 27 or 28."""
    return sign_digest(personal_digest(message_digest), OWNER_KEY)


@pytest.mark.parametrize("personal", [False, True])
def test_the_owner_of_a_clone_signs_with_a_key_that_is_not_its_address(*, personal: bool) -> None:
    """The plain form is taken as it is, by every account."""
    signature = sign_digest(WORD, OWNER_KEY)
    account = clone_of(OWNER, personal=personal)
    assert plan.owner_signature_of(account, WORD, signature) == signature
    itself = delegated(OWNER)
    assert plan.owner_signature_of(itself, WORD, signature) == signature


def test_what_a_wallet_signs_personally_is_kept_as_the_chain_takes_it() -> None:
    """EIP-191 with v 27 or 28, as wallets give it, or 31 or 32; with v + 4 either way."""
    account = clone_of(OWNER, personal=True)
    given = personally(WORD)
    taken = given[:-1] + bytes([given[-1] + 4])
    assert plan.owner_signature_of(account, WORD, given) == taken
    assert plan.owner_signature_of(account, WORD, taken) == taken


PLAIN = sign_digest(WORD, OWNER_KEY)
NOT_TAKEN = {
    "personally for a clone that takes none": (clone_of(OWNER, personal=False), personally(WORD)),
    "personally for an account by delegation": (
        delegated(OWNER),
        personally(WORD),
    ),
    "by the account's address": (clone_of(b"\x3e" * 20, personal=True), PLAIN),
    "over another digest": (clone_of(OWNER, personal=True), personally(b"\x08" * 32)),
    "the plain form called personal": (
        clone_of(OWNER, personal=True),
        PLAIN[:-1] + bytes([PLAIN[-1] + 4]),
    ),
    "v of 0 or 1": (clone_of(OWNER, personal=True), PLAIN[:-1] + bytes([PLAIN[-1] - 27])),
    "v of 255": (clone_of(OWNER, personal=True), PLAIN[:-1] + b"\xff"),
    "too short": (clone_of(OWNER, personal=True), PLAIN[:-1]),
    "too long": (clone_of(OWNER, personal=True), PLAIN + b"\x1b"),
    "nothing": (clone_of(OWNER, personal=True), b""),
}


@pytest.mark.parametrize("name", NOT_TAKEN)
def test_what_the_account_would_not_take_is_no_owners_signature(name: str) -> None:
    """Refused before it is stored: on chain the session would never open."""
    account, signature = NOT_TAKEN[name]
    assert plan.owner_signature_of(account, WORD, signature) is None
