"""The contract of the `Vault` port, for every implementation."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from coincurve import PublicKey as Secp256k1Key
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import VerifyKey

from valetkey.adapters.vault.key_encryption_key import KeyEncryptionKey
from valetkey.adapters.vault.memory import MemoryVault
from valetkey.adapters.vault.sealed import SealedVault
from valetkey.core.errors import Code, Unavailable
from valetkey.core.secret_bytes import SecretBytes
from valetkey.core.wallet import Curve, SealedKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from valetkey.ports import Vault

VECTORS: Final = json.loads(
    (Path(__file__).parents[2] / "spec" / "vectors" / "rfc9421_keys.json").read_text()
)["signatures"]
OWNER: Final = {"key_id": "key_1", "organization_id": "org_1", "wallet_id": "wal_1"}
DIGEST: Final = sha256(b"a transaction").digest()
KEK: Final = sha256(b"a key-encryption key for tests").hexdigest()
P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SECP256K1_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class Drawn:
    """Bytes that look random and are the same in every run; what was taken is remembered."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self.taken: list[bytes] = []

    def take(self, count: int) -> bytes:
        """Return the next *count* bytes, 32 at most."""
        drawn = sha256(f"{self._seed} {len(self.taken)}".encode()).digest()[:count]
        self.taken.append(drawn)
        return drawn


class Fixed:
    """Gives what it was told to give, then zeros."""

    def __init__(self, *values: bytes) -> None:
        self._values = list(values)

    def take(self, count: int) -> bytes:
        """Return the next value."""
        return self._values.pop(0) if self._values else bytes(count)


def sealed_vault(entropy: Drawn) -> SealedVault:
    """Make a vault under the key-encryption key of these tests."""
    return SealedVault(KeyEncryptionKey.from_text(KEK), entropy)


@pytest.fixture(params=[sealed_vault, MemoryVault], ids=["sealed", "memory"])
def make(request: pytest.FixtureRequest) -> Callable[[Drawn], SealedVault]:
    """Make one of the implementations."""
    made: Callable[[Drawn], SealedVault] = request.param
    return made


@pytest.fixture
def vault(make: Callable[[Drawn], SealedVault]) -> SealedVault:
    """One of the implementations."""
    return make(Drawn("vault"))


def is_signature(key: SealedKey, message: bytes, signature: bytes) -> bool:
    """Verify with the library of the curve and not with our own code."""
    data, r, s = key.public_key.data, signature[:32], signature[32:64]
    match key.public_key.curve:
        case Curve.SECP256K1:
            recovered = Secp256k1Key.from_signature_and_message(signature, message, hasher=None)
            return recovered.format() == data and int.from_bytes(s) <= SECP256K1_ORDER // 2
        case Curve.P256:
            der = encode_dss_signature(int.from_bytes(r), int.from_bytes(s))
            point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data)
            point.verify(der, message, ec.ECDSA(SHA256()))
            return int.from_bytes(s) <= P256_ORDER // 2
        case Curve.ED25519:
            return VerifyKey(data).verify(message, signature) == message
        case Curve.RSA:
            key_of = load_der_public_key(data)
            assert isinstance(key_of, RSAPublicKey)
            key_of.verify(signature, message, PKCS1v15(), SHA256())
            return key_of.key_size == 2048


@pytest.mark.parametrize("curve", Curve)
async def test_a_new_key_signs(vault: Vault, curve: Curve) -> None:
    """A signature has the form that the port promises, and is by the key that was named."""
    key = await vault.create(curve, **OWNER)
    assert (key.id, key.organization_id, key.wallet_id) == ("key_1", "org_1", "wal_1")
    assert len(key.public_key.data) == {Curve.ED25519: 32, Curve.RSA: 294}.get(curve, 33)
    signature = await vault.sign(key, DIGEST)
    assert len(signature) == {Curve.SECP256K1: 65, Curve.RSA: 256}.get(curve, 64)
    assert curve is Curve.RSA or signature[64:] in {b"", b"\x00", b"\x01"}
    assert is_signature(key, DIGEST, signature)


