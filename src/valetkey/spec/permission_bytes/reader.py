"""Reading fields one after another without ever reading past the end."""

from valetkey.spec.permission_bytes.values import GrantFormatError

__all__ = ["Reader"]


class Reader:
    """Walks over *data* from its first byte to its last."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        """Stand before the first byte."""
        self._data = data
        self._at = 0

    @property
    def at(self) -> int:
        """How many bytes have been read."""
        return self._at

    def take(self, length: int) -> bytes:
        """
        Return the next *length* bytes.

        Raises:
            GrantFormatError: Fewer are left.
        """
        left = len(self._data) - self._at
        if left < length:
            raise GrantFormatError(f"at byte {self._at}: expected {length} more bytes, got {left}")
        self._at += length
        return self._data[self._at - length : self._at]

    def uint(self, length: int) -> int:
        """
        Return the next *length* bytes as a big-endian number.

        Raises:
            GrantFormatError: Fewer are left.
        """
        return int.from_bytes(self.take(length), "big")

    def end(self) -> None:
        """
        Make sure that nothing is left.

        Raises:
            GrantFormatError: Something is.
        """
        if self._at != len(self._data):
            raise GrantFormatError(
                f"at byte {self._at}: expected the end, got {len(self._data) - self._at} more bytes"
            )
