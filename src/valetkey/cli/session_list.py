"""``valetkey session list``: the sessions that somebody looks for."""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, Final, Unpack

import click

from valetkey.cli.options import read_span, server_options, talk_to
from valetkey.cli.session_view import sessions_table
from valetkey.cli.terminal import Terminal, Verb
from valetkey.core.session import State
from valetkey.wire.base import Page

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from valetkey.client.filters import SessionFilters

_MAX_LISTED: Final = 10_000
_UNIX_DIGITS: Final = 12


def read_end(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """
    Return Unix seconds, from themselves or from a time from now on such as ``1h``.

    Raises:
        BadParameter: It is neither.
    """
    if value is None or (value.isascii() and value.isdecimal() and len(value) <= _UNIX_DIGITS):
        return None if value is None else int(value)
    return int(time.time()) + (read_span(ctx, param, value) or 0)


def _filters(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command an option for each of `SessionFilters`."""
    states = click.Choice([one.value for one in State])
    for option in (
        click.option("--state", type=states, help="Only these."),
        click.option("--user", "user_id", help="Only of this user (usr_…)."),
        click.option("--wallet", "wallet_id", help="Only on this wallet (wal_…)."),
        click.option("--account", "account_id", help="Only on this account (acc_…)."),
        click.option("--under", "parent_id", help="Only directly under this session (ses_…)."),
        click.option("--permission", "permission_id", help="Only with this permission (0x…)."),
        click.option("--key", help="Only those that this key, or its address, signs for (0x…)."),
        click.option("--contract", help="Only those that may call, sign for or pay it (0x…)."),
        click.option("--token", help="Only those that may move it (0x…, or native)."),
        click.option(
            "--expires-before",
            callback=read_end,
            help="Only those that end earlier: Unix seconds, or from now on, such as 1h.",
        ),
        click.option(
            "--order",
            type=click.Choice(["newest", "oldest"]),
            default="newest",
            show_default=True,
            help="Which come first.",
        ),
        click.option("--organization", "organization_id", help="Of one below one's own (org_…)."),
    )[::-1]:
        function = option(function)
    return function


@click.command("list", cls=Verb)
@server_options
@_filters
@click.option("--limit", type=click.IntRange(1, _MAX_LISTED), default=50, show_default=True)
@click.pass_obj
def list_sessions(
    terminal: Terminal,
    /,
    *,
    url: str,
    api_key: str | None,
    limit: int,
    **filters: Unpack[SessionFilters],
) -> None:
    """
    List sessions, newest first unless told, those that every filter lets through.

    What --key, --contract and --token reach is what `valetkey exposure` says; sessions that are
    over are listed here as well.
    """
    with talk_to(url, api_key) as server:
        found = list(islice(server.sessions.list(**filters), limit + 1))
    sessions = found[:limit]
    terminal.emit(Page(items=sessions))
    if sessions:
        terminal.show(sessions_table(sessions))
    else:
        terminal.say("no sessions")
    if len(found) > limit:
        terminal.note(f"there are more than {limit}: --limit shows up to {_MAX_LISTED}")
