"""``valetkey wallet``: owners of accounts, and the code that their accounts run."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

import click

from valetkey.cli.accounts import account_of
from valetkey.cli.options import (
    owner_option,
    read_addresses,
    read_one_address,
    server_options,
    talk_to,
)
from valetkey.cli.terminal import Terminal, Verb, table_of
from valetkey.cli.wallet_undelegate import undelegate
from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.checks import NATIVE_DECIMALS
from valetkey.core.units import format_amount
from valetkey.wire.clone import NewClone

if TYPE_CHECKING:
    from rich.console import RenderableType

    from valetkey.client import Owner, Valetkey
    from valetkey.wire.wallet import Account, AccountState, Wallet

_MAX_LISTED: Final = 10_000


@click.group()
def wallet() -> None:
    """Accounts and their owners: added, made ready, and let go."""


@wallet.command(cls=Verb)
@server_options
@owner_option
@click.option("--chain", help="CAIP-2, such as eip155:1; may be left out if there is only one.")
@click.option(
    "--address",
    metavar="ADDRESS",
    callback=read_one_address,
    help="Of an owner whose key stays elsewhere,",
)
@click.option("--sealed", is_flag=True, help="or have the server make the key and keep it sealed.")
@click.option(
    "--clone", is_flag=True, help="The account is a contract of its own, which that key owns."
)
@click.option("--personal", is_flag=True, help="Its owner may sign by personal_sign; with --clone.")
@click.option("--salt", help="32 bytes in hex: another account of the same owner; with --clone.")
@click.option("--user", "user_id", help="Whose it is (usr_…).")
@click.option("--label", default="", help="What to call it.")
@click.pass_obj
def add(  # noqa: PLR0913 - one for each option
    terminal: Terminal,
    *,
    url: str,
    api_key: str | None,
    owner: Owner | None,
    chain: str | None,
    address: bytes | None,
    sealed: bool,
    clone: bool,
    personal: bool,
    salt: str | None,
    user_id: str | None,
    label: str,
) -> None:
    """
    Add a wallet and its account on one chain.

    Say whose key owns it: --owner-key-file (only its address is sent) or --address for a key that
    the server never has, or --sealed. The account is at the address of that key, which has to be
    delegated (EIP-7702); or with --clone a contract of its own, which its first act makes.
    """
    if sum((owner is not None, address is not None, sealed)) != 1:
        raise click.UsageError("give one of --owner-key-file, --address and --sealed")
    if (personal or salt is not None) and not clone:
        raise click.UsageError("--personal and --salt are for accounts with --clone")
    with talk_to(url, api_key) as server:
        added = server.wallets.add(
            chain or _only_chain(server),
            address=owner or address,
            user_id=user_id,
            label=label,
            clone=NewClone(personal=personal, salt=salt) if clone else None,
        )
    terminal.emit(added)
    terminal.show(_wallets([added.wallet], [added.account]))
    if clone:
        terminal.say("\nNext: valetkey session open: the account is made by what is done first")
        return
    key = "" if sealed else " --owner-key-file FILE"
    terminal.say(f"\nNext: valetkey wallet delegate {added.account.id}{key}")


@wallet.command("list", cls=Verb)
@server_options
@click.option("--limit", type=click.IntRange(1, _MAX_LISTED), default=50, show_default=True)
@click.pass_obj
def list_wallets(terminal: Terminal, *, url: str, api_key: str | None, limit: int) -> None:
    """List wallets with their accounts, newest first."""
    with talk_to(url, api_key) as server:
        wallets = list(islice(server.wallets.list(), limit))
        wanted = {one.id for one in wallets}
        accounts = [one for one in server.accounts.list() if one.wallet_id in wanted]
    terminal.emit({"wallets": wallets, "accounts": accounts})
    if wallets:
        terminal.show(_wallets(wallets, accounts))
    else:
        terminal.say("no wallets")


@wallet.command(cls=Verb)
@server_options
@click.argument("account_id", metavar="[ACCOUNT]", required=False)
@click.option(
    "--token",
    "tokens",
    metavar="ADDRESS",
    multiple=True,
    callback=read_addresses,
    help="Show the balance of this token, too. May be repeated.",
)
@click.pass_obj
def show(
    terminal: Terminal,
    *,
    url: str,
    api_key: str | None,
    account_id: str | None,
    tokens: tuple[bytes, ...],
) -> None:
    """Show an account as its chain has it: the code that it runs, and what it owns."""
    with talk_to(url, api_key) as server:
        account = account_of(server, account_id)
        found = server.wallets.get(account.wallet_id)
        state = server.accounts.state(account.id, tokens=tokens)
    terminal.emit({"wallet": found, "account": account, "state": state})
    terminal.show(_wallets([found], [account]))
    terminal.say("")
    terminal.show(table_of(["", ""], _facts(state)))


@wallet.command(cls=Verb)
@server_options
@owner_option
@click.argument("account_id", metavar="[ACCOUNT]", required=False)
@click.option(
    "--implementation",
    metavar="ADDRESS",
    envvar="IMPLEMENTATION",
    show_envvar=True,
    callback=read_one_address,
    help="The Account contract that you trust; needed with --owner-key-file.",
)
@click.pass_obj
def delegate(
    terminal: Terminal,
    *,
    url: str,
    api_key: str | None,
    owner: Owner | None,
    account_id: str | None,
    implementation: bytes | None,
) -> None:
    """
    Let an account run our code (EIP-7702), so that sessions can act on it.

    The owner signs, with the key given here or held by the server; the server pays for the
    transaction. An account's code can do everything: with a key given here, nothing is signed but
    for the code that you name.
    """
    with talk_to(url, api_key) as server:
        account = account_of(server, account_id)
        is_outside = server.wallets.get(account.wallet_id).owner_key == "outside"
        if is_outside and owner is None:
            raise click.UsageError("give --owner-key-file: the server has no key of the owner")
        done = server.accounts.delegate(account, owner=owner, implementation=implementation)
        state = server.accounts.state(account.id)
    terminal.emit({"activity": done, "state": state})
    terminal.say(f"{account.address} on {account.chain}:", style="bold")
    terminal.show(table_of(["", ""], _facts(state)))


wallet.add_command(undelegate)


def _only_chain(server: Valetkey) -> str:
    chains = [one.chain for one in server.server().chains]
    if len(chains) != 1:
        served = ", ".join(chains) or "none"
        detail = f"expected --chain, for the server does not speak to just one: {served}"
        raise Malformed(Code.WRONG_CHAIN, detail)
    return chains[0]


def _wallets(wallets: list[Wallet], accounts: list[Account]) -> RenderableType:
    columns = ["wallet", "owner's key", "account", "address", "chain", "label"]
    rows = [
        (one.id, one.owner_key, account.id, account.address, account.chain, one.label)
        for one in wallets
        for account in accounts
        if account.wallet_id == one.id
    ]
    return table_of(columns, rows)


def _facts(state: AccountState) -> list[tuple[str, str]]:
    code = "no code: `valetkey wallet delegate` lets it run ours"
    if state.is_ready and not state.is_deployed:
        code = "ours, from its first act on: that makes it"
    elif state.is_ready:
        code = "ours: sessions can act on it"
    elif state.delegate is not None:
        code = f"another code, {state.delegate}"
    native = format_amount(int(state.balance_wei), decimals=NATIVE_DECIMALS)
    tokens = [(one.token, f"{one.balance} of its smallest unit") for one in state.tokens]
    owned = [] if state.owner == state.address else [("owner", state.owner)]
    return [*owned, ("runs", code), ("native", native), *tokens]
