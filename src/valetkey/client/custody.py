"""Shares as the client has them, and the key that they join to once the server's is here."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from valetkey.core.errors import Code, Forbidden, Malformed
from valetkey.spec import ed25519_scalar, secp256k1, share_text
from valetkey.spec.keys import canonical_public_key
from valetkey.spec.password_seal import (
    NONCE_BYTES,
    SALT_BYTES,
    Cost,
    PasswordError,
    SealError,
    seal,
    unseal,
)
from valetkey.spec.shamir import ORDERS, Point, ShareError, join
from valetkey.wire import custody as wire
from valetkey.wire.base import hexed

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["checked_share", "join_ejected", "lock_share", "sign_body", "unlock_share"]


def checked_share(text: str) -> str:
    """
    Return *text*, a whole share: what was cut or mistyped does not leave this process.

    Raises:
        Malformed: ``malformed_share``.
    """
    _read(text)
    return text


def join_ejected(share: str, ejected: wire.Ejected) -> bytes:
    """
    Return the private key that *share* and the server's share join to: nobody limits it any more.

    Args:
        share: The client's share, or the recovery share.

    Returns:
        32 bytes: big-endian for secp256k1, the little-endian scalar for Ed25519.

    Raises:
        Malformed: *share* is none.
        Forbidden: ``share_stale``, ``share_refused``: it is not of the line that was given away.
    """
    ours = _read(share)
    curve = ejected.custody.curve
    for theirs in (ejected.share, ejected.backup):
        if theirs is not None and theirs.generation == ours.generation:
            data = bytes.fromhex(theirs.x[2:] + theirs.y[2:])
            return _checked(ejected.custody, _joined(curve, ours.point, data))
    detail = f"expected a share of a generation that was given away, got {ours.generation}"
    raise Forbidden(Code.SHARE_STALE, detail)


def sign_body(
    share: str,
    *,
    message: bytes | None,
    typed_data: Mapping[str, object] | None,
    transaction: bytes | None,
    digest: bytes | None,
    delegation: tuple[int, bytes, int] | None,
) -> wire.SignSplit:
    """Return what asks for a signature."""
    given: dict[str, Any] = {
        name: None if data is None else hexed(data)
        for name, data in (("message", message), ("transaction", transaction), ("digest", digest))
    }
    if delegation is not None:
        chain_id, code, nonce = delegation
        given["delegation"] = wire.SplitDelegation(
            chain_id=chain_id, delegate=hexed(code), nonce=nonce
        )
    body = wire.SignSplit(
        share=share, typed_data=None if typed_data is None else dict(typed_data), **given
    )
    wire.read_wanted(body)
    return body


def _read(text: str) -> share_text.ShareText:
    try:
        return share_text.read(text)
    except share_text.ShareTextError as error:
        raise Malformed(Code.MALFORMED_SHARE, f"share: {error}") from None


def _checked(custody: wire.Custody, secret: bytes) -> bytes:
    """Return *secret*, seen to be the key of the wallet."""
    try:
        if custody.curve == "ed25519":
            public_key = ed25519_scalar.public_key_of(secret)
        else:
            public_key = canonical_public_key("secp256k1", secp256k1.public_key_of(secret))
    except ValueError:
        public_key = b""
    if hexed(public_key) != custody.public_key:
        detail = "expected a share that joins to the key of this wallet, got one that does not"
        raise Forbidden(Code.SHARE_REFUSED, detail)
    return secret


def _joined(curve: str, ours: bytes, theirs: bytes) -> bytes:
    order = ORDERS[curve]
    try:
        points = [Point.from_bytes(one, order=order) for one in (ours, theirs)]
        secret = join(points[0], points[1], order=order)
    except ShareError as error:
        raise Forbidden(Code.SHARE_REFUSED, str(error)) from None
    return secret.to_bytes(32, "little" if curve == "ed25519" else "big")


def lock_share(share: str, password: str, *, cost: Cost | None = None) -> str:
    """
    Return *share* under *password*, to be kept where others may read: ``vkp1.…``.

    Whoever has it may guess the password as often as they like: about a third of a second a guess
    at the usual cost. Use a long one.

    Raises:
        Malformed: *share* is none, or the password empty or too long.
    """
    salt, nonce = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(NONCE_BYTES)
    try:
        return seal(
            checked_share(share).encode(), password, salt=salt, nonce=nonce, cost=cost or Cost()
        )
    except SealError as error:
        raise Malformed(Code.MALFORMED_SHARE, str(error)) from None


def unlock_share(text: str, password: str) -> str:
    """
    Return the share that `lock_share` was given.

    Raises:
        Malformed: *text* is no locked share.
        Forbidden: ``share_refused``: the password is another one.
    """
    try:
        return checked_share(unseal(text, password).decode())
    except SealError as error:
        raise Malformed(Code.MALFORMED_SHARE, str(error)) from None
    except PasswordError as error:
        raise Forbidden(Code.SHARE_REFUSED, str(error)) from None
