"""``valetkey keys``: the server's own keys, and how they are replaced."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import click

from valetkey.cli.keys_encryption import retire_encryption, rotate_encryption
from valetkey.cli.keys_list import list_keys
from valetkey.cli.keys_payers import retire_relayer, rotate_relayer, sweep_relayer
from valetkey.cli.keys_rsa import rotate_rsa
from valetkey.cli.options import home_option
from valetkey.cli.terminal import Terminal, Verb
from valetkey.core.session_token import MAX_LIFE_S
from valetkey.flows.issue_token import rotate_token_key
from valetkey.wiring import wire

if TYPE_CHECKING:
    from pathlib import Path


@click.group()
def keys() -> None:
    """The server's own keys."""


for _verb in (
    *(rotate_encryption, retire_encryption, rotate_rsa),
    *(list_keys, rotate_relayer, retire_relayer, sweep_relayer),
):
    keys.add_command(_verb)


@keys.command(cls=Verb, name="rotate-token")
@home_option
@click.pass_obj
def rotate_token(terminal: Terminal, home: Path) -> None:
    """
    Sign tokens with a new key from now on.

    The key before it stays at /.well-known/jwks.json, so that tokens that are about stay good to
    their end; the ones before that are taken away. So leave five minutes between two, unless a key
    was stolen: then the second takes it away at once. The server may be running: it takes the new
    key at its next token.
    """
    key_id = asyncio.run(_rotate(home))
    terminal.emit({"kid": key_id})
    terminal.say(f"tokens are signed with {key_id} from now on")
    life_s = max(MAX_LIFE_S.values())
    terminal.say(f"those of the key before it are checked until the next rotation: wait {life_s} s")


async def _rotate(home: Path) -> str:
    async with wire(home, os.environ) as wired:
        return await rotate_token_key(wired.world)
