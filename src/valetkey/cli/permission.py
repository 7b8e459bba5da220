"""``valetkey permission``: what a permission means, said without any server."""

from __future__ import annotations

import time
from typing import IO, TYPE_CHECKING

import click

from valetkey.cli.permission_compare import diff, lint, subset
from valetkey.cli.permission_compare import worst_case as worst_case_of
from valetkey.cli.permission_file import (
    file_argument,
    names_option,
    read_document,
    ttl_option,
    with_times,
)
from valetkey.cli.permission_runs import backtest, propose
from valetkey.cli.terminal import Terminal, Verb, table_of
from valetkey.core.permission.compile import server_only
from valetkey.wire.explain import NotOnChain, write_explained

if TYPE_CHECKING:
    from valetkey.core.permission.model import Permission
    from valetkey.wire.explain import Explained


@click.group()
def permission() -> None:
    """What a session may do, in words and numbers."""


for _verb in (lint, worst_case_of, diff, subset, backtest, propose):
    permission.add_command(_verb)


@permission.command(cls=Verb, short_help="Say what a permission allows, and the worst case.")
@file_argument("file")
@ttl_option
@names_option
@click.pass_obj
def explain(terminal: Terminal, file: IO[bytes], ttl: int | None, names: dict[bytes, str]) -> None:
    """
    Say what the permission in FILE (- is standard input) allows, and the worst case.

    Nothing is asked of any server. A permission that is not well formed is refused, with the place
    and what was expected there.
    """
    now = int(time.time())
    found = with_times(read_document(file), ttl=ttl, now=now)
    explained = write_explained(found, names=names)
    terminal.emit(explained)
    show_explained(terminal, explained, found)


def show_explained(terminal: Terminal, explained: Explained, permission: Permission) -> None:
    """Show a person what *permission* means."""
    terminal.say(explained.headline, style="bold")
    for sentence in explained.explanation:
        terminal.say(f"  {sentence}")
    terminal.say("")
    terminal.show(table_of(["", ""], _summary(explained, permission)))


def _summary(explained: Explained, permission: Permission) -> list[tuple[str, str]]:
    on_chain = "it compiles: the chain enforces it"
    if isinstance(explained.compiles, NotOnChain):
        on_chain = f"not {explained.compiles.caveat}: {explained.compiles.detail}"
    else:
        kept_here = server_only(permission)
        on_chain += f", but for {', '.join(kept_here)}: the server alone does" if kept_here else ""
    return [
        ("worst case", explained.worst_case.text),
        ("on chain", on_chain),
        ("id", explained.permission_id),
    ]