@pytest.mark.parametrize("curve", Curve)
async def test_signing_again_gives_the_same_bytes(vault: Vault, curve: Curve) -> None:
    """A transaction that is signed again after a crash keeps its hash."""
    key = await vault.create(curve, **OWNER)
    assert await vault.sign(key, DIGEST) == await vault.sign(key, DIGEST)
    assert await vault.sign(key, DIGEST) != await vault.sign(key, DIGEST[::-1])


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["source"])
async def test_an_imported_key_signs_as_its_standard_says(
    vault: SealedVault, vector: dict[str, Any]
) -> None:
    """RFC 6979 and RFC 8032: the nonce comes from key and message, and ``s`` is the lower one."""
    curve, message = Curve(vector["curve"]), bytes.fromhex(vector["message"])
    private_key = SecretBytes(bytes.fromhex(vector["private_key"]))
    key = await vault.import_key(curve, private_key, **OWNER)
    assert key.public_key.data.hex() == vector["public_key"]
    hashed = sha256(message).digest() if curve is Curve.SECP256K1 else message
    signature = await vault.sign(key, hashed)
    expected = bytes.fromhex(vector["signature"])
    mirrored = P256_ORDER - int.from_bytes(expected[32:])
    if curve is Curve.P256 and mirrored <= P256_ORDER // 2:
        expected = expected[:32] + mirrored.to_bytes(32)
    assert signature[:64] == expected


@pytest.mark.parametrize(
    ("curve", "private_key"),
    [(curve, bytes(31)) for curve in Curve]
    + [(curve, b"\x01" * 33) for curve in Curve]
    + [(Curve.P256, bytes(32)), (Curve.P256, P256_ORDER.to_bytes(32))]
    + [(Curve.SECP256K1, bytes(32)), (Curve.SECP256K1, SECP256K1_ORDER.to_bytes(32))],
)
async def test_what_is_no_private_key_is_not_imported(
    vault: SealedVault, curve: Curve, private_key: bytes
) -> None:
    """32 bytes, and for ECDSA a number between one and the order."""
    with pytest.raises(ValueError, match="expected a private key of 32 bytes"):
        await vault.import_key(curve, SecretBytes(private_key), **OWNER)


@pytest.mark.parametrize("message", [b"", DIGEST[:-1], DIGEST + b"\x00"])
async def test_secp256k1_signs_digests_only(vault: Vault, message: bytes) -> None:
    """Nothing is hashed, cut or filled up on the way to a transaction's signature."""
    key = await vault.create(Curve.SECP256K1, **OWNER)
    with pytest.raises(ValueError, match="expected a digest of 32 bytes"):
        await vault.sign(key, message)


@pytest.mark.parametrize(
    ("curve", "order"), [(Curve.P256, P256_ORDER), (Curve.SECP256K1, SECP256K1_ORDER)]
)
async def test_a_draw_beyond_the_order_is_drawn_again(curve: Curve, order: int) -> None:
    """Every private key is as likely as any other; none is reduced into the range."""
    good = (order - 1).to_bytes(32)
    drawn = Fixed(bytes(32), order.to_bytes(32), b"\xff" * 32, good)
    key = await SealedVault(KeyEncryptionKey.from_text(KEK), drawn).create(curve, **OWNER)
    vault = SealedVault(KeyEncryptionKey.from_text(KEK), Drawn("other"))
    same = await vault.import_key(curve, SecretBytes(good), **OWNER)
    assert key.public_key == same.public_key


async def test_broken_randomness_makes_no_key() -> None:
    """A source of zeros is noticed and not waited for."""
    vault = SealedVault(KeyEncryptionKey.from_text(KEK), Fixed())
    with pytest.raises(Unavailable, match="expected random bytes"):
        await vault.create(Curve.SECP256K1, **OWNER)


async def test_nothing_is_drawn_twice_for_a_key(make: Callable[[Drawn], SealedVault]) -> None:
    """Private key, data key and both nonces are draws of their own."""
    entropy = Drawn("counted")
    key = await make(entropy).create(Curve.ED25519, **OWNER)
    private_key, data_key, *nonces = entropy.taken[-4:]
    assert [len(private_key), len(data_key), *map(len, nonces)] == [32, 32, 12, 12]
    assert {key.sealed[:12], key.wrapped_key[:12]} == set(nonces)
    for secret in (private_key, data_key):
        assert secret not in key.sealed + key.wrapped_key + key.public_key.data


MOVED: Final[list[dict[str, Any]]] = [
    {"id": "key_2"},
    {"organization_id": "org_2"},
    {"wallet_id": "wal_2"},
    {"version": 0},
    {"version": 2},
    {"organization_id": "org_1wal_1", "wallet_id": ""},
    {"organization_id": "", "wallet_id": "org_1wal_1"},
    {"organization_id": "wal_1", "wallet_id": "org_1"},
    {"wrapped_key": b""},
    {"sealed": b""},
    {"sealed": bytes(60)},
]


