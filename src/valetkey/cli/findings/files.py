"""Files: the key, who may read what, and room for more."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from valetkey.cli.findings.finding import Finding
from valetkey.cli.room import expect_room
from valetkey.config import CONFIG_NAME
from valetkey.core.errors import ValetkeyError
from valetkey.wiring import open_vault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from valetkey.cli.findings.finding import Known

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


def key(known: Known) -> Finding:
    """Say whether there is a key-encryption key, and whether it is for its owner alone."""
    name, variable = "key-encryption key", known.config.key_variable
    try:
        open_vault(known.folder, known.config, os.environ)
    except ValetkeyError as error:
        todo = "do that; until then nothing in the store can sign"
        if variable or not (known.folder / known.config.key_file).exists():
            todo = "bring the key back from its copy: without it nothing in the store can sign"
        return Finding(name, error.detail, todo)
    where = f"in {variable}" if variable else f"{known.config.key_file}, for its owner only"
    return Finding(name, where)


def modes(known: Known) -> Finding:
    """
    Say whether others on this machine can read what is kept, or take its place.

    The configuration may hold the secret of a node's provider; the store tells who does what.
    """
    loose = list(_loose(known))
    if not loose:
        return Finding("files", "are for their owner only")
    said = ", ".join(f"{path} has mode {mode:04o}" for path, mode, _ in loose)
    commands = "; ".join(f"chmod {wanted} {path}" for path, _, wanted in loose)
    return Finding("files", said, f"run {commands}")


def _loose(known: Known) -> Iterator[tuple[Path, int, str]]:
    """Yield what is open to others: its path, its mode, and what to give `chmod`."""
    store, heads = known.store_path, known.folder / known.config.heads_file
    beside = [store.with_name(f"{store.name}{end}") for end in ("-wal", "-shm")]
    for path in (known.folder / CONFIG_NAME, store, *beside, heads):
        mode = _mode(path)
        if mode & _OTHERS:
            yield path, mode, "600"
    for folder in {known.folder, store.parent}:
        mode = _mode(folder)
        if mode & _OTHERS_WRITE and not mode & stat.S_ISVTX:
            yield folder, mode, "go-w"


def _mode(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:  # what is not there, another finding says
        return 0


def disk(known: Known) -> Finding:
    """Say how much room the store has."""
    least = known.config.min_free_mib
    try:
        free = expect_room(known.store_path.parent, least_mib=least)
    except ValetkeyError as error:
        todo = f"make room: with less than min_free_mib = {least} the server is not ready"
        return Finding("disk", error.detail, todo)
    except OSError as error:
        return Finding("disk", f"{known.store_path.parent}: {error.strerror}", "make the folder")
    return Finding("disk", f"{free} MiB free")
