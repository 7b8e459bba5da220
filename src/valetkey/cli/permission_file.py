"""Files that the commands of ``permission`` read, and the options that go with them."""

from __future__ import annotations

import time
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar

import click
import msgspec

from valetkey.cli.options import read_names, read_span
from valetkey.cli.terminal import where_of
from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.checks import check_permission
from valetkey.wire.permission import PermissionDocument, read_permission
from valetkey.wire.recording import Recording
from valetkey.wire.recording import read_runs as runs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from valetkey.core.permission.backtest import Recorded
    from valetkey.core.permission.model import Permission

MAX_DOCUMENT_BYTES: Final = 65_536
MAX_RECORDING_BYTES: Final = 16 * 1024 * 1024

T = TypeVar("T")

names_option = click.option(
    "--name",
    "names",
    metavar="ADDRESS=NAME",
    multiple=True,
    callback=read_names,
    help="What an address is called, such as 0x…=USDC. May be repeated.",
)

ttl_option = click.option(
    "--ttl",
    metavar="TIME",
    callback=read_span,
    help="For a permission without times: from now, for so long (such as 15m, 1h, 7d).",
)


def file_argument(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command a file to read, called *name*; ``-`` is standard input."""
    return click.argument(name, type=click.File("rb"))


def read_document(file: IO[bytes]) -> PermissionDocument:
    """
    Return the permission document in *file*.

    Raises:
        Malformed: It is too long, no JSON, or no permission; the detail names the place.
    """
    return _read(file, PermissionDocument, "a permission", most=MAX_DOCUMENT_BYTES)


def read_checked(*files: IO[bytes], ttl: int | None) -> tuple[Permission, ...]:
    """
    Return the permissions in *files*, each well formed.

    Args:
        ttl: For those without times: so many seconds, all from the same now.

    Raises:
        UsageError: One has no times, and *ttl* is None.
        Malformed: One is none, or not well formed.
    """
    now = int(time.time())
    return tuple(with_times(read_document(file), ttl=ttl, now=now) for file in files)


def with_times_of(
    document: PermissionDocument, runs: Sequence[Recorded], *, ttl: int | None
) -> Permission:
    """
    Return the permission that *document* writes; times that it leaves out are those of *runs*.

    Args:
        ttl: How many seconds after its start it ends; None is with the last run.

    Raises:
        Malformed: It is not well formed.
    """
    first, last = (runs[0].at, runs[-1].at) if runs else (0, 0)
    start = first if document.starts_at is None else document.starts_at
    end = last + 1 if ttl is None else start + ttl
    return check_permission(read_permission(document, starts_at=start, expires_at=end))


def with_times(document: PermissionDocument, *, ttl: int | None, now: int) -> Permission:
    """Return the permission that *document* writes, as `read_checked`."""
    if ttl is None and None in {document.starts_at, document.expires_at}:
        raise click.UsageError("the permission has no starts_at and expires_at; give --ttl")
    found = read_permission(
        document,
        starts_at=now if ttl else None,
        expires_at=(document.starts_at or now) + ttl if ttl else None,
    )
    return check_permission(found)


def timeless(document: PermissionDocument) -> PermissionDocument:
    """Return *document* without start and end: a session of it says them."""
    return msgspec.structs.replace(document, starts_at=None, expires_at=None)


def document_text(document: PermissionDocument) -> str:
    """Return *document* as a person would write it: what says nothing is left out."""
    said = {"version": document.version, **_said(document)}
    return msgspec.json.format(msgspec.json.encode(said)).decode()


def _said(value: Any) -> Any:  # noqa: ANN401 - any part of a document
    if isinstance(value, list):
        return [_said(one) for one in value]
    if not isinstance(value, msgspec.Struct):
        return value
    return {
        one.name: _said(getattr(value, one.name))
        for one in msgspec.structs.fields(value)
        if getattr(value, one.name) != _default_of(one)
    }


def _default_of(field: msgspec.structs.FieldInfo) -> object:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default  # of a required field nothing that it could be


def read_runs(file: IO[bytes]) -> tuple[Recorded, ...]:
    """
    Return the recorded runs in *file*.

    Raises:
        Malformed: It is too long, no JSON, or no recording; the detail names the place.
    """
    return runs_of(_read(file, Recording, "a recording", most=MAX_RECORDING_BYTES).runs)


def _read(file: IO[bytes], kind: type[T], what: str, *, most: int) -> T:
    content = file.read(most + 1)
    code = Code.MALFORMED_CALL if kind is Recording else Code.MALFORMED_PERMISSION
    if len(content) > most:
        raise Malformed(code, f"expected {what} of at most {most} bytes, got more")
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(code, f"expected {what}: {where_of(error)}") from None
