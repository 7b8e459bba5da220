"""``valetkey session sign``: the owner reads what a session may do, and lets it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from valetkey.cli.options import owner_option, server_options, talk_to
from valetkey.cli.permission import show_explained
from valetkey.cli.permission_compare import show_findings
from valetkey.cli.permission_file import names_option
from valetkey.cli.terminal import Terminal, Verb
from valetkey.core.errors import Code, Conflict
from valetkey.core.permission.checks import check_permission
from valetkey.core.permission.lint import lint
from valetkey.core.session import State
from valetkey.wire.explain import write_explained
from valetkey.wire.permission import read_permission

if TYPE_CHECKING:
    from valetkey.client import Owner
    from valetkey.core.permission.model import Permission
    from valetkey.wire.session import Session


@click.command("sign", cls=Verb)
@server_options
@owner_option
@click.argument("session_id", metavar="SESSION")
@names_option
@click.option("--yes", is_flag=True, help="Sign without asking, as --json does.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the kill note goes (default: SESSION.kill.json here).",
)
@click.pass_obj
def sign_session(
    terminal: Terminal,
    *,
    url: str,
    api_key: str | None,
    owner: Owner | None,
    session_id: str,
    names: dict[bytes, str],
    yes: bool,
    out: Path | None,
) -> None:
    """
    Sign a session that waits for its owner, after reading what it may do.

    What is shown is worked out here, from what will be signed, and nothing else is signed. The
    kill note is written to a file: with it you end the session, whether or not the server runs.
    """
    if owner is None:
        raise click.UsageError("give --owner-key-file: the account's owner signs")
    with talk_to(url, api_key) as server:
        found = server.sessions.get(session_id)
        permission = _waiting(found)
        show_explained(terminal, write_explained(permission, names=names), permission)
        terminal.say("")
        show_findings(terminal, lint(permission))
        if not (yes or terminal.as_json):
            click.confirm(f"\nSign it as 0x{owner.address.hex()}?", abort=True)
        note = server.sessions.grant(found, owner=owner)
        file = note.save(out or Path(f"{session_id}.kill.json"))
        found = server.sessions.get(session_id)
    terminal.emit({"session": found, "kill_note_file": str(file)})
    terminal.say(f"\n{session_id} is {found.state}. The kill note is in {file}: keep it.")


def _waiting(session: Session) -> Permission:
    """
    Return what a session may do that waits for its owner.

    Raises:
        Conflict: It waits for nobody.
    """
    if session.state != State.PENDING or session.permission is None:
        detail = f"expected a session that waits for its owner, got one that is {session.state}"
        raise Conflict(Code.SESSION_STATE, detail)
    return check_permission(read_permission(session.permission))
