"""Secret bytes that do not show themselves."""

from __future__ import annotations

from typing import NoReturn

__all__ = ["SecretBytes"]


class SecretBytes:
    """
    Bytes that no repr, log line, traceback with locals or pickle contains.

    Code that holds a secret holds one of these, and reveals it only as an argument.
    """

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data = data

    def reveal(self) -> bytes:
        """Return the bytes, for the call that needs them and not for a variable."""
        return self._data

    def __len__(self) -> int:
        return len(self._data)

    def __repr__(self) -> str:
        return f"SecretBytes({len(self._data)} bytes)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("secret bytes are neither copied nor pickled")
