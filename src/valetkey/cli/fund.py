"""``valetkey fund``: what an organization may spend on gas."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import click

from valetkey.cli.options import home_option
from valetkey.cli.terminal import Terminal, Verb
from valetkey.core.sponsorship import Fund
from valetkey.flows.funds import top_up
from valetkey.wiring import wire

if TYPE_CHECKING:
    from pathlib import Path

    from valetkey.core.budget import BudgetLine


@click.command(cls=Verb, short_help="Set what an organization may spend on gas.")
@home_option
@click.argument("organization_id", metavar="ORGANIZATION")
@click.option("--runs", type=click.IntRange(0), help="Wei for runs, in all.")
@click.option("--stops", type=click.IntRange(0), help="Wei for stops, in all.")
@click.pass_obj
def fund(
    terminal: Terminal, *, home: Path, organization_id: str, runs: int | None, stops: int | None
) -> None:
    """
    Set what ORGANIZATION may spend on gas, in all: what it has spent counts.

    For whoever runs the server; it may be running meanwhile.
    """
    wanted = {Fund.RUNS: runs, Fund.STOPS: stops}
    limits = {one: limit for one, limit in wanted.items() if limit is not None}
    if not limits:
        raise click.UsageError("give --runs, --stops or both")
    lines = asyncio.run(_set(home, organization_id, limits))
    told = [
        {"fund": one.value, "limit": str(line.limit), "spent": str(line.counter.spent)}
        for one, line in lines.items()
    ]
    terminal.emit({"organization_id": organization_id, "funds": told})
    for one in told:
        terminal.say(f"{one['fund']:6} {one['limit']} wei, {one['spent']} of it spent or reserved")


async def _set(home: Path, organization_id: str, limits: dict[Fund, int]) -> dict[Fund, BudgetLine]:
    async with wire(home, os.environ) as wired:
        return {
            one: await top_up(
                wired.world, organization_id=organization_id, fund=one, limit_wei=limit
            )
            for one, limit in limits.items()
        }
