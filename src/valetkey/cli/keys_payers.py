"""``valetkey keys rotate-relayer``: another key pays for gas, while servers run."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import click

from valetkey.cli.options import address_of_text, home_option
from valetkey.cli.terminal import Terminal, Verb
from valetkey.core.sponsorship import Fund, PayerState
from valetkey.flows.change_payer import (
    list_payers,
    prepare_payer,
    retire_payer,
    sweep,
    switch_payer,
)
from valetkey.flows.payers import ROLES
from valetkey.wire.base import hexed
from valetkey.wiring import wire

if TYPE_CHECKING:
    from pathlib import Path

    from valetkey.core.sponsorship import Payer
    from valetkey.flows.change_payer import Swept


@click.command(cls=Verb, name="rotate-relayer")
@home_option
@click.option("--stopper", is_flag=True, help="The key that pays for stops, not the relayer.")
@click.pass_obj
def rotate_relayer(terminal: Terminal, home: Path, *, stopper: bool) -> None:
    """
    Have another key pay for gas. To be run twice.

    The first time it makes the key and tells its address: send money there. The second time it puts
    the key in use, if it has low_balance_wei on each chain. Servers that run follow within seconds.
    The key before it stays for the sessions that bind it, and needs money as long.
    """
    payer, role = asyncio.run(_rotate(home, Fund.STOPS if stopper else Fund.RUNS))
    terminal.emit(_document(payer))
    if payer.state is PayerState.PREPARED:
        terminal.say(f"the next {role} is {payer.id}: send it money, then run this again")
    else:
        terminal.say(f"the {role} is {payer.id} from now on")


async def _rotate(home: Path, fund: Fund) -> tuple[Payer, str]:
    async with wire(home, os.environ) as wired:
        known = await list_payers(wired.world)
        is_ready = any(one.fund is fund and one.state is PayerState.PREPARED for one in known)
        change = switch_payer if is_ready else prepare_payer
        return await change(wired.world, fund), ROLES[fund]


@click.command(cls=Verb, name="retire-relayer")
@home_option
@click.argument("address")
@click.pass_obj
def retire_relayer(terminal: Terminal, home: Path, address: str) -> None:
    """
    Take a former relayer or stopper out of service.

    Refused while a session that is not over binds it, or something that it sent is not settled. Its
    key is kept; `valetkey keys sweep-relayer` moves its money to the one in use.
    """
    payer = asyncio.run(_retire(home, address_of_text(address)))
    terminal.emit(_document(payer))
    terminal.say(f"{payer.id} is retired; valetkey keys sweep-relayer {payer.id} moves its money")


async def _retire(home: Path, address: bytes) -> Payer:
    async with wire(home, os.environ) as wired:
        return await retire_payer(wired.world, address)


@click.command(cls=Verb, name="sweep-relayer")
@home_option
@click.argument("address")
@click.pass_obj
def sweep_relayer(terminal: Terminal, home: Path, address: str) -> None:
    """Move the money of a retired relayer or stopper to the one in use. May be run again."""
    moved = asyncio.run(_sweep(home, address_of_text(address)))
    terminal.emit(
        {
            "items": [
                {
                    "chain": one.chain,
                    "moved_wei": str(one.moved_wei),
                    "left_wei": str(one.left_wei),
                    "tx_hash": None if one.tx_hash is None else hexed(one.tx_hash),
                }
                for one in moved
            ]
        }
    )
    for one in moved:
        terminal.say(f"{one.chain}: {one.moved_wei} wei moved, {one.left_wei} left")


async def _sweep(home: Path, address: bytes) -> list[Swept]:
    async with wire(home, os.environ) as wired:
        return await sweep(wired.world, address)


def _document(payer: Payer) -> dict[str, object]:
    return {"address": payer.id, "role": ROLES[payer.fund], "state": payer.state.value}
