"""An organization on its way from one server to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from valetkey.core.errors import Code, Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT: Final = "valetkey organization archive"
VERSION: Final = 1
MAX_FILE_BYTES: Final = 256 * 1024 * 1024
MAX_BYTES: Final = 1024 * 1024 * 1024  # of all files, unpacked
_PURPOSE: Final = b"valetkey archive manifest\0"


@dataclass(frozen=True, slots=True)
class Listed:
    """What a manifest says of one file: its lines, its length, and its SHA-256 in hex."""

    count: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """
    What an archive holds, signed by the server that wrote it.

    Args:
        organization_id: The one at the top; those below it are in the archive, too.
        chains: The account contract that the server names for each chain of an account.
        sealed_for: The key that the archive's key is sealed for, X25519, in hex.
        sealed_key: The archive's key as only the private key of that opens it, in hex.
    """

    format: Literal["valetkey organization archive"]
    version: Literal[1]
    organization_id: str
    exported_at: int
    chains: dict[str, str]
    sealed_for: str
    sealed_key: str
    files: dict[str, Listed]


@dataclass(frozen=True, slots=True)
class Archive:
    """A manifest, and the entities of each kind as the files of it have them."""

    manifest: Manifest
    entities: Mapping[type, list[Any]]


def manifest_message(text: bytes) -> bytes:
    """Return what the audit key signs: nothing that it signs otherwise begins like this."""
    return _PURPOSE + text


def refused(detail: str) -> Malformed:
    """Return the error that says why an archive is not taken."""
    return Malformed(Code.MALFORMED_ARCHIVE, detail)
