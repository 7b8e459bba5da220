"""The key-encryption key: what turns a copied database into something that can sign."""

from __future__ import annotations

import binascii
import hashlib
import os
import re
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

from valetkey.adapters.vault.envelope import (
    KEY_BYTES,
    OVERHEAD_BYTES,
    decrypt,
    encrypt,
)
from valetkey.core.errors import Code, Unavailable
from valetkey.core.secret_bytes import SecretBytes

if TYPE_CHECKING:
    from valetkey.ports import Entropy

__all__ = [
    "KeyEncryptionKey",
    "KeyWrapper",
    "keep_folder",
    "make_key_file",
    "read_key_file",
    "read_secret_file",
    "wrapper_of",
]

MAX_FILE_BYTES: Final = 128
_ID_BYTES: Final = 8
_WRAPPED_BYTES: Final = OVERHEAD_BYTES + KEY_BYTES + _ID_BYTES
_MIN_DISTINCT_BYTES: Final = 8
_HEX: Final = re.compile(rb"[0-9A-Fa-f]{64}\s*")
_BASE64URL: Final = re.compile(rb"[A-Za-z0-9_-]{43}=?\s*")
_NOT_FOR_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class KeyWrapper(Protocol):
    """Wraps data keys: a key in this process, or a service that never gives its key away."""

    @property
    def id(self) -> str:
        """Names the key and tells nothing about it."""

    def wraps_now(self, wrapped: bytes) -> bool:
        """Say whether *wrapped* is under the key that `wrap` uses now."""

    async def wrap(self, data_key: SecretBytes, *, bound: bytes, nonce: bytes) -> bytes:
        """Return *data_key* so that only this wrapper, given the same *bound*, unwraps it."""

    async def unwrap(self, wrapped: bytes, *, bound: bytes) -> SecretBytes:
        """
        Return the data key.

        Raises:
            Unavailable: ``vault_refused``: wrapped by another key, changed, or bound otherwise.
        """


class KeyEncryptionKey:
    """
    A key of 32 random bytes in this process.

    A wrapped key ends with the 8 bytes of the id of the key that wrapped it, so that a record
    says which key it needs.
    """

    __slots__ = ("_key", "id")

    def __init__(self, key: SecretBytes) -> None:
        self._key = key
        self.id = hashlib.sha256(b"valetkey key id" + key.reveal()).digest()[:_ID_BYTES].hex()
        if len(key) != KEY_BYTES or len(set(key.reveal())) < _MIN_DISTINCT_BYTES:
            raise _refused(
                f"expected {KEY_BYTES} random bytes as the key-encryption key, as 64 hex digits "
                "or in base64url, got something else"
            )

    def __repr__(self) -> str:
        return f"KeyEncryptionKey(id={self.id!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key-encryption key is neither copied nor pickled")

    @classmethod
    def from_text(cls, text: str) -> KeyEncryptionKey:
        """
        Read the key as it stands in the environment.

        Args:
            text: 64 hex digits, or 32 bytes in base64url.

        Raises:
            Unavailable: ``vault_refused``: it is neither.
        """
        key = _decode(text.encode(errors="replace"))
        del text  # not in the traceback of what follows
        return cls(key)

    def wraps_now(self, wrapped: bytes) -> bool:
        """Say whether *wrapped* is under this key."""
        return wrapper_of(wrapped) == self.id

    async def wrap(self, data_key: SecretBytes, *, bound: bytes, nonce: bytes) -> bytes:
        """Return 12 bytes of nonce, 48 of ciphertext and 8 of this key's id."""
        wrapped = encrypt(self._key, data_key, bound=bound, nonce=nonce)
        return wrapped + bytes.fromhex(self.id)

    async def unwrap(self, wrapped: bytes, *, bound: bytes) -> SecretBytes:
        """
        Return the data key.

        Raises:
            Unavailable: ``vault_refused``: wrapped by another key, changed, or bound otherwise.
        """
        wrapped_by, wrapped = wrapper_of(wrapped), wrapped[:-_ID_BYTES]
        if wrapped_by != self.id:
            raise _refused(f"expected a key wrapped by {self.id}, got one wrapped by {wrapped_by}")
        data_key = decrypt(self._key, wrapped, bound=bound)
        if data_key is None:
            raise _refused(
                "expected the record as it was sealed, got one that was changed or that belongs "
                "to another organization, wallet, curve, key or version"
            )
        return data_key


