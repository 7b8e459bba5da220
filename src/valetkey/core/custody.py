"""Split custody: a key whose shares two hold, and the word without which nobody joins them."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Forbidden
from valetkey.spec import keys
from valetkey.spec.jcs import canonical_json

if TYPE_CHECKING:
    from valetkey.core.secret_bytes import SecretBytes
    from valetkey.core.wallet import Curve, PublicKey

MAX_MESSAGE_BYTES: Final = 64 * 1024
_APPROVAL: Final = b"valetkey signer approval\0"


class Purpose(StrEnum):
    """What shares are joined for, or made."""

    CREATE = "create"
    SIGN = "sign"
    REFRESH = "refresh"
    CONFIRM = "confirm"
    BACK_UP = "back_up"
    RECOVER = "recover"
    EJECT = "eject"
    FROST = "frost"
    AGGREGATE = "aggregate"


@dataclass(frozen=True, slots=True)
class SealedShare:
    """
    The server's share of one generation, as the vault seals it for `share_context`.

    Args:
        generation: Which line it is of, from 1.
        mark: `mark_of` the recovery share of the same line, if there is one.
    """

    generation: int
    sealed: bytes
    mark: bytes | None = None


@dataclass(frozen=True, slots=True)
class SplitKey:
    """
    The key of a split wallet, as this server has it: one share, worth nothing alone.

    Args:
        id: The wallet's.
        current: Whose client share signs.
        coming: What a refresh or a recovery made. The client's share of it signs, too, and its
            first use, or `confirm`, puts it in the place of *current*: an answer that was lost on
            its way loses no key.
        backup: What the recovery share belongs to, if there is one.
        generations: How many were made.
        eject_enabled_at: When the owner of the organization allowed to give the share away.
        ejected_at: When it was given away: this server signs no more.
    """

    id: str
    organization_id: str
    public_key: PublicKey
    current: SealedShare
    generations: int
    coming: SealedShare | None = None
    backup: SealedShare | None = None
    eject_enabled_at: int | None = None
    ejected_at: int | None = None

    def share_of(self, generation: int) -> SealedShare | None:
        """Return the server's share to a client's share of *generation*, if that one signs."""
        for one in (self.current, self.coming):
            if one is not None and one.generation == generation:
                return one
        return None

    def with_coming(self, share: SealedShare) -> SplitKey:
        """Return the key with a new line that waits for its first use."""
        return replace(self, coming=share, generations=share.generation)

    def used(self, generation: int) -> SplitKey:
        """Return the key once a client's share of *generation* has been used: older ones end."""
        if self.coming is None or self.coming.generation != generation:
            return self
        return replace(self, current=self.coming, coming=None)


@dataclass(frozen=True, slots=True)
class SigningPlan:
    """
    What the shares of a wallet are joined for; written down before anything is.

    Args:
        generation: Of the share that is brought; 0 if none is.
        form: What is signed: ``message``, ``typed_data``, ``transaction``, …; empty if nothing is.
        digest: `plan_digest` of the bytes that the key signs.
        makes: The generation of the line that is made; 0 if none is.
    """

    wallet_id: str
    generation: int
    purpose: Purpose
    form: str = ""
    digest: bytes = bytes(32)
    makes: int = 0


@dataclass(frozen=True, slots=True)
class FrostRound:
    """
    What waits for the client's signature share (RFC 9591).

    Args:
        commitment: The signer's, 96 bytes: the place of its share, and its two nonces' points.
        sealed: What the signer made with its nonces before it forgot them, for `frost_context`;
            empty once it was taken.
    """

    commitment: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Approval:
    """
    The server's word that a plan is written: good for one joining of shares, for a short time.

    Args:
        id: Never used before.
        activity_id: Whose *plan* it is.
        issued_at_ms: Unix milliseconds; none from before the signer began is good.
        expires_at: First second at which it is not good.
    """

    id: str
    activity_id: str
    organization_id: str
    plan: SigningPlan
    issued_at_ms: int
    expires_at: int

    @property
    def message(self) -> bytes:
        """What the server's approver signs."""
        plan = {**asdict(self.plan), "digest": self.plan.digest.hex()}
        plan["purpose"] = self.plan.purpose.value
        return _APPROVAL + canonical_json({**asdict(self), "plan": plan})

    def is_by(self, approver: PublicKey, signature: bytes) -> bool:
        """Say whether *signature* over this approval is *approver*'s (Ed25519)."""
        try:
            return keys.verify(approver, self.message, signature)
        except keys.PublicKeyError:
            return False


@dataclass(frozen=True, slots=True)
class Order:
    """
    What a signer is asked to do, and the approval without which it does not.

    Args:
        approval_signature: 64 bytes over `Approval.message`.
        public_key: Of the wallet; None when it is to be made.
        sealed: The server's share, as the store has it; empty when it is to be made. To
            ``aggregate``: `FrostRound.sealed`.
        share: The client's or the recovery share, x and y (64 bytes).
        message: What to sign: a digest of 32 bytes for secp256k1, the bytes themselves for Ed25519.
            To ``aggregate``: the client's signature share.
        commitment: The client's, for ``frost``, as in `FrostRound`.
    """

    approval: Approval
    approval_signature: bytes
    curve: Curve
    public_key: PublicKey | None = None
    sealed: bytes = b""
    share: SecretBytes | None = None
    message: bytes = b""
    commitment: bytes = b""


@dataclass(frozen=True, slots=True)
class Carried:
    """
    What a signer answers.

    Args:
        signature: As `Vault.sign` has it for the curve.
        public_key: Of a key that was made.
        sealed: The server's new share; of ``frost``, what `FrostRound` has.
        share: A new share of the client or for recovery, or the server's own for an ejection: x
            and y, 64 bytes.
        commitment: The signer's, of ``frost``.
    """

    signature: bytes = b""
    public_key: PublicKey | None = None
    sealed: bytes = b""
    share: SecretBytes | None = field(default=None)
    commitment: bytes = b""


def share_context(
    organization_id: str, wallet_id: str, public_key: PublicKey, generation: int
) -> str:
    """Return what the server's share of a generation is sealed for."""
    key = f"{public_key.curve}/{public_key.data.hex()}"
    return f"{organization_id}/split-share/{wallet_id}/{key}/{generation}"


def frost_context(approval: Approval, public_key: PublicKey) -> str:
    """Return what the signer's half of a round is sealed for: one plan, of one generation."""
    plan = approval.plan
    owner = approval.organization_id
    share = share_context(owner, plan.wallet_id, public_key, plan.generation)
    return f"{share}/frost/{approval.activity_id}"


def plan_digest(message: bytes) -> bytes:
    """Return what stands in a plan for the bytes that the key is to sign."""
    return hashlib.sha256(message).digest() if message else bytes(32)


def wrong_share() -> Forbidden:
    """Return the error for a share that does not join to the wallet's key."""
    detail = "expected a share that joins to the key of this wallet, got one that does not"
    return Forbidden(Code.SHARE_REFUSED, detail)
