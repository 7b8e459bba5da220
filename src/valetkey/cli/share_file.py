"""Files that hold a share, for their owner alone: never on a command line, where others see it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from valetkey.client.custody import checked_share, unlock_share

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_BYTES: Final = 4096
LOCKED: Final = "vkp1."
_NEW: Final = click.Path(path_type=Path, dir_okay=False)
_OLD: Final = click.Path(path_type=Path, dir_okay=False, exists=True)


def share_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--share-file``: the client's share, as a file has it."""
    help_ = "The client's share, mode 0600."
    return click.option("--share-file", type=_OLD, required=True, help=help_)(function)


def out_option(what: str) -> Callable[..., Any]:
    """Return what gives a command ``--out``: where *what* is written, which was not there."""
    return click.option("--out", type=_NEW, required=True, help=f"Where {what} is written, 0600.")


def password_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--password-file``: what locks a recovery share."""
    help_ = "Holds the password that locks the recovery share."
    return click.option("--password-file", type=_OLD, help=help_)(function)


def read_password(file: Path | None) -> str | None:
    """Return the first line of *file*, if there is one."""
    return None if file is None else file.read_text()[:MAX_BYTES].partition("\n")[0]


def read_share(file: Path, password: str | None = None) -> str:
    """
    Return the share in *file*; one that is locked needs its password.

    Raises:
        Malformed, Forbidden: There is none, or the password is another one.
        UsageError: It is locked, and no password was given.
    """
    text = file.read_text()[:MAX_BYTES].strip()
    if not text.startswith(LOCKED):
        return checked_share(text)
    if password is None:
        raise click.UsageError(f"{file} is locked: give --password-file")
    return unlock_share(text, password)


def write_share(file: Path, text: str) -> None:
    """
    Write *text* to a new file that its owner alone reads.

    Raises:
        UsageError: There is something already.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        descriptor = os.open(file, flags, 0o600)
    except OSError as error:
        raise click.UsageError(f"{file}: expected to write a new file: {error.strerror}") from None
    with os.fdopen(descriptor, "w") as opened:
        opened.write(f"{text}\n")
        opened.flush()
        os.fsync(opened.fileno())


def expect_new(file: Path) -> None:
    """
    Let pass if nothing is at *file*: a share that is shown once must have a place.

    Raises:
        UsageError: There is something, or no folder for it.
    """
    if file.exists() or not file.parent.is_dir():
        raise click.UsageError(f"{file}: expected a new file in a folder that is there")
