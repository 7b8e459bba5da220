"""``valetkey split refresh | backup | recover``: new shares of the same key."""

from __future__ import annotations

from pathlib import Path

import click

from valetkey.cli.options import server_options, talk_to
from valetkey.cli.share_file import (
    expect_new,
    out_option,
    password_option,
    read_password,
    read_share,
    share_option,
    write_share,
)
from valetkey.cli.terminal import Terminal, Verb
from valetkey.client.custody import lock_share

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command(cls=Verb)
@server_options
@share_option
@out_option("the new share")
@click.argument("wallet_id", metavar="WALLET")
@click.pass_obj
def refresh(
    terminal: Terminal,
    *,
    url: str,
    api_key: str | None,
    share_file: Path,
    out: Path,
    wallet_id: str,
) -> None:
    """Make new shares of the same key; the old share is refused once the new one is written."""
    expect_new(out)
    share = read_share(share_file)
    with talk_to(url, api_key) as server:
        made = server.split.refresh(wallet_id, share)
        write_share(out, made.share)
        found = server.split.confirm(wallet_id, made.share)
    terminal.emit(found)
    terminal.say(f"the new share is in {out}; {share_file} is worth nothing any more")


@click.command(cls=Verb)
@server_options
@share_option
@password_option
@out_option("the recovery share")
@click.argument("wallet_id", metavar="WALLET")
@click.pass_obj
def backup(
    terminal: Terminal,
    *,
    url: str,
    api_key: str | None,
    share_file: Path,
    password_file: Path | None,
    out: Path,
    wallet_id: str,
) -> None:
    """
    Write the recovery share to a new file, locked if a password is given.

    Keep it apart from the client's share: of one generation, both together are the key.
    """
    expect_new(out)
    share, password = read_share(share_file), read_password(password_file)
    with talk_to(url, api_key) as server:
        made = server.split.back_up(wallet_id, share)
    text = made.recovery_share
    write_share(out, text if password is None else lock_share(text, password))
    terminal.emit(made.custody)
    terminal.say(f"the recovery share is in {out}; keep it apart from {share_file}")


@click.command(cls=Verb)
@server_options
@password_option
@click.option("--recovery-file", type=_FILE, required=True, help="The recovery share.")
@out_option("the new client's share")
@click.argument("wallet_id", metavar="WALLET")
@click.pass_obj
def recover(
    terminal: Terminal,
    *,
    url: str,
    api_key: str | None,
    password_file: Path | None,
    recovery_file: Path,
    out: Path,
    wallet_id: str,
) -> None:
    """Make a new client's share from the recovery share; the lost one is refused from now on."""
    expect_new(out)
    kept = read_share(recovery_file, read_password(password_file))
    with talk_to(url, api_key) as server:
        made = server.split.recover(wallet_id, kept)
        write_share(out, made.share)
        found = server.split.confirm(wallet_id, made.share)
    terminal.emit(found)
    terminal.say(f"the new share is in {out}; the lost one is worth nothing any more")
