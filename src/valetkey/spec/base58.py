"""Base58 as Bitcoin has it: how Solana writes public keys, as their addresses."""

from __future__ import annotations

from typing import Final

__all__ = ["encode"]

_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def encode(data: bytes) -> str:
    """
    Return *data* in base58.

    Spec:
        draft-msporny-base58-03, section 3: each leading zero byte is a ``1``.
    """
    rest, letters = int.from_bytes(data), ""
    while rest:
        rest, digit = divmod(rest, len(_ALPHABET))
        letters = _ALPHABET[digit] + letters
    zeros = len(data) - len(data.lstrip(b"\0"))
    return _ALPHABET[0] * zeros + letters
