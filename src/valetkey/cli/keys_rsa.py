"""``valetkey keys rotate-rsa``: another key signs tokens on vendors' surfaces."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import click

from valetkey.cli.options import home_option
from valetkey.cli.terminal import Terminal, Verb
from valetkey.flows.rsa_keys import rotate_rsa_key
from valetkey.wiring import wire

if TYPE_CHECKING:
    from pathlib import Path


@click.command(cls=Verb, name="rotate-rsa")
@home_option
@click.pass_obj
def rotate_rsa(terminal: Terminal, home: Path) -> None:
    """
    Sign tokens of vendors' surfaces (RS256) with the next key from now on.

    The next key was published before, so whoever keeps a copy of the keys has it; another one is
    made to be next. The key before stays published until the next rotation, so that tokens that are
    about stay good to their end, which is the longest session (--idle). The ones before that are
    taken away: if a key was stolen, rotate twice at once, or three times if it was the next one.
    The server may be running.
    """
    key_id = asyncio.run(_rotate(home))
    terminal.emit({"kid": key_id})
    terminal.say(f"tokens of vendors' surfaces are signed with {key_id} from now on")
    terminal.say("those of the key before it are checked until the next rotation: wait as long as")
    terminal.say("the longest session is")


async def _rotate(home: Path) -> str:
    async with wire(home, os.environ) as wired:
        return await rotate_rsa_key(wired.world)
