"""What every body on the wire has in common: strict when asked, bytes as hex, amounts as text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final, Generic, TypeVar

from msgspec import Meta, Struct

from valetkey.core.errors import Code, Malformed
from valetkey.core.units import UINT256_MAX
from valetkey.spec.keccak import keccak256

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_SAFE_INTEGER: Final = 2**53 - 1  # RFC 8785 writes no integer beyond it
MAX_TEXT_CHARS: Final = 120
ADDRESS_BYTES: Final = 20
MAX_PAGE: Final = 100

_HEX: Final = re.compile(r"0x(?:[0-9a-fA-F]{2})*+")
_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,77}")
_SHOWN_CHARS: Final = 24


def _hex_pattern(count: int | None) -> dict[str, object]:
    digits = "([0-9a-fA-F]{2})*" if count is None else f"[0-9a-fA-F]{{{2 * count}}}"
    return {"pattern": f"^0x{digits}$"}


# The form is checked by `read_bytes` and `read_amount`, which say what came; the pattern is for
# readers of the OpenAPI document.
Hex = Annotated[str, Meta(description="Bytes.", extra_json_schema=_hex_pattern(None))]
Address = Annotated[
    str,
    Meta(
        description="20 bytes. Capital letters, if any, must be the ones of EIP-55.",
        extra_json_schema=_hex_pattern(ADDRESS_BYTES),
    ),
]
Word = Annotated[str, Meta(description="32 bytes.", extra_json_schema=_hex_pattern(32))]
Signature = Annotated[
    str,
    Meta(description="r, s and v (27 or 28), 65 bytes.", extra_json_schema=_hex_pattern(65)),
]
RunSignature = Annotated[
    str,
    Meta(
        description="r, s and v, 65 bytes (v 27 or 28; 31 or 32 if signed by `personal_sign`); of a"
        " P-256 key r and s (ES256), 64 bytes.",
        extra_json_schema={"pattern": "^0x([0-9a-fA-F]{128}|[0-9a-fA-F]{130})$"},
    ),
]
GrantKey = Annotated[
    str,
    Meta(
        description="An address, 20 bytes; or x and y of a P-256 key, 64 bytes.",
        extra_json_schema={"pattern": "^0x([0-9a-f]{40}|[0-9a-f]{128})$"},
    ),
]
Amount = Annotated[
    str,
    Meta(
        description="A decimal integer, in the smallest unit.",
        extra_json_schema={"pattern": "^(0|[1-9][0-9]{0,77})$"},
    ),
]
Asset = Annotated[str, Meta(description="`native`, or the address of a token.")]
Integer = Annotated[int, Meta(ge=0, le=MAX_SAFE_INTEGER)]
Seconds = Annotated[int, Meta(ge=0, le=MAX_SAFE_INTEGER, description="Unix seconds.")]
Text = Annotated[str, Meta(max_length=MAX_TEXT_CHARS)]


class Asked(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A body that somebody sends us: a field that we do not know is an error."""


class Told(Struct, frozen=True, kw_only=True):
    """A body that we answer with: a reader passes over fields that came later."""


class Nothing(Asked, frozen=True, kw_only=True):
    """An empty object."""


T = TypeVar("T")


class Page(Told, Generic[T], frozen=True, kw_only=True):
    """
    Part of a list.

    Args:
        next: What to give as ``after`` for the page behind this one; None at the end.
    """

    items: list[T]
    next: str | None = None


def hexed(data: bytes) -> str:
    """Return *data* as 0x and lower-case hex."""
    return "0x" + data.hex()


def malformed(code: Code, where: str, expected: str, got: object) -> Malformed:
    """Return the error that names the place, what was expected and what came."""
    shown = repr(got if len(str(got)) <= _SHOWN_CHARS else f"{str(got)[:_SHOWN_CHARS]}…")
    return Malformed(code, f"{where}: expected {expected}, got {shown}")


def read_bytes(
    text: str, where: str, *, count: int | None = None, code: Code = Code.MALFORMED_BODY
) -> bytes:
    """
    Return the bytes that *text* writes as 0x and hex.

    Args:
        where: The field, for the error.
        count: How many there must be; None is any number.

    Raises:
        Malformed: It is not hex, or another number of bytes.
    """
    expected = "0x and hex digits" if count is None else f"0x and {2 * count} hex digits"
    if not _HEX.fullmatch(text):
        raise malformed(code, where, expected, text)
    data = bytes.fromhex(text[2:])
    if count is not None and len(data) != count:
        expected = f"{count} bytes ({expected})"
        raise Malformed(code, f"{where}: expected {expected}, got {len(data)} bytes")
    return data


def read_address(text: str, where: str, *, code: Code = Code.MALFORMED_BODY) -> bytes:
    """
    Return the 20 bytes of an address.

    Raises:
        Malformed: It is none, or is in mixed case that is not its checksum.

    Spec:
        EIP-55.
    """
    address = read_bytes(text, where, count=ADDRESS_BYTES, code=code)
    digits = text[2:]
    mixed = digits not in {digits.lower(), digits.upper()}
    if mixed and digits != checksummed(address):
        detail = f"{where}: expected an address in lower case or with its checksum, got {text!r}"
        raise Malformed(code, detail)
    return address


def checksummed(address: bytes) -> str:
    """Return the digits of *address*, without ``0x``, in the case that is their checksum."""
    digits = address.hex()
    marks = keccak256(digits.encode()).hex()
    pairs = zip(digits, marks, strict=False)
    return "".join(digit.upper() if mark >= "8" else digit for digit, mark in pairs)


def read_amount(text: str, where: str, *, code: Code = Code.MALFORMED_BODY) -> int:
    """
    Return the integer that *text* writes in decimal.

    Raises:
        Malformed: It is none, has leading zeros, or does not fit 32 bytes.
    """
    if not _DECIMAL.fullmatch(text) or int(text) > UINT256_MAX:
        raise malformed(code, where, "a decimal integer below 2^256, as text", text)
    return int(text)


def read_text(text: str, where: str) -> str:
    """
    Return *text* if a terminal can show it.

    Raises:
        Malformed: It has control characters.
    """
    if not text.isprintable():
        raise malformed(Code.MALFORMED_BODY, where, "printable characters", text)
    return text


def asset_name(asset: bytes | None) -> str:
    """Return ``native`` or the token's address."""
    return "native" if asset is None else hexed(asset)


def read_asset(text: str, where: str, *, code: Code = Code.MALFORMED_BODY) -> bytes | None:
    """Return the 20 bytes of the token, or None for ``native``."""
    return None if text == "native" else read_address(text, where, code=code)


def page_of(items: Iterable[T], *, limit: int, last_id: str | None) -> Page[T]:
    """Return a page; there is another one only if this one is full."""
    listed = list(items)
    return Page(items=listed, next=last_id if len(listed) >= limit else None)
