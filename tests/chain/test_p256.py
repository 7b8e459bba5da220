"""Session keys on P-256, where the chain checks their signatures, and elsewhere."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature

from tests.chain.session import Owner, Session, token_rule
from tests.chain.world import RECIPIENT, RFC6979_SAMPLE, ROOT, USDC, fresh_secret, transfer, words
from valetkey.devchain import CHAIN_ID
from valetkey.spec import permission_bytes as pb
from valetkey.spec.eip712 import digest
from valetkey.spec.secp256k1 import address_of_key, sign_digest

if TYPE_CHECKING:
    from tests.chain.world import World

REFUSED = pb.Refusal("SignatureRefused")
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.fixture
def p256(world: World, owner: Owner) -> Session:
    """Return a session with a P-256 key on a chain that checks such keys."""
    if not world.has_p256():
        pytest.skip("this chain has no P-256 precompile")
    return Session.with_p256(owner)


def test_the_contract_tries_a_published_vector() -> None:
    """RFC 6979, A.2.5: the SHA-256 of "sample"; the constants in the source are its numbers."""
    source = (ROOT / "contracts" / "evm" / "P256.sol").read_text()
    assert RFC6979_SAMPLE.startswith(hashlib.sha256(b"sample").hexdigest())
    for at in range(64, len(RFC6979_SAMPLE), 64):
        assert f"0x{RFC6979_SAMPLE[at : at + 64]}" in source


def test_a_p256_key_is_refused_where_nothing_checks_it(world: World, owner: Owner) -> None:
    """Registered or in a first use; elsewhere it is taken."""
    session = Session.with_p256(owner)
    register = pb.register_calldata(session.packed, session.owner_signature())
    expected = None if world.has_p256() else pb.Refusal("KeyTypeRefused")
    assert session.refusal(register) == expected
    assert session.refusal(session.run(transfer(1), first=True)) == expected


def test_without_a_precompile_no_p256_signature_passes(world: World, owner: Owner) -> None:
    """Not even for what needs no grant: nothing answers, and nothing is not yes."""
    if world.has_p256():
        pytest.skip("this chain has the precompile")
    session = Session.with_p256(owner)
    assert session.refusal(revocation(session)) == REFUSED


def revocation(session: Session) -> bytes:
    """Return the calldata of a revocation by the session key."""
    typed = pb.revoke_typed_data(session.id, chain_id=CHAIN_ID, account=session.account)
    return pb.revoke_by_key_calldata(session.packed, session.signature(digest(typed)))


def test_a_p256_key_makes_runs(p256: Session) -> None:
    """First use, later uses and nonces are those of any session."""
    before = p256.world.balance_of(RECIPIENT)
    assert p256.submit(p256.run(transfer(USDC), first=True)).succeeded
    assert p256.submit(p256.run(transfer(USDC), nonce=1)).succeeded
    assert p256.world.balance_of(RECIPIENT) == before + 2 * USDC
    assert p256.refusal(p256.run(transfer(1), nonce=1)) == pb.Refusal("NonceUsed")


def test_a_p256_key_that_reads_like_a_header_is_still_a_key(p256: Session) -> None:
    """
    What stands where a secp256k1 grant says when it begins and ends may be any bytes of a key.

    Those of this key say "since 1998, for ever, no flags": under them other bytes would be rules.
    """
    key = ec.derive_private_key(585_856, ec.SECP256R1())
    point = key.public_key().public_numbers()
    session = Session.opened(p256.owner, key=words(point.x, point.y))
    session.p256 = key
    session.register()
    assert session.refusal(session.run(transfer(1))) is None
    assert session.refusal(session.run(transfer(1), deadline=0)) == pb.Refusal("DeadlinePassed")


def test_a_p256_key_revokes_its_grant(p256: Session) -> None:
    """By `revokeByKey`, as a secp256k1 key does."""
    p256.register()
    assert p256.refusal(p256.run(transfer(1))) is None
    assert p256.submit(revocation(p256)).succeeded
    assert p256.refusal(p256.run(transfer(1))) == pb.Refusal("GrantRevoked")


def test_another_p256_signature_is_refused(p256: Session) -> None:
    """Of another key, over another run, with another `v`, of zeros, or out of range."""
    p256.register()
    good = p256.run(transfer(1))
    assert p256.refusal(good) is None
    stranger = Session.with_p256(p256.owner).p256
    forged = Session(p256.owner, p256.grant, b"", p256=stranger)
    assert p256.refusal(forged.run(transfer(1))) == REFUSED
    assert p256.refusal(good[:-65] + p256.run(transfer(2))[-65:]) == REFUSED
    for v in (1, 27, 28, 31, 32, 255):
        assert p256.refusal(good[:-1] + bytes((v,))) == REFUSED
    s = int.from_bytes(good[-33:-1], "big")
    for changed in (bytes(64), good[-65:-33] + bytes(32), bytes(32) + good[-33:-1]):
        assert p256.refusal(good[:-65] + changed + b"\0") == REFUSED
    if s + P256_ORDER < 2**256:
        assert p256.refusal(good[:-33] + words(s + P256_ORDER) + b"\0") == REFUSED


def test_the_raw_digest_is_not_what_a_p256_key_signs(p256: Session) -> None:
    """ES256 hashes the message once more; a signature over the bare digest is another one."""
    p256.register()
    calls = pb.encode_calls(p256.grant, [transfer(1)])
    until = p256.world.now() + 1_000
    signed = pb.run_digest(
        p256.id, calls, nonce=0, deadline=until, chain_id=CHAIN_ID, account=p256.account
    )
    assert p256.p256 is not None
    raw = p256.p256.sign(signed, ec.ECDSA(Prehashed(hashes.SHA256())))
    signature = pb.es256_signature(words(*decode_dss_signature(raw)))
    data = pb.run_calldata(p256.packed, calls, signature, nonce=0, deadline=until)
    assert p256.refusal(data) == REFUSED


def test_a_point_off_the_curve_signs_nothing(p256: Session) -> None:
    """The grant is of the format, and dead."""
    x = int.from_bytes(p256.grant.key[:32], "big")
    off = Session.opened(p256.owner, key=words(x, 1))
    off.p256 = p256.p256
    off.register()
    assert off.refusal(off.run(transfer(1))) == REFUSED


def test_no_address_stands_for_a_p256_key(p256: Session) -> None:
    """
    A key whose `x` begins with an attacker's address is not the attacker's.

    The bytes stand where an address would; neither its signature nor its sending counts.
    """
    secret = fresh_secret()
    attacker = address_of_key(secret)
    session = Session.opened(p256.owner, token_rule(p256.world), key=attacker + bytes(44))
    session.register()
    run = session.run(transfer(1))
    session.secret = secret
    assert session.refusal(session.run(transfer(1))) == REFUSED
    assert session.refusal(session.run(transfer(1), personal=True)) == REFUSED
    assert p256.world.refusal(p256.account, run, sender=attacker) == REFUSED
    typed = pb.revoke_typed_data(session.id, chain_id=CHAIN_ID, account=session.account)
    signature = sign_digest(digest(typed), secret)
    revoke = pb.revoke_by_key_calldata(session.packed, signature)
    assert session.refusal(revoke) == REFUSED
