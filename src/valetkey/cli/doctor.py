"""``valetkey doctor``: everything that a server needs, looked at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click
from rich.text import Text

from valetkey.cli.findings import Finding, examine
from valetkey.cli.options import home_option
from valetkey.cli.terminal import REFUSED, Terminal, Verb, plain, table_of

if TYPE_CHECKING:
    from pathlib import Path


@click.command(cls=Verb)
@home_option
@click.pass_obj
def doctor(terminal: Terminal, home: Path) -> None:
    """
    Look at everything that a server needs.

    Says what was found, and what to do where something is wrong: configuration, key-encryption key,
    who may read the files, store and schema, vault, sessions that are over here and not on chain,
    audit logs, disk, ports, those of vendors' wire formats too, a signer that another user runs; of
    each chain the node, the clock, the contract, on which curves session keys can be, and the
    balances of relayer and stopper. Changes nothing; the server may be running. Exit code 1 if
    anything has to be done.
    """
    findings = asyncio.run(_examine(home))
    is_well = all(one.is_ok for one in findings)
    terminal.emit(
        {
            "ok": is_well,
            "findings": [
                {"name": one.name, "ok": one.is_ok, "said": one.said, "todo": one.todo or None}
                for one in findings
            ],
        }
    )
    terminal.show(table_of(["", "", ""], (_row(one) for one in findings)))
    if not is_well:
        click.get_current_context().exit(REFUSED)


async def _examine(home: Path) -> list[Finding]:
    return [one async for one in examine(home)]


def _row(one: Finding) -> tuple[Text, str, Text]:
    if one.is_ok:
        return Text("ok", style="green"), one.name, Text(plain(one.said))
    said = Text(plain(f"{one.said}\n")) + Text(plain(f"→ {one.todo}"), style="bold")
    return Text("problem", style="red"), one.name, said
