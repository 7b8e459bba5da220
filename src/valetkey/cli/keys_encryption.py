"""``valetkey keys rotate-encryption``: another key-encryption key, while servers run."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Final

import click

from valetkey.cli.options import home_option
from valetkey.cli.terminal import REFUSED, Terminal, Verb
from valetkey.config import read_config
from valetkey.core.errors import Code, Conflict
from valetkey.flows.rewrap import Rewrapped, look_at_sealed, rewrap
from valetkey.wiring import begin_key_change, changing_key, wire
from valetkey.wiring.rings import next_key_variable

if TYPE_CHECKING:
    from pathlib import Path

    from valetkey.config import Config

_ROUNDS: Final = 10  # a look finds only what servers have sealed since the one before: few


@click.command(cls=Verb, name="rotate-encryption")
@home_option
@click.pass_obj
def rotate_encryption(terminal: Terminal, home: Path) -> None:
    """
    Bring everything sealed under a new key-encryption key.

    The new key is made in a file beside the old one; servers that run take it by themselves. Every
    record is wrapped again, and looked at until none is under the old key. May be killed and begun
    again at any point. Back the new file up, then `valetkey keys retire-encryption`.
    """
    config = read_config(home, os.environ)
    ids = ("", "")
    if config.key_variable:
        _expect_next_variable(config)
        found = asyncio.run(_rewrap(home))
    else:
        with changing_key(home, config) as change:
            ids = begin_key_change(change)
            found = asyncio.run(_rewrap(home))
    terminal.emit({"from": ids[0], "to": ids[1], **_document(found)})
    _say(terminal, found)


@click.command(cls=Verb, name="retire-encryption")
@home_option
@click.pass_obj
def retire_encryption(terminal: Terminal, home: Path) -> None:
    """
    Put the new key-encryption key in the place of the old one.

    Refused while a single record is under the old key or does not open. The old key stays in a file
    of its own: backups of the store from before need it. Keep it as long as those, away from here.
    """
    config = read_config(home, os.environ)
    if config.key_variable:
        _expect_next_variable(config)
        found = asyncio.run(_look(home))
        _expect_done(found)
        variable, beside = config.key_variable, next_key_variable(config.key_variable)
        terminal.emit({"kept": None, **_document(found)})
        terminal.say(f"nothing needs the old key: set {variable} to what {beside} is, and unset it")
        return
    with changing_key(home, config) as change:
        if not change.is_begun:
            detail = "expected a change under way; valetkey keys rotate-encryption begins one"
            raise Conflict(Code.CONFLICT, detail)
        found = asyncio.run(_look(home))
        _expect_done(found)
        kept = change.end()
    terminal.emit({"kept": str(kept), **_document(found)})
    terminal.say(f"the new key is in use; the old one is in {kept}")
    terminal.say("backups from before need it: keep it with their keys, apart from the store")


async def _rewrap(home: Path) -> Rewrapped:
    """Look until nothing was old; say how much that was in all."""
    async with wire(home, os.environ) as wired:
        old = 0
        for _ in range(_ROUNDS):
            found = await rewrap(wired.world)
            old += found.old
            if not found.old:
                break
        return Rewrapped(found.records, old, found.broken)


async def _look(home: Path) -> Rewrapped:
    async with wire(home, os.environ) as wired:
        return await look_at_sealed(wired.world)


def _expect_next_variable(config: Config) -> None:
    name = next_key_variable(config.key_variable)
    if not os.environ.get(name):
        detail = f"expected the new key in {name}, as every server has it, got nothing"
        raise Conflict(Code.CONFLICT, f"{detail}; set it, and start all servers again first")


def _expect_done(found: Rewrapped) -> None:
    if found.is_done:
        return
    detail = f"expected no record under the old key, got {found.old} of {found.records}"
    if found.broken:
        detail += f", and {len(found.broken)} that do not open, such as {found.broken[0]}"
    raise Conflict(Code.CONFLICT, f"{detail}; run valetkey keys rotate-encryption")


def _document(found: Rewrapped) -> dict[str, object]:
    return {"records": found.records, "rewrapped": found.old, "broken": list(found.broken)}


def _say(terminal: Terminal, found: Rewrapped) -> None:
    terminal.say(f"{found.records} records, {found.old} of them brought under the new key")
    if not found.broken:
        terminal.say("none is left; back the new key up, then valetkey keys retire-encryption")
        return
    detail = f"{len(found.broken)} records do not open under any key: {', '.join(found.broken[:5])}"
    terminal.complain(detail, code=Code.VAULT_REFUSED)
    click.get_current_context().exit(REFUSED)
