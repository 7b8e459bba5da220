"""Where an audit log is looked at: in the store of this machine, or through a server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from valetkey.cli.options import DEFAULT_HOME, talk_to
from valetkey.core.audit import Break
from valetkey.flows.audits import Checked
from valetkey.wire.server import read_audit_head, write_audit_head

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from valetkey.client import Valetkey
    from valetkey.core.audit import SignedHead

_GIVEN: Final = ParameterSource.COMMANDLINE
_SET: Final = ParameterSource.ENVIRONMENT


def place_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--home``, and ``--url`` with what it needs, of which one counts."""
    for option in (
        click.option(
            "--home",
            envvar="VALETKEY_HOME",
            show_envvar=True,
            default=DEFAULT_HOME,
            show_default=True,
            metavar="DIR",
            callback=lambda _ctx, _param, value: Path(value).expanduser(),
            help="Folder of the server, whose store has the logs of all organizations.",
        ),
        click.option(
            "--url",
            envvar="VALETKEY_URL",
            show_envvar=True,
            help="Of a server instead, which is asked for the log of one organization.",
        ),
        click.option(
            "--api-key",
            envvar="VALETKEY_API_KEY",
            show_envvar=True,
            help="A secret key that may audit:read, for --url.",
        ),
        click.option(
            "--organization",
            "organization_id",
            help="With --url: one below one's own (org_…).",
        ),
    )[::-1]:
        function = option(function)
    return function


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where to look.

    Args:
        url: Of a server; None is the folder *home*.
    """

    home: Path
    url: str | None
    api_key: str | None
    organization_id: str | None

    def talk(self) -> Valetkey:
        """
        Return a client of the server, to be closed by ``with``.

        Raises:
            UsageError: There is no key.
        """
        return talk_to(self.url or "", self.api_key)


def place_of(
    home: Path, url: str | None, api_key: str | None, organization_id: str | None
) -> Place:
    """
    Return what the options mean: the one on the command line, else the folder that is set.

    Raises:
        UsageError: Both are on the command line, or an organization without a server.
    """
    context = click.get_current_context()
    of_home, of_url = (context.get_parameter_source(name) for name in ("home", "url"))
    if of_home is _GIVEN and of_url is _GIVEN:
        raise click.UsageError("give one of --home and --url")
    if of_home is _GIVEN or (of_home is _SET and of_url is not _GIVEN):
        url = None
    if url is None and organization_id is not None:
        raise click.UsageError("--organization is for --url: the folder has the logs of all")
    return Place(home, url, api_key, organization_id)


def check_there(place: Place, heads: Sequence[SignedHead], *, must_match: bool) -> Checked:
    """
    Return what became of an organization's log that a server shows, every line hashed here.

    Args:
        heads: Kept earlier; those of other organizations are passed over.
        must_match: Whether there must be one of this organization among them.
    """
    with place.talk() as server:
        now = server.audit.head(organization_id=place.organization_id)
        own = [one for one in heads if one.organization_id == now.organization_id]
        if must_match and not own:
            none = Break(0, "none of the kept heads is of this organization")
            return Checked(now.organization_id, 0, none, None)
        checked = server.audit.verify(
            kept=map(write_audit_head, own),
            organization_id=place.organization_id or now.organization_id,
        )
    newest = max(own, key=lambda one: one.seq, default=None)
    return Checked(now.organization_id, checked.lines, checked.broken, newest)


def head_there(place: Place) -> SignedHead:
    """Return how far an organization's log is, as a server signs it now."""
    with place.talk() as server:
        return read_audit_head(server.audit.head(organization_id=place.organization_id))
