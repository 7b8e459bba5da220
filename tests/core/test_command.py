"""What may be asked for when a session is opened."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.examples import PERMISSION
from valetkey.core.command import OpenSession, check_open
from valetkey.core.errors import Code, Forbidden, Malformed
from valetkey.core.principal import Access
from valetkey.core.session import Proof
from valetkey.core.surface import Surface
from valetkey.core.token import TokenPrefix
from valetkey.core.wallet import Curve, PublicKey

START, END = PERMISSION.starts_at, PERMISSION.expires_at
LONGEST_S = END - START
# The generators of both curves: points that everybody knows.
SECP256K1 = PublicKey(
    Curve.SECP256K1,
    bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"),
)
P256 = PublicKey(
    Curve.P256,
    bytes.fromhex("036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"),
)
UNCOMPRESSED = bytes.fromhex(
    "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
)
NO_POINT = "key: expected a compressed point of secp256k1, got other bytes"
NO_P256_POINT = "key: expected a compressed point of p256, got other bytes"
# RFC 8032, 7.1, test 1.
ED25519 = PublicKey(
    Curve.ED25519,
    bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
)

ACTS = OpenSession(
    proof=Proof.CHAIN,
    access=Access.WRITE,
    user_id=None,
    account_id="acc_1",
    key=SECP256K1,
    permission=PERMISSION,
    starts_at=START,
    expires_at=END,
    idle_s=None,
    label="",
    device="",
)
READS = replace(
    ACTS, proof=Proof.BEARER, access=Access.READ, key=None, permission=None, account_id=None
)
CLIENT = replace(
    READS,
    access=Access.WRITE,
    user_id="usr_1",
    surface=Surface.PORTAL,
    prefix=TokenPrefix.CLIENT_SESSION,
)
GOOD = [
    ACTS,
    READS,
    CLIENT,
    replace(CLIENT, idle_s=1),
    replace(ACTS, key=P256),
    replace(ACTS, proof=Proof.STAMP, key=P256),
    replace(READS, proof=Proof.STAMP, key=P256),
    replace(READS, account_id="acc_1"),
    replace(ACTS, idle_s=1),
    replace(ACTS, key=None, key_address=b"\x07" * 20),
]


@pytest.mark.parametrize("command", GOOD)
@pytest.mark.parametrize("now", [START, START + 1, END - 1])
def test_what_fits_together_may_be_opened(command: OpenSession, now: int) -> None:
    """Each proof with what belongs to it, until the last second."""
    check_open(command, now=now, max_session_s=LONGEST_S)


BAD = [
    (
        "a bearer token with a key",
        replace(READS, key=P256),
        "key: expected no key for proof bearer",
    ),
    ("a stamp without a key", replace(ACTS, proof=Proof.STAMP, key=None), "key: expected a public"),
    (
        "a chain session with a key and an address",
        replace(ACTS, key_address=b"\x07" * 20),
        "key_address: expected none beside a key",
    ),
    (
        "a stamp of a bare address",
        replace(ACTS, proof=Proof.STAMP, key=None, key_address=b"\x07" * 20),
        "key_address: expected none for proof stamp",
    ),
    (
        "a bearer token of a bare address",
        replace(READS, key_address=b"\x07" * 20),
        "key_address: expected none for proof bearer",
    ),
    (
        "an address that is too short",
        replace(ACTS, key=None, key_address=b"\x07" * 19),
        "key_address: expected 20 bytes",
    ),
    (
        "the zero address",
        replace(ACTS, key=None, key_address=bytes(20)),
        "key_address: expected 20 bytes, not all 0",
    ),
    (
        "a token bound to a bare address",
        replace(ACTS, key=None, key_address=b"\x07" * 20, bound_token=True),
        "bound_token: expected false",
    ),
    ("a chain session without a key", replace(ACTS, key=None), "key: expected a public key"),
    (
        "a chain key that no chain checks",
        replace(ACTS, key=ED25519),
        "key: expected a secp256k1 or",
    ),
    (
        "a point of the other curve",
        replace(ACTS, key=replace(P256, data=SECP256K1.data)),
        NO_P256_POINT,
    ),
    ("a P-256 key of zeros", replace(ACTS, key=replace(P256, data=bytes(33))), NO_P256_POINT),
    ("a key that is no point", replace(ACTS, key=replace(SECP256K1, data=bytes(33))), NO_POINT),
    (
        "the other form of a point",
        replace(ACTS, key=replace(SECP256K1, data=UNCOMPRESSED)),
        NO_POINT,
    ),
    (
        "a chain session that reads",
        replace(ACTS, access=Access.READ, permission=None),
        "access: expected write for proof chain",
    ),
    ("writing without a permission", replace(ACTS, permission=None), "permission, account_id"),
    ("writing without an account", replace(ACTS, account_id=None), "permission, account_id"),
    ("reading with a permission", replace(READS, permission=PERMISSION), "permission, account_id"),
    ("a client without a user", replace(CLIENT, user_id=None), "user_id, permission, account_id"),
    (
        "a client with a permission",
        replace(CLIENT, permission=PERMISSION),
        "user_id, permission, account_id",
    ),
    (
        "a client of one account",
        replace(CLIENT, account_id="acc_1"),
        "user_id, permission, account_id",
    ),
    ("a client with a key", replace(CLIENT, key=P256), "key: expected no key for proof bearer"),
    (
        "a client whose token looks like a key",
        replace(CLIENT, prefix=TokenPrefix.SECRET_KEY),
        "prefix: expected one of",
    ),
    ("no time at all", replace(READS, expires_at=START), "starts_at, expires_at: expected"),
    (
        "other times than agreed",
        replace(ACTS, expires_at=END - 1),
        "permission: expected the times",
    ),
    (
        "another start than agreed",
        replace(ACTS, starts_at=START + 1),
        "permission: expected the time",
    ),
    ("idle from the beginning", replace(READS, idle_s=0), "idle_s: expected 1 or more, or none"),
    ("too long", replace(READS, expires_at=END + 1), "expires_at: expected at most"),
    ("begun too long ago", replace(READS, starts_at=START - 1), "expires_at: expected at most"),
]


@pytest.mark.parametrize(("what", "command", "detail"), BAD, ids=[row[0] for row in BAD])
def test_what_does_not_fit_together_is_refused(
    what: str, command: OpenSession, detail: str
) -> None:
    """The first thing that does not fit is named."""
    with pytest.raises(Malformed) as refused:
        check_open(command, now=START, max_session_s=LONGEST_S)
    assert refused.value.code is Code.MALFORMED_BODY, what
    assert refused.value.detail.startswith(detail)


def test_a_session_that_is_over_is_not_opened() -> None:
    """Its last second has passed."""
    with pytest.raises(Malformed, match="expires_at later than now"):
        check_open(ACTS, now=END, max_session_s=LONGEST_S)


def test_a_bearer_token_never_writes() -> None:
    """Whoever steals it could. Only a vendor's client writes so, and brings its own share."""
    with pytest.raises(Forbidden) as refused:
        check_open(replace(CLIENT, surface=Surface.NATIVE), now=START, max_session_s=LONGEST_S)
    assert refused.value.code is Code.NOT_ALLOWED
