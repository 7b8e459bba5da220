"""Shares as people bring them and get them: of which wallet, of which line, for what."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.custody import wrong_share
from valetkey.core.errors import Code, Conflict, Forbidden, Malformed
from valetkey.core.secret_bytes import SecretBytes
from valetkey.spec import share_text
from valetkey.spec.shamir import ORDERS, Point, ShareError

if TYPE_CHECKING:
    from valetkey.core.custody import SealedShare, SplitKey

MARK_BYTES: Final = 16
_MARK: Final = b"valetkey share mark\0"


@dataclass(frozen=True, slots=True)
class HeldShare:
    """A share that somebody brought: the point is not yet known to be on the line."""

    kind: str
    wallet_id: str
    generation: int
    point: SecretBytes


def write_share(kind: str, wallet_id: str, generation: int, point: SecretBytes) -> str:
    """Return the text of a share (`valetkey.spec.share_text`), to be given out once."""
    return share_text.write(share_text.ShareText(kind, wallet_id, generation, point.reveal()))


def client_share(wallet_id: str, generation: int, point: SecretBytes) -> str:
    """Return the text of a client's share."""
    return write_share(share_text.CLIENT, wallet_id, generation, point)


def recovery_share(wallet_id: str, generation: int, point: SecretBytes) -> str:
    """Return the text of a recovery share."""
    return write_share(share_text.RECOVERY, wallet_id, generation, point)


def about_share(text: str) -> HeldShare:
    """
    Return what *text* says of itself, before anything is known about its wallet.

    Raises:
        Malformed: ``malformed_share``: it is no share, or was cut or changed.
    """
    try:
        share = share_text.read(text)
    except share_text.ShareTextError as error:
        raise Malformed(Code.MALFORMED_SHARE, f"share: {error}") from None
    return HeldShare(share.kind, share.wallet_id, share.generation, SecretBytes(share.point))


def read_client_share(text: str, key: SplitKey) -> HeldShare:
    """
    Return the client's share that *text* is, of the wallet of *key* and of a line that signs.

    Raises:
        Malformed: ``malformed_share``: it is none, or was cut or changed.
        Forbidden: ``share_of_another_wallet``.
        Conflict: ``share_stale``: there is a newer one, or this one never was.
    """
    share = _read(text, key, share_text.CLIENT)
    expect_generation(key, share.generation)
    return share


def expect_generation(key: SplitKey, generation: int) -> SealedShare:
    """
    Return the server's share to a client's share of *generation*, of a line that signs.

    Raises:
        Conflict: ``share_stale``: there is a newer one, or this one never was.
    """
    ours = key.share_of(generation)
    if ours is None:
        raise _stale(key.current.generation, generation)
    return ours


def read_recovery_share(text: str, key: SplitKey) -> HeldShare:
    """
    Return the recovery share that *text* is, of the wallet of *key* and of its newest backup.

    Raises:
        Malformed, Forbidden: As `read_client_share`; also a share that is not for recovery.
        Conflict: ``share_stale``: another backup was made since, or none ever was.
    """
    share = _read(text, key, share_text.RECOVERY)
    if key.backup is None:
        raise Conflict(Code.SHARE_STALE, "expected a wallet with a backup, got one without")
    if key.backup.generation != share.generation:
        raise _stale(key.backup.generation, share.generation)
    if not hmac.compare_digest(mark_of(share.point), key.backup.mark or b""):
        raise wrong_share()
    return share


def mark_of(point: SecretBytes) -> bytes:
    """Return what tells a recovery share from others of its line, and says nothing about it."""
    return hashlib.sha256(_MARK + point.reveal()).digest()[:MARK_BYTES]


def _read(text: str, key: SplitKey, kind: str) -> HeldShare:
    try:
        share = share_text.read(text)
        Point.from_bytes(share.point, order=ORDERS[key.public_key.curve])
    except (share_text.ShareTextError, ShareError) as error:
        raise Malformed(Code.MALFORMED_SHARE, f"share: {error}") from None
    if share.kind != kind:
        detail = f"share: expected one that begins with {kind}, got one with {share.kind}"
        raise Malformed(Code.MALFORMED_SHARE, detail)
    if share.wallet_id != key.id:
        detail = f"expected a share of {key.id}, got one of {share.wallet_id}"
        raise Forbidden(Code.SHARE_OF_ANOTHER_WALLET, detail)
    return HeldShare(kind, share.wallet_id, share.generation, SecretBytes(share.point))


def _stale(expected: int, got: int) -> Conflict:
    detail = f"expected a share of generation {expected}, got one of {got}"
    return Conflict(Code.SHARE_STALE, detail, generation=expected)
