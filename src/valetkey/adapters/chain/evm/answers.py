"""What a node says, read strictly: a wrong shape is a node that cannot be used."""

from __future__ import annotations

import re

from valetkey.core.errors import Code, Unavailable

_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")
_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})*")


def quantity(value: object, what: str) -> int:
    """
    Return the integer in *value*, such as ``0x1f``.

    Raises:
        Unavailable: It is something else.
    """
    if isinstance(value, str) and _QUANTITY.fullmatch(value):
        return int(value, 16)
    raise garbled(what)


def data(value: object, what: str, *, length: int | None = None) -> bytes:
    """
    Return the bytes in *value*, such as ``0x00ff``; *length* of them, if given.

    Raises:
        Unavailable: It is something else.
    """
    if isinstance(value, str) and _DATA.fullmatch(value):
        found = bytes.fromhex(value[2:])
        if length is None or len(found) == length:
            return found
    raise garbled(what)


def member(value: object, name: str) -> object:
    """
    Return what *value* has under *name*.

    Raises:
        Unavailable: It is no object, or has no such member.
    """
    if isinstance(value, dict) and name in value:
        return value[name]
    raise garbled(name)


def items(value: object, what: str) -> list[object]:
    """
    Return *value*, a list.

    Raises:
        Unavailable: It is something else.
    """
    if isinstance(value, list):
        return value
    raise garbled(what)


def garbled(what: str) -> Unavailable:
    """Return the error that says that the answer for *what* cannot be used."""
    return Unavailable(
        Code.CHAIN_UNREACHABLE, f"the node's answer for {what} has another form than expected"
    )
