"""The key-encryption keys of a server: one, or two while one takes the place of the other."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from valetkey.adapters.vault.key_encryption_key import (
    keep_folder,
    make_key_file,
    read_key_file,
    wrapper_of,
)
from valetkey.core.errors import Code, Conflict, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from valetkey.adapters.vault.key_encryption_key import KeyEncryptionKey
    from valetkey.core.secret_bytes import SecretBytes
    from valetkey.ports import Entropy

__all__ = ["FileRing", "KeyChange", "KeyRing", "next_key_file"]

_NEXT: Final = ".next"
_LOCK: Final = ".lock"


def next_key_file(path: Path) -> Path:
    """Return where the key is that takes the place of the one at *path*."""
    return path.with_name(path.name + _NEXT)


class KeyRing:
    """
    The `KeyWrapper` of several keys: the last one wraps, each unwraps what it has wrapped.

    A key that was known once stays known to the process: what it holds in memory still opens when
    the key has left its file.

    Args:
        keys: At least one; the newest last.
    """

    def __init__(self, keys: Sequence[KeyEncryptionKey]) -> None:
        self._keys = {one.id: one for one in keys}
        self._newest = keys[-1]

    @property
    def id(self) -> str:
        """Of the key that wraps."""
        return self._newest.id

    @property
    def ids(self) -> tuple[str, ...]:
        """Of all keys."""
        return tuple(self._keys)

    @property
    def keys(self) -> list[KeyEncryptionKey]:
        """All of them, the one that wraps last."""
        return [*(one for one in self._keys.values() if one is not self._newest), self._newest]

    def wraps_now(self, wrapped: bytes) -> bool:
        """See `KeyWrapper.wraps_now`."""
        return wrapper_of(wrapped) == self.id

    async def wrap(self, data_key: SecretBytes, *, bound: bytes, nonce: bytes) -> bytes:
        """See `KeyWrapper.wrap`."""
        return await self._newest.wrap(data_key, bound=bound, nonce=nonce)

    async def unwrap(self, wrapped: bytes, *, bound: bytes) -> SecretBytes:
        """See `KeyWrapper.unwrap`."""
        key = self._keys.get(wrapper_of(wrapped), self._newest)
        return await key.unwrap(wrapped, bound=bound)

    def _take(self, keys: Sequence[KeyEncryptionKey]) -> None:
        self._keys |= {one.id: one for one in keys}
        self._newest = keys[-1]


class FileRing(KeyRing):
    """
    A ring of the key in a file and, during a change, of the one in the file beside it.

    It looks at the files, not into them, each time that it wraps: from the moment at which a new
    key is there, nothing is wrapped by the old one. What says that another key has wrapped it makes
    it read them, too: a server need not be started again for a change.

    Raises:
        Unavailable: ``vault_refused``: a file cannot be read, or is not for its owner alone.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = _marks(path)
        super().__init__(_read(path))

    async def wrap(self, data_key: SecretBytes, *, bound: bytes, nonce: bytes) -> bytes:
        """See `KeyWrapper.wrap`."""
        seen = _marks(self._path)
        if seen != self._seen:
            self._take(_read(self._path))
            self._seen = seen
        return await super().wrap(data_key, bound=bound, nonce=nonce)

    async def unwrap(self, wrapped: bytes, *, bound: bytes) -> SecretBytes:
        """See `KeyWrapper.unwrap`."""
        if wrapper_of(wrapped) not in self._keys:
            self._take(_read(self._path))
        return await super().unwrap(wrapped, bound=bound)


class KeyChange:
    """
    The files of a change from one key-encryption key to another; made by `changing`.

    Args:
        path: Of the key that is in use when no change is under way.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._next = next_key_file(path)

    @classmethod
    @contextmanager
    def changing(cls, path: Path) -> Iterator[KeyChange]:
        """
        Give the change of the key at *path*; no other process is in one meanwhile.

        A process that is killed leaves no lock behind.

        Raises:
            Conflict: Another process is at it.
        """
        lock = path.with_name(path.name + _LOCK)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                detail = f"expected no other change of the key {path}, got one that is under way"
                raise Conflict(Code.CONFLICT, detail) from None
            yield cls(path)
        finally:
            os.close(descriptor)

    @property
    def is_begun(self) -> bool:
        """Whether there is a key that takes the place of the other."""
        return self._next.exists()

    def begin(self, entropy: Entropy) -> tuple[str, str]:
        """Make the new key, unless that was done, and return the ids of the old one and of it."""
        old = read_key_file(self._path)
        made = read_key_file(self._next) if self.is_begun else make_key_file(self._next, entropy)
        return old.id, made.id

    def end(self) -> Path:
        """
        Put the new key in the place of the old one, and return where the old one is kept.

        Each step can be the last before a crash; doing it again does the rest.

        Raises:
            Conflict: No change was begun.
        """
        if not self.is_begun:
            detail = f"expected a key at {self._next}, got none; nothing was begun"
            raise Conflict(Code.CONFLICT, detail)
        old = read_key_file(self._path)
        kept = self._path.with_name(f"{self._path.name}.retired-{old.id}")
        if not kept.exists():
            os.link(self._path, kept)
        self._next.replace(self._path)
        keep_folder(self._path.parent)
        return kept


def _read(path: Path) -> list[KeyEncryptionKey]:
    """Return the key at *path*, and after it the next one if there is one."""
    beside = next_key_file(path)
    if beside.exists():
        try:
            newest = read_key_file(beside)
        except Unavailable:
            if beside.exists():
                raise
        else:  # in this order: should the change end here, the first is the new one as well
            return [read_key_file(path), newest]
    return [read_key_file(path)]


def _marks(path: Path) -> list[tuple[int, int, int] | None]:
    """Return what changes when another file is put in the place of one of ours."""
    return [_mark(path), _mark(next_key_file(path))]


def _mark(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
