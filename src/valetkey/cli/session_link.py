"""``valetkey session link``: a new link with which an owner reads and signs in a browser."""

from __future__ import annotations

import click

from valetkey.cli.options import server_options, talk_to
from valetkey.cli.terminal import Terminal, Verb


@click.command("link", cls=Verb)
@server_options
@click.argument("session_id", metavar="SESSION")
@click.pass_obj
def link_session(terminal: Terminal, *, url: str, api_key: str | None, session_id: str) -> None:
    """
    Make a new link with which the owner of a pending session reads and signs it in a browser.

    The link before stops working. Whoever has the link can read what the session may do; to open
    it they need the owner's wallet.
    """
    with talk_to(url, api_key) as server:
        link = server.sessions.consent_link(session_id)
    terminal.emit(link)
    terminal.say("For the owner alone, until the session is signed:")
    terminal.say(link.url or "")
