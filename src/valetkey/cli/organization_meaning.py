"""``valetkey organization vendor-meaning``: where sessions are as wide as their vendor's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from valetkey.cli.options import server_options, talk_to
from valetkey.cli.terminal import Terminal, Verb

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal


@click.command("vendor-meaning", cls=Verb)
@server_options
@click.argument("organization_id", metavar="ORGANIZATION")
@click.argument("surfaces", nargs=-1, type=click.Choice(["openfort"]))
@click.pass_obj
def vendor_meaning(
    terminal: Terminal,
    *,
    url: str,
    api_key: str | None,
    organization_id: str,
    surfaces: Sequence[Literal["openfort"]],
) -> None:
    """
    Open sessions of SURFACES in ORGANIZATION as wide as their vendors have them; none is off.

    What such a format cannot limit is not limited then: a key that is to use a token may move any
    amount of it. Sessions that there are stay as they are.
    """
    with talk_to(url, api_key) as server:
        told = server.organizations.set_vendor_meaning(organization_id, dict.fromkeys(surfaces))
    terminal.emit(told)
    said = ", ".join(dict.fromkeys(surfaces)) or "no vendor"
    terminal.say(f"new sessions of {organization_id} have the meaning of {said}")