@pytest.mark.parametrize("curve", Curve)
@pytest.mark.parametrize("changed", MOVED, ids=str)
async def test_a_record_that_was_moved_signs_nothing(
    vault: Vault, curve: Curve, changed: dict[str, Any]
) -> None:
    """Who writes to the database cannot give a key to another wallet or organization."""
    key = await vault.create(curve, **OWNER)
    with pytest.raises(Unavailable) as refused:
        await vault.sign(replace(key, **changed), DIGEST)
    assert refused.value.code is Code.VAULT_REFUSED


async def test_swapped_records_sign_nothing(vault: Vault) -> None:
    """Each part of a record belongs to that record: no two can be crossed."""
    first = await vault.create(Curve.P256, **OWNER)
    second = await vault.create(Curve.P256, **{**OWNER, "wallet_id": "wal_2"})
    third = await vault.create(Curve.ED25519, **OWNER)
    for other in (second, third):
        for part in ("wrapped_key", "sealed", "public_key"):
            with pytest.raises(Unavailable):
                await vault.sign(replace(first, **{part: getattr(other, part)}), DIGEST)
        both = replace(first, wrapped_key=other.wrapped_key, sealed=other.sealed)
        with pytest.raises(Unavailable):
            await vault.sign(both, DIGEST)


async def test_another_curve_signs_nothing(vault: Vault) -> None:
    """A key of one curve is never used on another."""
    for curve in Curve:
        key = await vault.create(curve, **OWNER)
        for other in set(Curve) - {curve}:
            moved = replace(key, public_key=replace(key.public_key, curve=other))
            with pytest.raises(Unavailable):
                await vault.sign(moved, DIGEST)


async def signs(vault: Vault, key: SealedKey) -> bool:
    """Say whether *vault* signs with *key*, or refuses it as changed."""
    try:
        await vault.sign(key, DIGEST)
    except Unavailable as error:
        return error.code is not Code.VAULT_REFUSED
    return True


@pytest.mark.parametrize("make_vault", [sealed_vault, MemoryVault], ids=["sealed", "memory"])
@settings(max_examples=60, deadline=None)
@given(
    curve=st.sampled_from(list(Curve)),
    field=st.sampled_from(["wrapped_key", "sealed", "public_key"]),
    place=st.integers(min_value=0, max_value=10_000),
    flip=st.integers(min_value=1, max_value=255),
)
async def test_a_record_with_any_byte_changed_signs_nothing(
    make_vault: Callable[[Drawn], SealedVault], curve: Curve, field: str, place: int, flip: int
) -> None:
    """Every byte of a record is covered, the public key and the id of the wrapping key too."""
    vault = make_vault(Drawn("flipped"))
    key = await vault.create(curve, **OWNER)
    assert await signs(vault, key)
    data = bytearray(key.public_key.data if field == "public_key" else getattr(key, field))
    data[place % len(data)] ^= flip
    changed = bytes(data)
    value: Any = replace(key.public_key, data=changed) if field == "public_key" else changed
    assert not await signs(vault, replace(key, **{field: value}))


@pytest.mark.parametrize("curve", Curve)
async def test_a_copied_database_without_the_key_signs_nothing(
    make: Callable[[Drawn], SealedVault], curve: Curve
) -> None:
    """Whoever has every record, and any other key-encryption key, has no signature."""
    key = await make(Drawn("ours")).create(curve, **OWNER)
    other = KeyEncryptionKey.from_text(sha256(b"a thief's key").hexdigest())
    relabelled = replace(key, wrapped_key=key.wrapped_key[:-8] + bytes.fromhex(other.id))
    for thief in (SealedVault(other, Drawn("thief")), MemoryVault(Drawn("thief"))):
        for copied in (key, relabelled):
            assert not await signs(thief, copied)


async def test_the_same_key_opens_it_in_the_next_process() -> None:
    """Nothing but the key-encryption key is needed after a restart."""
    key = await sealed_vault(Drawn("before")).create(Curve.SECP256K1, **OWNER)
    assert await signs(sealed_vault(Drawn("after")), pickle.loads(pickle.dumps(key)))  # noqa: S301
