"""``valetkey exposure``: who is exposed to a key or a contract, and the end of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from valetkey.cli.options import server_options, talk_to
from valetkey.cli.session import tell_all
from valetkey.cli.terminal import Terminal, Verb, table_of
from valetkey.wire.base import Page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.wire.exposure import Exposure


@click.command(cls=Verb)
@server_options
@click.option("--key", help="A public key in hex, or the address of one on secp256k1.")
@click.option("--contract", help="Sessions that may call it, sign for it, pay or approve it (0x…).")
@click.option("--recipient", help="Sessions by which tokens may end there (0x…).")
@click.option("--token", help="Sessions that may move it (0x…, or native).")
@click.option("--relayer", help="Sessions whose runs it alone carries (0x…).")
@click.option("--organization", "organization_id", help="It and all below it (org_…).")
@click.option("--revoke", is_flag=True, help="Revoke them all; without it they are only listed.")
@click.pass_obj
def exposure(
    terminal: Terminal,
    /,
    *,
    url: str,
    api_key: str | None,
    revoke: bool,
    organization_id: str | None,
    **asked: str | None,
) -> None:
    """
    List every session that is exposed to a key or a contract, or revoke them.

    An organization and all below it are looked through: sessions that are open, frozen or pending.
    With --revoke they end at once on the server, and on chain by their kill notes; it starts again
    until nothing is left. The exit code is as that of `session revoke`.
    """
    if sum(one is not None for one in asked.values()) != 1:
        names = ", ".join(f"--{name}" for name in asked)
        raise click.UsageError(f"give one of {names}")
    with talk_to(url, api_key) as server:
        if revoke:
            stopped = list(server.exposure.revoke(organization_id=organization_id, **asked))
            tell_all(terminal, stopped)
            return
        found = list(server.exposure.list(organization_id=organization_id, **asked))
    terminal.emit(Page(items=found))
    if not found:
        terminal.say("nobody is exposed")
        return
    columns = ["session", "state", "account", "way", "worst case"]
    terminal.show(table_of(columns, (_row(one) for one in found)))


def _row(one: Exposure) -> Sequence[object]:
    session = one.session
    ways = "; ".join(f"{way.place}: {way.detail}" for way in one.ways)
    return session.id, session.state, session.account_id or "", ways, one.worst_case.text
