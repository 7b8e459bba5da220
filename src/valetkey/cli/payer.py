"""Who pays for the gas of a transaction that a person sends: a private key, read and kept quiet."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import IO, Final

from valetkey.core.errors import Code, Malformed
from valetkey.core.plan import without_v
from valetkey.spec.secp256k1 import CurveError, address_of_key, sign_digest

_MAX_FILE_BYTES: Final = 256
_HEX: Final = re.compile(r"(?:0x)?([0-9a-fA-F]{64})")


@dataclass(frozen=True, slots=True)
class Payer:
    """A secp256k1 key and its 20-byte address."""

    address: bytes
    _secret: bytes = field(repr=False)

    def sign(self, digest: bytes) -> bytes:
        """Return 65 bytes over *digest*: r, s and the recovery id, 0 or 1."""
        return without_v(sign_digest(digest, self._secret))


def read_payer(file: IO[bytes] | None, text: str | None) -> Payer | None:
    """
    Return the payer whose key is in *file*, else in *text*; None if there is neither.

    Raises:
        Malformed: It is no private key; nothing of it is repeated.
    """
    if file is not None:
        text = file.read(_MAX_FILE_BYTES).decode("ascii", "replace")
    if text is None:
        return None
    found = _HEX.fullmatch(text.strip())
    expected = "expected a private key as 64 hex digits, got something else"
    if found is None:
        raise Malformed(Code.MALFORMED_REQUEST, expected)
    secret = bytes.fromhex(found[1])
    try:
        return Payer(address_of_key(secret), secret)
    except CurveError:
        raise Malformed(Code.MALFORMED_REQUEST, expected) from None
