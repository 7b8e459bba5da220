"""Wallets hold the owner's key material; an account is one address on one chain."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from valetkey.spec import secp256k1
from valetkey.spec.clone import clone_address
from valetkey.spec.keys import p256_point


class OwnerKey(StrEnum):
    """
    Where the owner's key is.

    ``OUTSIDE`` means that this server never has it, ``SEALED`` that it has it alone, ``SPLIT`` that
    it has one share and the client another (`valetkey.core.custody`).
    """

    OUTSIDE = "outside"
    SEALED = "sealed"
    SPLIT = "split"


class Curve(StrEnum):
    """Curves that keys are on; RSA is on none, and for tokens on vendors' surfaces alone."""

    SECP256K1 = "secp256k1"
    P256 = "p256"
    ED25519 = "ed25519"
    RSA = "rsa"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """
    A public key as bytes.

    Args:
        data: SEC 1 compressed point (33 bytes) for secp256k1 and P-256, 32 bytes for Ed25519;
            SubjectPublicKeyInfo in DER for RSA.
    """

    curve: Curve
    data: bytes


@dataclass(frozen=True, slots=True)
class SealedKey:
    """
    A private key that only the vault can use. Worth nothing without the key-encryption key.

    Args:
        wallet_id: What it belongs to: a wallet, a session, or a name such as ``relayer``.
        version: Of the sealing format, bound into the associated data.
        wrapped_key: The data key under the key-encryption key, nonce first.
        sealed: The private key under the data key, nonce first.
    """

    id: str
    organization_id: str
    wallet_id: str
    public_key: PublicKey
    version: int
    wrapped_key: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Wallet:
    """Key material of one owner. ``key_id`` names its `SealedKey`, if the server has one."""

    id: str
    organization_id: str
    user_id: str | None
    label: str
    owner_key: OwnerKey
    curve: Curve
    key_id: str | None
    created_at: int


@dataclass(frozen=True, slots=True)
class Clone:
    """
    What an account is made of whose address follows from it (docs/reference/accounts.md, "Clones").

    Args:
        factory: 20 bytes.
        implementation: 20 bytes: the code that it runs.
        owner: 20 bytes: who it belongs to when it is made.
        salt: 32 bytes.
        personal: Whether its owner may sign by ``personal_sign`` (EIP-191) too.
    """

    factory: bytes
    implementation: bytes
    owner: bytes
    salt: bytes
    personal: bool

    @property
    def address(self) -> bytes:
        """The 20 bytes where the account is, or will be."""
        return clone_address(
            self.factory, self.implementation, self.owner, self.salt, personal=self.personal
        )


@dataclass(frozen=True, slots=True)
class Account:
    """
    One address on one chain (CAIP-10).

    Args:
        chain: CAIP-2.
        address: 20 bytes.
        clone: What it is made of; None for one whose address is its owner's key's.
    """

    id: str
    organization_id: str
    wallet_id: str
    user_id: str | None
    chain: str
    address: bytes
    created_at: int
    clone: Clone | None = None

    @property
    def owner(self) -> bytes:
        """The 20 bytes that grants and ends sessions of it."""
        return self.clone.owner if self.clone else self.address

    @property
    def own(self) -> tuple[bytes, ...]:
        """The addresses (20 bytes each) that are the account, or stand for it."""
        if self.clone is None:
            return (self.address,)
        return self.address, self.clone.factory, self.clone.implementation

    @property
    def caip10(self) -> str:
        """The chain and the address in one string."""
        return f"{self.chain}:0x{self.address.hex()}"


@dataclass(frozen=True, slots=True)
class Clones:
    """
    What makes accounts of their own for owners (docs/reference/accounts.md, "Clones").

    Args:
        factory: 20 bytes.
        implementation: 20 bytes: what every one of them runs.
    """

    factory: bytes
    implementation: bytes


def address_of(key: PublicKey) -> bytes:
    """
    Return the 20-byte EVM address of a secp256k1 *key*.

    Raises:
        ValueError: The key is on another curve, or no point.
    """
    if key.curve is not Curve.SECP256K1:
        msg = f"expected a secp256k1 key, got {key.curve}"
        raise ValueError(msg)
    return secp256k1.address_of_public_key(key.data)


def grant_key_of(key: PublicKey) -> bytes:
    """
    Return *key* as a grant names the key of its session.

    Returns:
        20 bytes, the address of a secp256k1 key; or 64, x and y of a P-256 key.

    Raises:
        ValueError: The key is on another curve, or no point.

    Spec:
        docs/reference/grant-format.md, "Grant".
    """
    return p256_point(key.data) if key.curve is Curve.P256 else address_of(key)
