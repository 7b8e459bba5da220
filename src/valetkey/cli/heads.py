"""Signed heads of the audit logs, one JSON line each, in a file apart from the store."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

import msgspec

from valetkey.core.errors import Code, Malformed
from valetkey.wire.server import AuditHead, read_audit_head, write_audit_head

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from valetkey.core.audit import SignedHead

MAX_LINE_BYTES: Final = 4096
_TAIL_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line of the file that is no head."""

    number: int
    problem: str


def read_heads(path: Path) -> tuple[list[SignedHead], list[BadLine]]:
    """
    Return the heads in *path*, and the lines that are none.

    A last line without its end is passed over: that write was interrupted, and the next one takes
    it away. Whether a head is genuine is not looked at.
    """
    heads: list[SignedHead] = []
    bad: list[BadLine] = []
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                break
            try:
                heads.append(_head(line))
            except (msgspec.DecodeError, Malformed) as error:
                bad.append(BadLine(number, f"expected a signed head, {error}"))
    return heads, bad


def append_heads(path: Path, heads: Iterable[SignedHead]) -> None:
    """
    Put *heads* at the end of *path*, durably; several processes may do so at once.

    The file is made for its owner only. What an interrupted write left behind is taken away.
    """
    lines = b"".join(msgspec.json.encode(write_audit_head(head)) + b"\n" for head in heads)
    if not lines:
        return
    with _locked(path) as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
        start, tail = file.tell(), file.read()
        file.seek(start + tail.rfind(b"\n") + 1)
        file.truncate()
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())


def only_new(heads: Iterable[SignedHead], written: Mapping[str, int]) -> list[SignedHead]:
    """
    Return those of *heads* that say more than what is written already.

    Args:
        written: The last line that each organization's written head covers.
    """
    return [head for head in heads if head.seq != written.get(head.organization_id)]


@contextmanager
def _locked(path: Path) -> Iterator[IO[bytes]]:
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # closing the file gives it back
        yield file


def _head(line: bytes) -> SignedHead:
    if len(line) > MAX_LINE_BYTES:
        detail = f"expected at most {MAX_LINE_BYTES} bytes in a line, got {len(line)}"
        raise Malformed(Code.MALFORMED_BODY, detail)
    return read_audit_head(msgspec.json.decode(line, type=AuditHead))
