"""``valetkey session``: open, look at, watch and stop sessions, through a server."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import click

from valetkey.cli.live import shown_live
from valetkey.cli.options import owner_option, server_options, talk_to
from valetkey.cli.session_link import link_session
from valetkey.cli.session_list import list_sessions
from valetkey.cli.session_open import open_session
from valetkey.cli.session_sign import sign_session
from valetkey.cli.session_view import session_view, steps_table
from valetkey.cli.terminal import REFUSED, UNREACHABLE, Terminal, Verb
from valetkey.client.runs import is_settled
from valetkey.core.activity import ActivityState
from valetkey.core.session import State
from valetkey.wire.stop import StoppedAll

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.client import Owner
    from valetkey.wire.stop import Stopped

_STILL_OPEN: Final = "chain_still_open"
_SAYS: Final = {True: "refused", False: "NOT refused", None: "unknown"}
_SAYS_OF_OPEN: Final = {**_SAYS, False: "not refused"}  # as it should be, after an unfreeze


@click.group()
def session() -> None:
    """Rights to act over a wallet: opened, watched and stopped."""


session.add_command(open_session)
session.add_command(list_sessions)
session.add_command(sign_session)
session.add_command(link_session)


@session.command(cls=Verb)
@server_options
@click.argument("session_id", metavar="SESSION")
@click.pass_obj
def show(terminal: Terminal, *, url: str, api_key: str | None, session_id: str) -> None:
    """Show one session: its state, worst case, what is left."""
    with talk_to(url, api_key) as server:
        found = server.sessions.get(session_id)
    terminal.emit(found)
    terminal.show(session_view(found))


@session.command(cls=Verb)
@server_options
@click.argument("session_id", metavar="SESSION")
@click.pass_obj
def watch(terminal: Terminal, *, url: str, api_key: str | None, session_id: str) -> None:
    """
    Watch a session until it is over, or until you stop with Ctrl-C.

    On a terminal: a live table. Elsewhere: the session again after each change; with --json one
    document a line.
    """
    with talk_to(url, api_key) as server, suppress(KeyboardInterrupt):
        for now in shown_live(terminal, server.sessions.watch(session_id), session_view):
            terminal.emit_line(now)
            terminal.show(session_view(now))
            terminal.say("")


@session.command(cls=Verb)
@server_options
@owner_option
@click.argument("session_id", metavar="SESSION")
@click.pass_obj
def freeze(
    terminal: Terminal, *, url: str, api_key: str | None, owner: Owner | None, session_id: str
) -> None:
    """
    Refuse whatever a session asks for, until it is unfrozen.

    This server refuses at once. The chain does so when the owner signs: with the owner's key given
    here, or held by the server. While it would still take a run, the exit code is 1; 3 if that is
    not known, or not yet so.
    """
    with talk_to(url, api_key) as server:
        _tell(terminal, server.sessions.freeze(session_id, owner=owner))


@session.command(cls=Verb)
@server_options
@owner_option
@click.argument("session_id", metavar="SESSION")
@click.pass_obj
def unfreeze(
    terminal: Terminal, *, url: str, api_key: str | None, owner: Owner | None, session_id: str
) -> None:
    """
    Take a frozen session back into use.

    What was frozen on chain is unfrozen there by the owner's key, given here or held by the server.
    """
    with talk_to(url, api_key) as server:
        _tell(terminal, server.sessions.unfreeze(session_id, owner=owner))


@session.command(cls=Verb)
@server_options
@click.argument("session_id", metavar="[SESSION]", required=False)
@click.option("--user", help="All sessions of this user instead (usr_…).")
@click.option("--wallet", help="All sessions on this wallet instead (wal_…).")
@click.option("--organization", help="All sessions of this organization instead (org_…).")
@click.pass_obj
def revoke(
    terminal: Terminal,
    *,
    url: str,
    api_key: str | None,
    session_id: str | None,
    user: str | None,
    wallet: str | None,
    organization: str | None,
) -> None:
    """
    End sessions for good.

    They are refused here at once, and on chain by their kill notes. If the chain did not take one,
    the exit code is 1; 3 if it has not yet. The server tries again by itself, and `valetkey kill`
    does it without any server.
    """
    if sum(one is not None for one in (session_id, user, wallet, organization)) != 1:
        raise click.UsageError("give one of SESSION, --user, --wallet and --organization")
    with talk_to(url, api_key) as server:
        if session_id is not None:
            _tell(terminal, server.sessions.revoke(session_id))
        elif user is not None:
            tell_all(terminal, server.sessions.revoke_all("user", user))
        elif wallet is not None:
            tell_all(terminal, server.sessions.revoke_all("wallet", wallet))
        else:
            tell_all(terminal, server.sessions.revoke_all("organization", organization or ""))


def _tell(terminal: Terminal, stopped: Stopped) -> None:
    terminal.emit(stopped)
    _show(terminal, stopped)
    _exit_if_open(terminal, [stopped])


def tell_all(terminal: Terminal, all_stopped: Sequence[Stopped]) -> None:
    """Show the receipt of each stop, and end with what says how far they have come."""
    terminal.emit(StoppedAll(items=list(all_stopped)))
    for stopped in all_stopped:
        _show(terminal, stopped)
    if not all_stopped:
        terminal.say("no session was open")
    _exit_if_open(terminal, all_stopped)


def _show(terminal: Terminal, stopped: Stopped) -> None:
    terminal.say(f"{stopped.session.id} is {stopped.session.state}", style="bold")
    steps = stopped.session.steps or stopped.activity.times
    terminal.show(steps_table(steps))
    says = _SAYS_OF_OPEN if stopped.session.state == State.OPEN else _SAYS
    for one in stopped.tried:
        said = says[one.refused]
        terminal.say(f"tried on the {one.plane}: {said} ({one.detail})")
    if _is_frozen_here_alone(stopped):
        terminal.say(
            "Frozen here, not on chain: whoever has the session key can still act past this server."
            " Give the owner's key (--owner-key-file), or end it for good (session revoke).",
            style="yellow",
        )


def _is_frozen_here_alone(stopped: Stopped) -> bool:
    """Say whether the chain would still take a run of a frozen session from somebody else."""
    session = stopped.session
    if session.state != State.FROZEN or session.permission is None or session.permission.relayer:
        return False
    names = [step.name for step in session.steps]
    asked = len(names) - names[::-1].index("freeze_requested")
    return "included" not in names[asked:]


def _exit_if_open(terminal: Terminal, all_stopped: Sequence[Stopped]) -> None:
    """Complain of each plane that a stop has not reached, and end with what says so."""
    worst = 0
    for one in all_stopped:
        trouble = _trouble(one)
        if trouble is not None:
            exit_code, code, why = trouble
            terminal.complain(f"{one.session.id}: this server refuses it, {why}", code=code)
            worst = REFUSED if REFUSED in {worst, exit_code} else exit_code
    if worst:
        click.get_current_context().exit(worst)


def _trouble(stopped: Stopped) -> tuple[int, str, str] | None:
    """Return the exit code, the code and the words for what a stop has not reached, if any."""
    activity, outcome = stopped.activity, stopped.activity.outcome
    if activity.state == ActivityState.FAILED:
        why = outcome.detail if outcome else "it says nothing more"
        code = (outcome.code if outcome else None) or "chain_rejected"
        return REFUSED, code, f"the chain did not take it: {why}"
    open_ones = [one for one in stopped.tried if one.refused is not True]
    if stopped.session.state == State.OPEN or not open_ones:
        return None
    said = open_ones[0]
    if said.refused is None:
        code = said.code or _STILL_OPEN
        return UNREACHABLE, code, f"whether its chain does is not known: {said.detail}"
    if not is_settled(activity):
        return UNREACHABLE, _STILL_OPEN, f"its chain does not yet: {said.detail}"
    return REFUSED, _STILL_OPEN, f"its chain would still take a run: {said.detail}"
