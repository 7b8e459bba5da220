"""``valetkey top``: which sessions are used most, as it happens."""

from __future__ import annotations

import time
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Final

import click
from rich.console import Group
from rich.text import Text

from valetkey.cli.live import quitting, shown_live
from valetkey.cli.options import server_options, talk_to
from valetkey.cli.session_view import state_style
from valetkey.cli.terminal import Terminal, Verb, plain, table_of
from valetkey.core.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from valetkey.wire.meter import Metered, OrganizationMeter

_COLUMNS: Final = ("session", "state", "used", "calls", "left", "label")
_PERMILLE_OF_PERCENT: Final = 10


@click.command(cls=Verb)
@server_options
@click.option("--organization", help="One below (org_…); left out: the key's own.")
@click.option("--once", is_flag=True, help="Show it once, and end.")
@click.pass_obj
def top(
    terminal: Terminal, *, url: str, api_key: str | None, organization: str | None, once: bool
) -> None:
    """
    Watch the sessions in use, most used first, until you stop with q or Ctrl-C.

    "used" is how much of its tightest limit a session has used. On a terminal: a live table.
    Elsewhere: the table again after each change; with --json one document a line.
    """
    with talk_to(url, api_key) as server, suppress(KeyboardInterrupt), quitting(terminal):
        told = server.sessions.top(organization_id=organization)
        for now in shown_live(terminal, islice(told, 1 if once else None), top_view):
            terminal.emit_line(now)
            terminal.show(top_view(now))
            terminal.say("")


def top_view(now: OrganizationMeter) -> RenderableType:
    """Return what a person sees of an organization's sessions."""
    more = ", of the 1,000 newest" if now.has_more else ""
    said = "1 session" if now.in_use == 1 else f"{now.in_use} sessions"
    title = Text(plain(f"{said} in use{more}"), style="bold")
    return Group(title, table_of(_COLUMNS, map(_row, now.sessions)))


def _row(one: Metered) -> Sequence[object]:
    calls = str(one.calls) if one.calls_left is None else f"{one.calls}, {one.calls_left} left"
    return (
        one.session_id,
        Text(plain(one.state), style=state_style(one.state)),
        f"{one.used_permille / _PERMILLE_OF_PERCENT:.1f} %",
        calls,
        format_duration(max(0, one.ends_at - int(time.time()))),
        one.label,
    )
