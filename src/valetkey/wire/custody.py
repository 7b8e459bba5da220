"""Split wallets: their shares, and what they are asked to sign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta

from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.signing import SignDigest, SignMessage
from valetkey.core.signable import SignDelegation, read_transaction, read_typed_data
from valetkey.wire.base import (
    Address,
    Asked,
    Hex,
    Integer,
    Seconds,
    Text,
    Told,
    hexed,
    read_address,
    read_bytes,
)
from valetkey.wire.session import TypedData
from valetkey.wire.wallet import Account, Wallet

if TYPE_CHECKING:
    from valetkey.core import custody as core
    from valetkey.core.signable import Wanted

Share = Annotated[
    str,
    Meta(max_length=256, description="A share as it was given out: `vk1.…`. Keep it secret."),
]
RecoveryShare = Annotated[
    str, Meta(max_length=256, description="A recovery share: `vkr1.…`. Keep it secret.")
]


class CreateSplit(Asked, frozen=True, kw_only=True):
    """
    A wallet whose key is split between the client and this server.

    Args:
        chain: To have an account there at once; secp256k1 alone.
    """

    curve: Literal["secp256k1", "ed25519"] = "secp256k1"
    chain: str | None = None
    user_id: str | None = None
    label: Text = ""


class Custody(Told, frozen=True, kw_only=True):
    """
    How the key of a split wallet is kept.

    Args:
        public_key: 33 bytes for secp256k1, 32 for Ed25519.
        generation: Of the client's share that signs.
        coming_generation: Of one that was made and not used yet: its first use, or a
            confirmation, ends the other.
        backup_generation: Of the recovery share, if there is one.
    """

    wallet_id: str
    curve: str
    public_key: Hex
    generation: Integer
    coming_generation: Integer | None
    backup_generation: Integer | None
    eject_enabled_at: Seconds | None
    ejected_at: Seconds | None


class MadeSplit(Told, frozen=True, kw_only=True):
    """A new wallet; ``share`` is the client's, shown this once, and nobody can show it again."""

    wallet: Wallet
    account: Account | None
    custody: Custody
    share: Share | None


class ByShare(Asked, frozen=True, kw_only=True):
    """Who brings the client's share."""

    share: Share


class Recover(Asked, frozen=True, kw_only=True):
    """Who brings the recovery share."""

    recovery_share: RecoveryShare


class NewShare(Told, frozen=True, kw_only=True):
    """A new share, shown this once."""

    custody: Custody
    share: Share


class BackedUp(Told, frozen=True, kw_only=True):
    """The recovery share of the wallet."""

    custody: Custody
    recovery_share: RecoveryShare


class ServerShare(Told, frozen=True, kw_only=True):
    """
    A share of the server, given away: it joins to the client's, or the recovery share, of its line.

    Args:
        x, y: 32 bytes each; the key is where the line through both shares is at 0.
    """

    generation: Integer
    x: Hex
    y: Hex


class Ejected(Told, frozen=True, kw_only=True):
    """What the client has its key by; this server signs with it no more."""

    custody: Custody
    share: ServerShare
    backup: ServerShare | None


class SplitDelegation(Asked, frozen=True, kw_only=True):
    """The wish to run the code at *delegate* (EIP-7702)."""

    chain_id: Integer
    delegate: Address
    nonce: Integer


class SignSplit(Asked, frozen=True, kw_only=True):
    """
    What is to be signed, one of five, with the client's share.

    Args:
        message: Bytes; prefixed as EIP-191 says for secp256k1, signed as they are for Ed25519.
        typed_data: EIP-712.
        transaction: Of type 0, 1, 2 or 4, serialized without its signature.
        digest: 32 bytes that nobody can read; for Ed25519 any bytes.
    """

    share: Share
    message: Hex | None = None
    typed_data: TypedData | None = None
    transaction: Hex | None = None
    digest: Hex | None = None
    delegation: SplitDelegation | None = None


class SplitSignature(Told, frozen=True, kw_only=True):
    """
    A signature of a split wallet.

    Args:
        signature: r, s and v (27 or 28), 65 bytes; of an Ed25519 key 64.
        transaction: The signed transaction, as a node takes it.
    """

    activity_id: str
    signature: Hex
    transaction: Hex | None


class RawSigning(Asked, frozen=True, kw_only=True):
    """Surfaces of vendors whose sessions may have raw digests signed."""

    surfaces: Annotated[
        list[Literal["openfort", "turnkey", "portal", "para", "chipi"]], Meta(max_length=5)
    ]


def write_custody(key: core.SplitKey) -> Custody:
    """Return *key* as it is answered."""
    return Custody(
        wallet_id=key.id,
        curve=key.public_key.curve.value,
        public_key=hexed(key.public_key.data),
        generation=key.current.generation,
        coming_generation=key.coming.generation if key.coming else None,
        backup_generation=key.backup.generation if key.backup else None,
        eject_enabled_at=key.eject_enabled_at,
        ejected_at=key.ejected_at,
    )


def read_wanted(body: SignSplit) -> Wanted:
    """
    Return what is to be signed.

    Raises:
        Malformed: It is not one thing, or that has not its form.
    """
    given = [
        name
        for name in ("message", "typed_data", "transaction", "digest", "delegation")
        if getattr(body, name) is not None
    ]
    if len(given) != 1:
        expected = "one of message, typed_data, transaction, digest, delegation"
        detail = f"expected {expected}, got {', '.join(given) or 'none'}"
        raise Malformed(Code.MALFORMED_BODY, detail)
    if body.message is not None:
        return SignMessage(read_bytes(body.message, "message"))
    if body.typed_data is not None:
        return read_typed_data(body.typed_data)
    if body.transaction is not None:
        return read_transaction(read_bytes(body.transaction, "transaction"))
    if body.delegation is not None:
        delegate = read_address(body.delegation.delegate, "delegation.delegate")
        return SignDelegation(body.delegation.chain_id, delegate, body.delegation.nonce)
    return SignDigest(read_bytes(body.digest or "", "digest"))
