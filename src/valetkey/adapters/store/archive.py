"""An organization in one file: a zip of a signed manifest and one file of JSON lines a kind."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from valetkey.adapters.store.codec import TABLES, decode, encode
from valetkey.core.archive import (
    MAX_BYTES,
    MAX_FILE_BYTES,
    Archive,
    Listed,
    Manifest,
    manifest_message,
    refused,
)
from valetkey.core.errors import Unavailable
from valetkey.core.wallet import Curve, PublicKey
from valetkey.spec import keys

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from valetkey.adapters.store.codec import Kind
    from valetkey.ports import E, Entity

__all__ = ["Signed", "list_files", "pack", "unpack"]

_MANIFEST: Final = "manifest.json"
_SIGNATURE: Final = "manifest.sig"
_SIGNATURE_BYTES: Final = 64
_MAX_MANIFEST_BYTES: Final = 1024 * 1024
_STAMPED: Final = (1980, 1, 1, 0, 0, 0)  # the same content gives the same bytes
_KINDS: Final[dict[str, Any]] = {f"{name}.jsonl": kind for kind, name in TABLES.items()}


@dataclass(frozen=True, slots=True)
class Signed:
    """The bytes of a manifest, and the Ed25519 signature over `manifest_message` of them."""

    text: bytes
    signature: bytes


def list_files(
    entities: Mapping[Kind, Sequence[Entity]],
) -> tuple[dict[str, bytes], dict[str, Listed]]:
    """Return the files of *entities* by their names, and what the manifest says of each."""
    files, listed = {}, {}
    for kind, found in entities.items():
        text = "".join(f"{encode(one)}\n" for one in found).encode()
        name = f"{TABLES[kind]}.jsonl"
        files[name] = text
        listed[name] = Listed(len(found), len(text), hashlib.sha256(text).hexdigest())
    return files, listed


def pack(files: Mapping[str, bytes], signed: Signed) -> bytes:
    """Return the archive; the same content gives the same bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        every = {_MANIFEST: signed.text, _SIGNATURE: signed.signature, **files}
        for name, text in every.items():
            archive.writestr(zipfile.ZipInfo(name, _STAMPED), text, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def unpack(data: bytes, *, signer: bytes) -> Archive:
    """
    Return what is in an archive, checked.

    1. Its size; 2. it is a zip of files that have our names, each once; 3. the manifest is signed
    by *signer*; 4. it is of a version that we read; 5. each file has the length, the SHA-256 and
    the number of lines that it says, and none is missing or too many; 6. each line is an entity.
    Nothing is written to a disk, and no file is unpacked beyond the length that is signed for it.

    Args:
        signer: The audit key of the server that wrote it (Ed25519, 32 bytes).

    Raises:
        Malformed: ``malformed_archive``: the first of these that fails.
    """
    if len(data) > MAX_FILE_BYTES:  # 1
        raise refused(f"expected at most {MAX_FILE_BYTES} bytes, got {len(data)}")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [one.filename for one in archive.infolist()]
            unknown = [one for one in names if one not in {_MANIFEST, _SIGNATURE, *_KINDS}]
            if unknown or len(set(names)) != len(names):  # 2
                raise refused(f"expected each file of ours once, got {names[:40]}")
            text = _read(archive, _MANIFEST, _MAX_MANIFEST_BYTES)
            signature = _read(archive, _SIGNATURE, _SIGNATURE_BYTES)
            message = manifest_message(text)
            if not keys.verify(PublicKey(Curve.ED25519, signer), message, signature):  # 3
                raise refused("expected a manifest signed by the server named, got another")
            manifest = _manifest(text)  # 4
            return Archive(manifest, _entities(archive, names, manifest))
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError) as error:
        raise refused(f"expected a zip, got something else: {error}") from None


def _entities(
    archive: zipfile.ZipFile, names: list[str], manifest: Manifest
) -> dict[type, list[Any]]:
    if {*manifest.files, _MANIFEST, _SIGNATURE} != set(names):  # 5
        raise refused("expected the files that the manifest names, got others")
    if sum(one.bytes for one in manifest.files.values()) > MAX_BYTES:
        raise refused(f"expected at most {MAX_BYTES} bytes when unpacked, got more")
    found: dict[type, list[Any]] = {}
    for name, listed in manifest.files.items():
        kind = _KINDS[name]
        text = _read(archive, name, listed.bytes)
        lines = text.splitlines()
        digest = hashlib.sha256(text).hexdigest()
        if (len(lines), len(text), digest) != (listed.count, listed.bytes, listed.sha256):
            raise refused(f"{name}: expected what the manifest says, got something else")
        try:
            found[kind] = _decoded(kind, lines)
        except (Unavailable, UnicodeError) as error:  # 6
            raise refused(f"{name}: {error}") from None
    return found


def _decoded(kind: type[E], lines: list[bytes]) -> list[E]:
    return [decode(kind, line.decode()) for line in lines]


def _read(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """Return a file of *archive*, unpacked no further than *most* bytes and one."""
    try:
        with archive.open(name) as file:
            text = file.read(most + 1)
    except (KeyError, EOFError, OSError, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
        raise refused(f"{name}: cannot be read: {error}") from None
    if len(text) > most:
        raise refused(f"{name}: expected at most {most} bytes, got more")
    return text


def _manifest(text: bytes) -> Manifest:
    try:
        return msgspec.json.decode(text, type=Manifest)
    except msgspec.MsgspecError as error:
        raise refused(f"{_MANIFEST}: {error}") from None
