"""The store, and what can be done with what is in it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

from valetkey.cli.findings.finding import Finding
from valetkey.cli.heads import read_heads
from valetkey.core.errors import ValetkeyError
from valetkey.core.session import Watch
from valetkey.core.sponsorship import PayerState
from valetkey.flows.audits import check_logs
from valetkey.flows.payers import ROLES, load_payers
from valetkey.ports import MAX_FOUND
from valetkey.wiring import newest_schema, open_store, open_vault, wire
from valetkey.wiring.own_keys import AUDIT_KEY, own_key

if TYPE_CHECKING:
    from pathlib import Path

    from valetkey.cli.findings.finding import Known

COPY: Final = "bring back a copy of the store"
DISK: Final = "make room on the disk, or look why it refuses; what is in the store may be whole"
_NAMED: Final = 5
_PRIMARY: Final = 0xFF  # of an extended result code of SQLite


async def store(known: Known) -> Finding:
    """
    Say whether the store can be used.

    1. It is there; 2. it can be written; 3. it is whole; 4. its schema is ours; 5. it has the
    server's keys.

    An older one is left as it is: bringing it to this version is for `valetkey serve`.
    """
    path = known.store_path
    todo = COPY
    if not path.is_file():  # 1
        return Finding("store", f"{path} is not there", todo)
    closed = next((one for one in (path, path.parent) if not os.access(one, os.W_OK)), None)
    if closed is not None:  # 2
        user = os.geteuid()
        todo = f"give it to user {user}, or run valetkey as its owner"
        return Finding("store", f"{closed} cannot be written by user {user}", todo)
    try:
        schema, problem = await asyncio.to_thread(_look_into, path)
        if problem != "ok":  # 3
            return Finding("store", f"{path} is damaged: {problem}", todo)
        if schema not in {0, newest_schema()}:  # 4
            return _of_another_version(path, schema)
        await _read_keys(known)  # 5
    except (sqlite3.Error, OSError, ValetkeyError) as error:
        known_why = error.detail if isinstance(error, ValetkeyError) else None
        todo = DISK if _is_of_the_disk(error) else COPY
        return Finding("store", known_why or f"{path} cannot be read: {error}", todo)
    return Finding("store", f"{path} is whole, schema {schema}")


def _is_of_the_disk(error: BaseException) -> bool:
    """Say whether the disk, and not what is on it, is the reason: a full one reads nothing."""
    first = error.__cause__ or error
    code = getattr(first, "sqlite_errorcode", 0) & _PRIMARY
    return code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}


def _of_another_version(path: Path, schema: int) -> Finding:
    said = f"{path} has schema {schema}, and this version reads {newest_schema()}"
    if schema > newest_schema():
        return Finding("store", said, "run the valetkey that wrote it, or a newer one")
    copy = f'sqlite3 {path} ".backup copy.db"'
    return Finding("store", said, f"keep a copy ({copy}); valetkey serve then brings it on")


async def _read_keys(known: Known) -> None:
    opened = open_store(known.folder, known.config)
    await opened.open()
    try:
        await opened.check()
        known.keys[AUDIT_KEY] = await own_key(opened, AUDIT_KEY)
        for one in await load_payers(opened):
            known.keys[one.key.id] = one.key
            if one.payer.state is PayerState.CURRENT:
                known.payers[ROLES[one.payer.fund]] = one.address
        watched, alive = await opened.read(
            lambda view: (view.find(Watch), view.find(Watch, alive=1))
        )
        known.watched, known.alive = len(watched), [one.session_id for one in alive]
    finally:
        await opened.close()


def _look_into(path: Path) -> tuple[int, str]:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        problem = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        return int(connection.execute("PRAGMA user_version").fetchone()[0]), problem


async def vault(known: Known) -> Finding:
    """Say whether the key-encryption key opens what is sealed in the store."""
    try:
        opened = open_vault(known.folder, known.config, os.environ)
    except ValetkeyError:
        return Finding("vault", "it has no key-encryption key", "mend that first")
    if not known.keys:
        return Finding("vault", "there is no key to sign with", "mend the store first")
    try:
        for key in known.keys.values():
            await opened.sign(key, bytes(32))
    except ValetkeyError as error:
        todo = "the key-encryption key and the store do not belong together: bring back the pair"
        return Finding("vault", error.detail, todo)
    known.is_whole = True
    return Finding("vault", "signs with the server's own keys")


def sessions(known: Known) -> Finding:
    """Say which sessions are over here and open on chain."""
    if known.alive:
        names = ", ".join(known.alive[:_NAMED])
        said = f"{len(known.alive)} over here and open on chain: {names}"
        todo = "revoke each again, or submit the owner's kill note (valetkey kill)"
        return Finding("sessions", said, todo)
    count = f"{known.watched} or more" if known.watched == MAX_FOUND else f"{known.watched}"
    return Finding("sessions", f"{count} are watched on chain, none is over here and open there")


async def audit(known: Known) -> Finding:
    """Say whether every audit log is what was written, held against the heads file."""
    path = known.folder / known.config.heads_file
    todo = "keep a copy of the folder as it is; valetkey audit verify says more"
    try:
        heads, bad = read_heads(path) if path.exists() else ([], [])
        async with wire(known.folder, os.environ) as wired:
            checked = await check_logs(wired.world, heads)
    except OSError as error:
        return Finding("audit", f"{path}: {error.strerror}", "make it readable for this user")
    except ValetkeyError as error:
        return Finding("audit", error.detail, "mend that first")
    if bad:
        return Finding("audit", f"{path}, line {bad[0].number}: {bad[0].problem}", todo)
    for one in checked:
        if one.broken is not None:
            said = f"{one.organization_id}, line {one.broken.seq}: {one.broken.problem}"
            return Finding("audit", said, todo)
    lines = sum(one.lines for one in checked)
    against = f"and reach {path.name}" if heads else "with no signed head to hold them against"
    return Finding("audit", f"{lines} lines in {len(checked)} logs are whole, {against}")
