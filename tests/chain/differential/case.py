"""One question to both planes: a permission, what is kept of it, and a run as it arrives."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from tests.core.strategies import Cast
from valetkey.devchain import dev_keys
from valetkey.spec.keccak import keccak256
from valetkey.spec.secp256k1 import address_of_key

if TYPE_CHECKING:
    from valetkey.core.chain import Counter
    from valetkey.core.permission.model import Call, Permission
    from valetkey.spec import permission_bytes as pb

CHAIN_ID: Final = 31337
CHAIN: Final = f"eip155:{CHAIN_ID}"
SESSION_SECRET: Final = keccak256(b"differential session")
STRANGER_SECRET: Final = keccak256(b"differential stranger")
EPOCHS: Final = (0, 1, 7)
OWNER_SECRETS: Final = {epoch: keccak256(b"differential owner %d" % epoch) for epoch in EPOCHS}
ACCOUNTS: Final = {epoch: address_of_key(secret) for epoch, secret in OWNER_SECRETS.items()}


def _named(name: str) -> bytes:
    return keccak256(b"differential " + name.encode())[12:]


CAST: Final = Cast(
    account=ACCOUNTS[0],
    tokens=tuple(_named(f"token {index}") for index in range(3)),
    contracts=(_named("contract 0"), _named("contract 1")),
    people=tuple(_named(f"person {index}") for index in range(6)),
)
SESSION_KEY: Final = address_of_key(SESSION_SECRET)
RELAYERS: Final = tuple(key.address for key in dev_keys()[:3])
EVERYBODY: Final = (*CAST.tokens, *CAST.contracts, *CAST.people)


class KeySignature(StrEnum):
    """What stands where the session key's signature belongs. Only the first two are one."""

    PLAIN = "plain"
    PERSONAL = "personal"  # over the EIP-191 form, v + 4
    OTHER_KEY = "another key's"
    OTHER_NONCE = "over another nonce"
    OTHER_DEADLINE = "over another deadline"
    OTHER_CALLS = "over other calls"
    OTHER_GRANT = "over another grant"
    OTHER_CHAIN = "over another chain"
    OTHER_ACCOUNT = "over another account"
    UNTOLD_PERSONAL = "over the EIP-191 form, v not told apart"
    TOLD_PLAIN = "over the digest, v + 4"
    HIGH_S = "s in the upper half"
    OTHER_V = "v of the other parity"
    ODD_V = "v that none has"
    ZEROS = "zeros"


class OwnerSignature(StrEnum):
    """What stands where the owner's signature over the grant belongs. Only the first is one."""

    GOOD = "good"
    NONE = "none"
    OTHER_KEY = "another key's"
    OTHER_EPOCH = "over another epoch"
    OTHER_SALT = "over another grant"
    OTHER_CHAIN = "over another chain"
    OTHER_ACCOUNT = "over another account"
    PERSONAL = "over the EIP-191 form"
    HIGH_S = "s in the upper half"
    ZEROS = "zeros"


@dataclass(frozen=True, slots=True)
class Kept:
    """
    What the account keeps of the grant.

    Args:
        counters: One for each limit of the lowered permission.
    """

    status: pb.Status
    calls: int
    nonce_base: int
    nonce_bitmap: int
    counters: tuple[Counter, ...]


@dataclass(frozen=True, slots=True)
class Damage:
    """
    What is wrong with the bytes, beyond what the values can say.

    Args:
        flip: Byte of the grant and the bits that are changed in it.
        cut: So many bytes of the calldata are left out at the end.
        keep: Only so many bytes of the calldata arrive.
        tail: Behind the last call, signed with the calls.
        arguments_for_sends: Calls without a rule are packed under the target's send rule.
        too_wide: Calls are packed under a wider rule than their own, where there is one.
    """

    flip: tuple[int, int] | None = None
    cut: int = 0
    keep: int | None = None
    tail: bytes = b""
    arguments_for_sends: bool = False
    too_wide: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """
    One run, the permission it is under, what is kept, and when and how it arrives.

    Args:
        at: The second of the block.
        epoch: Of the account, which also says which account it is (`ACCOUNTS`).
        sender: One of `RELAYERS`, or the session key.
        is_p256: Whether the session key is one, and not the secp256k1 key.
        stray: How far beyond the last rule a call is packed that no rule covers.
    """

    permission: Permission
    calls: tuple[Call, ...]
    kept: Kept
    at: int
    nonce: int
    deadline: int
    sender: bytes
    epoch: int = 0
    salt: int = 0
    stray: int = 0
    is_p256: bool = False
    value_wei: int = 0
    key_signature: KeySignature = KeySignature.PLAIN
    owner_signature: OwnerSignature = OwnerSignature.NONE
    damage: Damage = field(default_factory=Damage)

    @property
    def account(self) -> bytes:
        """The account, 20 bytes."""
        return ACCOUNTS[self.epoch]
