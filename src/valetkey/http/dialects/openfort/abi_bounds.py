"""Bounds on eth_abi: what it remembers of types, and how often it reads the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from eth_abi.codec import ABIDecoder
from eth_abi.decoding import ContextFramesBytesIO
from eth_abi.exceptions import DecodingError
from eth_abi.grammar import parse
from eth_abi.registry import registry

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_TYPES: Final = 2048  # remembered: a process lives long, and callers write types of their own
MOST_READS: Final = 8  # of each byte: whoever encodes honestly points to nothing twice
_WORD_BYTES: Final = 32
_LEAST_WORDS: Final = 64


def forget_types() -> None:
    """Have eth_abi forget the types that it has seen, if they are too many."""
    for remembered in (
        parse,
        registry.get_encoder,
        registry.get_tuple_encoder,
        registry.get_decoder,
        registry.get_tuple_decoder,
    ):
        if remembered.cache_info().currsize > MOST_TYPES:
            remembered.cache_clear()


def decoded(types: Sequence[str], data: bytes) -> tuple[Any, ...]:
    """
    Return the values that *data* encodes.

    Raises:
        DecodingError: It encodes none; or it points to the same bytes again and again: a few
            hundred of them can stand for millions of values.
    """
    values: tuple[Any, ...] = _CODEC.decode(types, data)
    return values


class _Once(ContextFramesBytesIO):
    """Bytes that are not read any number of times."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)  # type: ignore[no-untyped-call]
        self._left = MOST_READS * (len(data) + _LEAST_WORDS * _WORD_BYTES)

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next *size* bytes; each read costs a word at least."""
        got = super().read(size)
        self._left -= max(len(got), _WORD_BYTES)
        if self._left < 0:
            msg = "expected data that is read once, got some that points to itself"
            raise DecodingError(msg)
        return got


class _Codec(ABIDecoder):
    stream_class = _Once


_CODEC: Final = _Codec(registry)
