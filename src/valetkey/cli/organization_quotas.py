"""``valetkey organization quotas``: how much an organization has, and may have."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from valetkey.cli.options import server_options, talk_to
from valetkey.cli.terminal import Terminal, Verb, table_of
from valetkey.core.quota import Quota

if TYPE_CHECKING:
    from valetkey.wire.quota import QuotaUse


@click.command(cls=Verb)
@server_options
@click.argument("organization_id", metavar="ORGANIZATION")
@click.pass_obj
def quotas(terminal: Terminal, *, url: str, api_key: str | None, organization_id: str) -> None:
    """Show what ORGANIZATION, one's own or one below, has of everything that is counted."""
    with talk_to(url, api_key) as server:
        found = server.organizations.usage(organization_id)
    terminal.emit(found)
    columns = ["quota", "in use", "of", "again from"]
    terminal.show(table_of(columns, (_row(one) for one in found.quotas)))


def _row(one: QuotaUse) -> tuple[str, int, int, str]:
    if one.resets_at is None:
        return one.quota, one.current, one.limit, ""
    again = datetime.fromtimestamp(one.resets_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return one.quota, one.current, one.limit, again


@click.command("set-quota", cls=Verb)
@server_options
@click.argument("organization_id", metavar="ORGANIZATION")
@click.argument("quota", type=click.Choice([one.value for one in Quota]))
@click.argument("limit", type=click.IntRange(min=0))
@click.pass_obj
def set_quota(
    terminal: Terminal,
    *,
    url: str,
    api_key: str | None,
    organization_id: str,
    quota: str,
    limit: int,
) -> None:
    """
    Let ORGANIZATION, which is below one's own, have LIMIT of QUOTA.

    What is there already stays. The quotas of a first organization are the operator's (`bounds` of
    the configuration), and nobody below has more than those.
    """
    with talk_to(url, api_key) as server:
        told = server.organizations.set_quota(organization_id, quota, limit)
    terminal.emit(told)
    terminal.say(f"{organization_id} may have {told.limit} {told.quota}, and has {told.current}")
