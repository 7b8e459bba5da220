"""``valetkey identity-provider``: whose ID tokens log an organization's users in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, BinaryIO

import click

from valetkey.cli.options import server_options, talk_to
from valetkey.cli.terminal import Terminal, Verb, table_of
from valetkey.core.errors import Code, Malformed
from valetkey.wire.base import Page

if TYPE_CHECKING:
    from typing import Any


@click.group("identity-provider")
def provider() -> None:
    """Those whose ID tokens log users in, on vendors' surfaces."""


@provider.command("set", cls=Verb)
@server_options
@click.argument("name")
@click.option("--issuer", required=True, help="`iss` of its tokens, exactly.")
@click.option(
    "--audience",
    "audiences",
    multiple=True,
    required=True,
    help="Whom a token may be for. May be given more than once.",
)
@click.option("--keys-url", help="Where its keys are (a JSON Web Key Set).")
@click.option("--keys", "file", type=click.File("rb"), help="A file with its keys, instead.")
@click.pass_obj
def set_provider(
    terminal: Terminal,
    *,
    url: str,
    api_key: str | None,
    name: str,
    issuer: str,
    audiences: tuple[str, ...],
    keys_url: str | None,
    file: BinaryIO | None,
) -> None:
    """Have ID tokens of somebody log users in, under the NAME by which clients call them."""
    keys = None if file is None else _keys(file)
    with talk_to(url, api_key) as server:
        made = server.identity_providers.set(
            name, issuer=issuer, audiences=audiences, keys_url=keys_url, keys=keys
        )
    terminal.emit(made)
    terminal.say(f"tokens of {made.issuer} for {', '.join(made.audiences)} log users in")


@provider.command("list", cls=Verb)
@server_options
@click.pass_obj
def list_providers(terminal: Terminal, *, url: str, api_key: str | None) -> None:
    """List whose ID tokens log users in."""
    with talk_to(url, api_key) as server:
        found = list(server.identity_providers.list())
    terminal.emit(Page(items=found))
    if found:
        columns = ["name", "issuer", "audiences", "keys"]
        rows = (
            (one.name, one.issuer, ", ".join(one.audiences), one.keys_url or "given")
            for one in found
        )
        terminal.show(table_of(columns, rows))
    else:
        terminal.say("no identity providers")


@provider.command(cls=Verb)
@server_options
@click.argument("name")
@click.pass_obj
def remove(terminal: Terminal, *, url: str, api_key: str | None, name: str) -> None:
    """Refuse the ID tokens of the provider called NAME from now on."""
    with talk_to(url, api_key) as server:
        gone = server.identity_providers.remove(name)
    terminal.emit(gone)
    terminal.say(f"tokens of {gone.issuer} log nobody in any more")


def _keys(file: BinaryIO) -> dict[str, Any]:
    try:
        found = json.load(file)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Malformed(Code.MALFORMED_BODY, "--keys: expected a file with a JSON Web Key Set")
    return found
