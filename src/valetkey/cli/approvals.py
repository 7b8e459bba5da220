"""``valetkey approvals``: what sessions left approved on an account, and taking it away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from valetkey.cli.options import server_options, talk_to
from valetkey.cli.terminal import REFUSED, Terminal, Verb, table_of

if TYPE_CHECKING:
    from valetkey.wire.leftover import Approvals


@click.group()
def approvals() -> None:
    """List and clear what sessions of an account approved."""


@approvals.command("list", cls=Verb)
@server_options
@click.argument("account_id", metavar="ACCOUNT")
@click.pass_obj
def listed(terminal: Terminal, *, url: str, api_key: str | None, account_id: str) -> None:
    """
    List approvals that are left, as the account's chain has them.

    Known are the spenders that runs through the server named, and those that a session's permission
    lists.
    """
    with talk_to(url, api_key) as server:
        found = server.accounts.approvals(account_id)
    terminal.emit(found)
    _show(terminal, found)


@approvals.command(cls=Verb)
@server_options
@click.argument("account_id", metavar="ACCOUNT")
@click.pass_obj
def clear(terminal: Terminal, *, url: str, api_key: str | None, account_id: str) -> None:
    """
    Set these approvals to 0.

    The server does it where it holds the owner's key. Where the key is outside, the calls are
    printed for the owner to send, and the exit code is 1.
    """
    with talk_to(url, api_key) as server:
        found = server.accounts.approvals(account_id)
        is_here = found.owner_key != "outside"
        done = server.accounts.clear_approvals(account_id) if is_here and found.items else None
        left = server.accounts.approvals(account_id) if done else found
    terminal.emit({"cleared": done is not None, "activity": done, "left": left})
    if not found.items:
        terminal.say("nothing is approved")
        return
    if done is not None:
        count = len(found.items) - len(left.items)
        terminal.say(f"{count} of {len(found.items)} approvals cleared", style="green")
        if done.outcome is not None and not done.outcome.succeeded:
            terminal.say(f"the chain refused: {done.outcome.detail}", style="red")
    _show(terminal, left)
    if left.items:
        if not is_here:
            terminal.say("\nThe owner's key is outside. From the account itself, send:")
            for one in left.items:
                terminal.say(f"  to {one.clear.to} data {one.clear.data}")
        click.get_current_context().exit(REFUSED)


def _show(terminal: Terminal, found: Approvals) -> None:
    if not found.items:
        terminal.say("no approval is left")
        return
    rows = [(one.token, one.spender, one.amount) for one in found.items]
    terminal.show(table_of(["token", "spender", "amount"], rows))
