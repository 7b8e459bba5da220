"""``valetkey keys list``: every key of the server, and what still needs it."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import click

from valetkey.cli.options import home_option
from valetkey.cli.terminal import Terminal, Verb, table_of
from valetkey.core.errors import ValetkeyError
from valetkey.core.session_token import key_id_of
from valetkey.core.sponsorship import PayerState
from valetkey.flows.change_payer import list_payers, needed
from valetkey.flows.issue_token import token_keys
from valetkey.flows.payers import ROLES
from valetkey.flows.rsa_keys import made_rsa_keys
from valetkey.wire.base import hexed
from valetkey.wiring import wire

if TYPE_CHECKING:
    from pathlib import Path

    from valetkey.core.sponsorship import Payer
    from valetkey.flows.world import World


@click.command(cls=Verb, name="list")
@home_option
@click.pass_obj
def list_keys(terminal: Terminal, home: Path) -> None:
    """Show the server's own keys: what each is for, its state, and what still needs it."""
    found = asyncio.run(_list(home))
    terminal.emit({"items": found})
    rows = [(one["role"], one["id"], one["state"], _needs(one)) for one in found]
    terminal.show(table_of(("key", "id", "state", "needed by"), rows))


async def _list(home: Path) -> list[dict[str, object]]:
    async with wire(home, os.environ) as wired:
        world = wired.world
        tokens = await token_keys(world)
        found: list[dict[str, object]] = [
            {"role": "audit", "id": hexed(world.auditor.public_key.data), "state": "current"},
            {"role": "approver", "id": hexed(world.approver.public_key.data), "state": "current"},
        ]
        for number, key in enumerate(tokens):
            state = "former" if number else "current"
            found.append({"role": "token", "id": key_id_of(key), "state": state})
        places = ("current", "next", "former")
        for place, key in zip(places, await made_rsa_keys(world), strict=False):
            found.append({"role": "rsa token", "id": key_id_of(key), "state": place})
        found += [await _payer(world, one) for one in await list_payers(world)]
        return found


async def _payer(world: World, payer: Payer) -> dict[str, object]:
    """Return what is known of *payer*; a chain that does not answer has no balance here."""
    balances: dict[str, str | None] = {}
    for name, chain in world.chains.items():
        try:
            balances[name] = str(await chain.balance(bytes.fromhex(payer.id[2:])))
        except ValetkeyError:
            balances[name] = None
    said = {"role": ROLES[payer.fund], "id": payer.id, "state": payer.state.value}
    if payer.state is not PayerState.FORMER:
        return {**said, "balances_wei": balances}
    why = await needed(world, payer)
    counts = {"sessions": len(why.sessions), "activities": len(why.activities)}
    return {**said, **counts, "balances_wei": balances}


def _needs(one: dict[str, object]) -> str:
    if "sessions" not in one:
        return ""
    return f"{one['sessions']} sessions, {one['activities']} transactions on their way"
