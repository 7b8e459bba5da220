"""
RFC 9651, structured field values: the part that signatures and digests are written in.

Only the canonical form of section 4.1 is read, so the text that came is the text that was signed.
"""

from __future__ import annotations

import binascii
import re
from typing import Final

__all__ = [
    "StructuredFieldError",
    "read_bytes",
    "read_dictionary",
    "read_inner_list",
    "read_integer",
    "read_string",
    "write_bytes",
    "write_string",
]

MAX_FIELD_CHARS: Final = 8192
MAX_MEMBERS: Final = 8

# Every repetition is possessive and every alternative starts with another character: no text
# makes the matcher go back.
_KEY: Final = r"[a-z*][a-z0-9_\-.*]{0,63}+"
_STRING: Final = r'"(?:[ !#-\[\]-~]|\\["\\])*+"'
_INTEGER: Final = r"(?:0|-?[1-9][0-9]{0,14}+)"
_BARE_WORD: Final = r"[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*+"
_BYTES: Final = r":[A-Za-z0-9+/]*+={0,2}:"
_PARAMETERS: Final = rf"(?:;{_KEY}(?:=(?:{_STRING}|{_INTEGER}|{_BARE_WORD}|{_BYTES}|\?0))?)*+"
_ITEM: Final = rf"{_STRING}{_PARAMETERS}"
_INNER_LIST: Final = rf"\((?:{_ITEM}(?: {_ITEM})*+)?\)"
_IS_BYTES: Final = re.compile(_BYTES)
_IS_INTEGER: Final = re.compile(_INTEGER)
_IS_STRING: Final = re.compile(_STRING)
_IS_LIST: Final = re.compile(rf"({_INNER_LIST})({_PARAMETERS})")
_MEMBER: Final = re.compile(rf"({_KEY})=({_INNER_LIST}{_PARAMETERS}|{_BYTES})")
_COMMA: Final = re.compile(r"[ \t]*+,[ \t]*+")
_EACH_ITEM: Final = re.compile(rf"[( ]({_ITEM})")
_EACH_PARAMETER: Final = re.compile(rf";({_KEY})(?:=({_STRING}|[^;]++))?")
_WRITABLE: Final = re.compile(r"[ -~]*+")


class StructuredFieldError(ValueError):
    """A field value is not the canonical form of what it should be."""


def read_dictionary(text: str) -> dict[str, str]:
    """
    Split a dictionary of inner lists and byte sequences into its members, each still as text.

    Raises:
        StructuredFieldError: It is too long, not canonical, or names a member twice.

    Spec:
        RFC 9651 section 4.2.2, but for the last duplicate winning: here it is refused.
    """
    if len(text) > MAX_FIELD_CHARS:
        raise StructuredFieldError(
            f"expected at most {MAX_FIELD_CHARS} characters, got {len(text)}"
        )
    members: dict[str, str] = {}
    at = 0
    while found := _MEMBER.match(text, at):
        key, value = found.groups()
        if key in members or len(members) == MAX_MEMBERS:
            raise StructuredFieldError(
                f"expected at most {MAX_MEMBERS} members, each once, got one more {key!r}"
            )
        members[key] = value
        at = found.end()
        if at == len(text):
            return members
        comma = _COMMA.match(text, at)
        if comma is None:
            break
        at = comma.end()
    raise StructuredFieldError(
        f"expected members as name=value, got something else at character {at}"
    )


def read_inner_list(text: str) -> tuple[tuple[str, ...], dict[str, str | None]]:
    """
    Split an inner list of strings into its items and its parameters, each still as text.

    Returns:
        Items with their own parameters, such as ``"@query-param";name="a"``, and the list's
        parameters; the value of one that has only a name is None.

    Raises:
        StructuredFieldError: It is no inner list of strings, or has a parameter twice.

    Spec:
        RFC 9651 section 4.2.1.2.
    """
    found = _IS_LIST.fullmatch(text)
    if found is None:
        raise StructuredFieldError("expected a list of strings in parentheses and its parameters")
    parameters: dict[str, str | None] = {}
    for key, value in _EACH_PARAMETER.findall(found[2]):
        if key in parameters:
            raise StructuredFieldError(f"expected each parameter once, got {key!r} twice")
        parameters[key] = value or None
    return tuple(_EACH_ITEM.findall(found[1])), parameters


def read_string(text: str | None) -> str:
    """
    Return what a quoted string says.

    Raises:
        StructuredFieldError: *text* is not a quoted string.
    """
    if text is None or not _IS_STRING.fullmatch(text):
        raise StructuredFieldError("expected a quoted string of printable ASCII")
    return text[1:-1].replace('\\"', '"').replace("\\\\", "\\") if "\\" in text else text[1:-1]


def read_integer(text: str | None) -> int:
    """
    Return what an integer says.

    Raises:
        StructuredFieldError: *text* is not an integer of at most 15 digits.
    """
    if text is None or not _IS_INTEGER.fullmatch(text):
        raise StructuredFieldError("expected an integer of at most 15 digits")
    return int(text)


def read_bytes(text: str) -> bytes:
    """
    Return the bytes of a byte sequence.

    Raises:
        StructuredFieldError: *text* is not base64 between colons, padded, with no bit left over.
    """
    if _IS_BYTES.fullmatch(text):
        try:
            data = binascii.a2b_base64(text[1:-1], strict_mode=True)
        except binascii.Error:
            data = b""
        if write_bytes(data) == text:
            return data
    raise StructuredFieldError("expected padded base64 between two colons")


def write_bytes(data: bytes) -> str:
    """Return *data* as a byte sequence."""
    return f":{binascii.b2a_base64(data, newline=False).decode()}:"


def write_string(text: str) -> str:
    """
    Return *text* as a quoted string.

    Raises:
        StructuredFieldError: It has a character other than printable ASCII.
    """
    if not _WRITABLE.fullmatch(text):
        raise StructuredFieldError("expected printable ASCII")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
