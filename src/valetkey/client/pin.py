"""What is stored under a PIN, encrypted and opened where the PIN is."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from valetkey.core.errors import Code, Forbidden, Malformed
from valetkey.spec import pin_seal
from valetkey.spec.password_seal import NONCE_BYTES, SALT_BYTES, Cost, PasswordError, SealError
from valetkey.wire import pin as wire
from valetkey.wire.base import hexed, read_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

__all__ = ["lock", "unlock"]


def lock(
    wallet_id: str, pin: str, secret: bytes, *, factor: str, tries: int, cost: Cost | None
) -> wire.SetPin:
    """
    Return what has *secret* stored under *pin* and *factor*.

    Raises:
        Malformed: The PIN is empty, or the secret too long.
    """
    salt, nonce = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(NONCE_BYTES)
    given = read_bytes(factor, "factor")
    sealed = _checked(
        lambda: pin_seal.seal(
            secret,
            pin,
            factor=given,
            wallet_id=wallet_id,
            salt=salt,
            nonce=nonce,
            cost=cost or Cost(),
        )
    )
    return wire.SetPin(
        blob=sealed.text,
        proof_hash=hexed(hashlib.sha256(sealed.proof).digest()),
        tries=tries,
    )


def unlock(wallet_id: str, pin: str, tried: wire.TriedPin) -> tuple[bytes, str]:
    """
    Return the secret, and what proves that it was opened.

    Raises:
        Forbidden: ``pin_refused``: the PIN is another one.
        Malformed: The blob is none.
    """
    factor = read_bytes(tried.factor, "factor")
    opened = _checked(lambda: pin_seal.unseal(tried.blob, pin, factor=factor, wallet_id=wallet_id))
    return opened.secret, hexed(opened.proof)


def _checked(act: Callable[[], T]) -> T:
    try:
        return act()
    except PasswordError:
        detail = "expected the PIN that it was locked by, got another"
        raise Forbidden(Code.PIN_REFUSED, detail) from None
    except SealError as error:
        raise Malformed(Code.MALFORMED_BODY, f"PIN: {error}") from None
