"""``valetkey credential``: who of an organization may do what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from valetkey.cli.options import read_span, server_options, talk_to
from valetkey.cli.terminal import Terminal, Verb, table_of
from valetkey.core.scope import Role, Scope
from valetkey.core.surface import Surface
from valetkey.core.units import format_duration
from valetkey.wire.base import Page

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from valetkey.client.roles import RoleName, SurfaceName
    from valetkey.wire.credential import Credential


def _scope_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--scope",
        "scopes",
        multiple=True,
        type=click.Choice([scope.value for scope in Scope]),
        help="Hold it to this part of its role. May be given more than once.",
    )(function)


_ROLES = click.Choice([role.value for role in Role])


@click.group()
def credential() -> None:
    """API keys: owners, operators and auditors of an organization."""


@credential.command(cls=Verb)
@server_options
@click.option("--role", type=_ROLES, help="Of a secret key.  [default: operator]")
@_scope_option
@click.option("--label", default="", help="What you call it.")
@click.option("--publishable", is_flag=True, help="For a browser; it has no role.")
@click.option(
    "--surface",
    type=click.Choice([surface.value for surface in Surface]),
    default="native",
    show_default=True,
    help="Where it works: our API, or a vendor's wire format.",
)
@click.pass_obj
def add(
    terminal: Terminal,
    *,
    url: str,
    api_key: str | None,
    role: RoleName | None,
    scopes: tuple[str, ...],
    label: str,
    publishable: bool,
    surface: SurfaceName,
) -> None:
    """Add an API key. It is printed this once."""
    if publishable and (role or scopes):
        named = "--role" if role else "--scope"
        raise click.UsageError(
            f"expected {named} for a secret key alone, got it of a publishable one"
        )
    with talk_to(url, api_key) as server:
        if publishable:
            added = server.credentials.add("publishable", label=label, surface=surface)
        else:
            added = server.credentials.add(
                "secret",
                label=label,
                role=role or "operator",
                scopes=scopes or None,
                surface=surface,
            )
    terminal.emit(added)
    terminal.say(f"{added.credential.id} may {_may(added.credential)}")
    terminal.say(f"key  {added.token}")


@credential.command("list", cls=Verb)
@server_options
@click.pass_obj
def list_credentials(terminal: Terminal, *, url: str, api_key: str | None) -> None:
    """List credentials, newest first."""
    with talk_to(url, api_key) as server:
        found = list(server.credentials.list())
    terminal.emit(Page(items=found))
    columns = ["credential", "surface", "kind", "role", "may", "label", ""]
    rows = (
        (
            one.id,
            one.surface,
            one.kind,
            one.role or "",
            _may(one),
            one.label,
            "revoked" if one.revoked_at is not None else "",
        )
        for one in found
    )
    terminal.show(table_of(columns, rows))


@credential.command("set-role", cls=Verb)
@server_options
@click.argument("credential_id", metavar="CREDENTIAL")
@click.argument("role", type=_ROLES)
@_scope_option
@click.pass_obj
def set_role(
    terminal: Terminal,
    *,
    url: str,
    api_key: str | None,
    credential_id: str,
    role: RoleName,
    scopes: tuple[str, ...],
) -> None:
    """Give a credential another role. It counts from its next request on."""
    with talk_to(url, api_key) as server:
        changed = server.credentials.set_role(credential_id, role, scopes=scopes or None)
    terminal.emit(changed)
    terminal.say(f"{changed.id} may {_may(changed)}")


@credential.command("set-terms", cls=Verb)
@server_options
@click.argument("credential_id", metavar="CREDENTIAL")
@click.option(
    "--idle",
    metavar="TIME",
    default="30m",
    callback=read_span,
    help="One ends when it was not used for so long (such as 1m, 30m, 30d).",
)
@click.option(
    "--most",
    metavar="TIME",
    default="30d",
    callback=read_span,
    help="And in any case after so long.",
)
@click.option("--reviews", is_flag=True, help="Its user confirms each signature.")
@click.pass_obj
def set_terms(
    terminal: Terminal,
    *,
    url: str,
    api_key: str | None,
    credential_id: str,
    idle: int,
    most: int,
    reviews: bool,
) -> None:
    """Say what sessions are like that a vendor's clients open with an API key from now on."""
    with talk_to(url, api_key) as server:
        made = server.credentials.set_terms(
            credential_id, idle_s=idle, most_s=most, reviews=reviews
        )
    terminal.emit(made)
    times = f"{format_duration(made.idle_s)} unused, {format_duration(made.most_s)} at most"
    said = ", each signature confirmed by its user" if made.reviews else ""
    terminal.say(f"{credential_id} opens sessions of {times}{said}")


@credential.command("set-origins", cls=Verb)
@server_options
@click.argument("credential_id", metavar="CREDENTIAL")
@click.argument("origins", metavar="ORIGIN...", nargs=-1)
@click.pass_obj
def set_origins(
    terminal: Terminal,
    *,
    url: str,
    api_key: str | None,
    credential_id: str,
    origins: tuple[str, ...],
) -> None:
    """Say whose pages may have a publishable key in a frame; without any, none may."""
    with talk_to(url, api_key) as server:
        changed = server.credentials.set_origins(credential_id, origins)
    terminal.emit(changed)
    terminal.say(f"{changed.id} may be in a frame of {', '.join(changed.origins) or 'no page'}")


@credential.command(cls=Verb)
@server_options
@click.argument("credential_id", metavar="CREDENTIAL")
@click.pass_obj
def revoke(terminal: Terminal, *, url: str, api_key: str | None, credential_id: str) -> None:
    """Refuse a credential from now on. The last owner stays."""
    with talk_to(url, api_key) as server:
        revoked = server.credentials.revoke(credential_id)
    terminal.emit(revoked)
    terminal.say(f"{revoked.id} is refused from now on")


def _may(one: Credential) -> str:
    if one.role is None:
        return "carry what owners sign"
    if len(one.scopes) == len(Scope):
        return "do everything"
    return ", ".join(one.scopes)