def wrapper_of(wrapped: bytes) -> str:
    """
    Return the id of the key that *wrapped* says it was wrapped by.

    Raises:
        Unavailable: ``vault_refused``: it is no wrapped key.
    """
    if len(wrapped) != _WRAPPED_BYTES:
        raise _refused(f"expected a wrapped key of {_WRAPPED_BYTES} bytes, got {len(wrapped)}")
    return wrapped[-_ID_BYTES:].hex()


def read_key_file(path: Path) -> KeyEncryptionKey:
    """
    Read the key-encryption key from a file, as `read_secret_file` does.

    Raises:
        Unavailable: ``vault_refused``: it cannot be read, or is no key.
    """
    return KeyEncryptionKey(read_secret_file(path))


def read_secret_file(path: Path) -> SecretBytes:
    """
    Read 32 bytes from a file that only its owner can read.

    1. A regular file and no symbolic link, so that what was checked is what is read; 2. owned by
    this process's user or root; 3. nothing for group and others; 4. the key as in `from_text`.

    Raises:
        Unavailable: ``vault_refused``: the first of these that fails, and what to do.
    """
    try:
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # no waiting on a pipe
        descriptor = os.open(path, flags)
    except OSError as error:
        reason = error.strerror
        raise _refused(
            f"{path}: expected a file that can be read and is no link: {reason}"
        ) from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_FILE_BYTES:  # 1
            raise _refused(f"{path}: expected a regular file of at most {MAX_FILE_BYTES} bytes")
        if found.st_uid not in {0, os.geteuid()}:  # 2
            raise _refused(f"{path}: expected a file of this user, got one of {found.st_uid}")
        if found.st_mode & _NOT_FOR_OTHERS:  # 3
            mode = stat.S_IMODE(found.st_mode)
            raise _refused(f"{path}: expected mode 0600, got {mode:04o}; run chmod 600 on it")
        key = _decode(os.read(descriptor, MAX_FILE_BYTES + 1))  # 4
    finally:
        os.close(descriptor)
    return key


def make_key_file(path: Path, entropy: Entropy) -> KeyEncryptionKey:
    """
    Write a new key to *path*, mode 0600, durably, and return it.

    Raises:
        Unavailable: ``vault_refused``: there is something at *path* already, or it cannot be
            written.
    """
    key = SecretBytes(entropy.take(KEY_BYTES))
    made = KeyEncryptionKey(key)
    try:
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(binascii.hexlify(key.reveal()) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)  # whole or not at all: servers look for new keys at any time
        finally:
            Path(draft).unlink()
        keep_folder(path.parent)
    except OSError as error:
        reason = error.strerror
        raise _refused(f"{path}: expected to write a new key file: {reason}") from None
    return made


def keep_folder(folder: Path) -> None:
    """Make the entries of *folder* last: what was made, renamed or removed in it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _decode(text: bytes) -> SecretBytes:
    """Return the key, or empty bytes, which are no key: an error here would show *text*."""
    if _HEX.fullmatch(text):
        return SecretBytes(binascii.unhexlify(text.strip()))
    if _BASE64URL.fullmatch(text):
        padded = text.strip().rstrip(b"=") + b"="
        return SecretBytes(binascii.a2b_base64(padded.translate(_TO_BASE64)))
    return SecretBytes(b"")


def _refused(detail: str) -> Unavailable:
    return Unavailable(Code.VAULT_REFUSED, detail)


_TO_BASE64: Final = bytes.maketrans(b"-_", b"+/")
