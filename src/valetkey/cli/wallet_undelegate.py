"""``valetkey wallet undelegate``: every session is revoked, then the account leaves our code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from valetkey.cli.accounts import account_of
from valetkey.cli.options import owner_option, read_one_address, server_options, talk_to
from valetkey.cli.terminal import Terminal, Verb, table_of
from valetkey.core.activity import ActivityState

if TYPE_CHECKING:
    from valetkey.client import Owner
    from valetkey.wire.wallet import Account, Undelegated


@click.command(cls=Verb)
@server_options
@owner_option
@click.argument("account_id", metavar="[ACCOUNT]", required=False)
@click.option(
    "--to",
    metavar="ADDRESS",
    callback=read_one_address,
    help="Other code that you trust, to run instead; needs --owner-key-file.",
)
@click.pass_obj
def undelegate(
    terminal: Terminal,
    *,
    url: str,
    api_key: str | None,
    owner: Owner | None,
    account_id: str | None,
    to: bytes | None,
) -> None:
    """
    Let an account run our code no more (EIP-7702).

    Undelegating is not revoking, so every session of the account is revoked first, on its chain
    too; the owner signs when that is final. Run it again for what it says is still waited for.
    """
    with talk_to(url, api_key) as server:
        account = account_of(server, account_id)
        is_outside = server.wallets.get(account.wallet_id).owner_key == "outside"
        if is_outside and owner is None:
            raise click.UsageError("give --owner-key-file: the server has no key of the owner")
        left = server.accounts.undelegate(account, owner=owner, to=to)
    terminal.emit(left)
    _tell(terminal, account, left)


def _tell(terminal: Terminal, account: Account, left: Undelegated) -> None:
    terminal.say(f"{account.address} on {account.chain}:", style="bold")
    if left.activity.state == ActivityState.DONE:
        terminal.say("every session is revoked, and it runs our code no more")
        return
    terminal.say(f"{left.activity.id} is {left.activity.state}; our code is still there")
    if left.alive:
        rows = [(one.session_id, one.state, one.stage, one.label) for one in left.alive]
        terminal.say("It waits until these are over on chain:")
        terminal.show(table_of(["session", "here", "on chain", "label"], rows))
