"""``valetkey record``: from what an owner's script does on a local chain to a permission."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from valetkey.cli.options import read_one_address, read_span
from valetkey.cli.permission import show_explained
from valetkey.cli.permission_compare import show_findings
from valetkey.cli.permission_file import document_text, names_option, timeless
from valetkey.cli.permission_runs import decimals_option
from valetkey.cli.record.mined import Taken, ask_decimals, read_back
from valetkey.cli.record.proxy import proxying
from valetkey.cli.terminal import REFUSED, Terminal, Verb
from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.lint import lint
from valetkey.core.permission.propose import Slack, propose
from valetkey.core.units import HOUR_S
from valetkey.devchain import CHAIN_ID, Rpc
from valetkey.wire.base import hexed
from valetkey.wire.calculus import write_findings
from valetkey.wire.explain import write_explained
from valetkey.wire.permission import write_permission
from valetkey.wire.recording import MAX_SLACK_PERCENT, Recording, write_runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.permission.model import Permission

URL_VARIABLES: Final = ("RPC", "RPC_URL", "ETH_RPC_URL")
URL_MARK: Final = "{rpc}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What the permission is to be like."""

    account: bytes
    chain: str
    decimals: dict[bytes, int]
    slack: int
    ttl: int


@click.command(
    cls=Verb,
    context_settings={"allow_interspersed_args": False},
    short_help="Run an owner's script, and propose a permission for it.",
)
@click.option(
    "--account",
    metavar="ADDRESS",
    required=True,
    callback=read_one_address,
    help="Whose calls are recorded; the script signs for it.",
)
@click.option(
    "--rpc",
    "rpc_url",
    envvar="RPC",
    show_envvar=True,
    required=True,
    help="URL of the local chain's node, such as `valetkey dev` shows it.",
)
@click.option(
    "--chain",
    default=f"eip155:{CHAIN_ID}",
    show_default=True,
    help="Which chain it must be, in CAIP-2; another is refused before anything runs.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="Where the recording goes, as JSON.",
)
@click.option(
    "--save",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the permission goes, as JSON without times: `session open --permission` takes it.",
)
@click.option(
    "--slack",
    type=click.IntRange(0, MAX_SLACK_PERCENT),
    default=0,
    help="Percent above the amounts and the number of calls that were recorded.",
)
@click.option(
    "--ttl",
    metavar="TIME",
    default=f"{HOUR_S}s",
    callback=read_span,
    help="How long a session of it is to live, for what is said of it. [default: 1h]",
)
@decimals_option
@names_option
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def record(  # noqa: PLR0913 - one for each option
    context: click.Context,
    /,
    *,
    account: bytes,
    rpc_url: str,
    chain: str,
    out: Path,
    save: Path | None,
    slack: int,
    ttl: int,
    decimals: dict[bytes, int],
    names: dict[bytes, str],
    command: tuple[str, ...],
) -> None:
    """
    Run COMMAND, a script of the account's owner, and propose the permission that it needs.

    The script finds the chain at the URL in RPC, RPC_URL and ETH_RPC_URL, and wherever its
    arguments say {rpc}; whatever it asks goes on to the node. Recorded are the calls of the account
    that were mined and did not fail; a batch to the account itself (ERC-7821) counts as what is in
    it. All options of ours stand before COMMAND, with -- between them if you like.
    """
    terminal: Terminal = context.obj
    for path in (out, save):
        if path is not None and path.exists():
            raise click.UsageError(f"{path} is there already")
    with Rpc(rpc_url) as rpc:
        expect_chain(rpc, chain)
        with proxying(rpc_url) as (url, proxy):
            code = _run(terminal, command, url)
            sent = proxy.sent
        taken = read_back(rpc, sent, account)
        problem = _problem(code, sent, taken, account)
        if problem is not None:
            terminal.fail(*problem)
            context.exit(REFUSED)
        known = ask_decimals(rpc, taken.runs) | decimals
    wanted = _Wanted(account=account, chain=chain, decimals=known, slack=slack, ttl=ttl)
    permission = _propose(taken, wanted)
    recording = msgspec.json.encode(Recording(runs=write_runs(taken.runs)))
    _write(out, msgspec.json.format(recording).decode())
    if save is not None:
        _write(save, document_text(timeless(write_permission(permission))))
    _tell(terminal, taken, permission, out, names)


def expect_chain(rpc: Rpc, chain: str) -> None:
    """
    Let pass if the node is one of *chain*.

    Raises:
        Malformed: It is of another.
        Unavailable: It does not answer.
    """
    found = f"eip155:{int(rpc.ask('eth_chainId'), 16)}"
    if found != chain:
        detail = f"expected a node of {chain}, got one of {found}; --chain says which it must be"
        raise Malformed(Code.WRONG_CHAIN, detail)


def _run(terminal: Terminal, command: Sequence[str], url: str) -> int | None:
    """Return the exit code of the script; None if there is no such program."""
    filled = [part.replace(URL_MARK, url) for part in command]
    environment = {**os.environ, **dict.fromkeys(URL_VARIABLES, url)}
    output = sys.stderr if terminal.as_json else None
    try:
        return subprocess.run(filled, env=environment, stdout=output, check=False).returncode  # noqa: S603 - what the person asks for
    except FileNotFoundError:
        return None


def _problem(
    code: int | None, sent: Sequence[str], taken: Taken, account: bytes
) -> tuple[str, str] | None:
    """Return code and sentence of why there is nothing to propose from, if so."""
    if code is None:
        return "script_failed", "expected a program to run, got a name that is none"
    if code:
        return "script_failed", f"expected the script to end with 0, got {code}; nothing is kept"
    if taken.runs:
        return None
    expected = f"expected a transaction of {hexed(account)} that succeeds"
    if not sent:
        hint = f"does the script use the URL in {URL_VARIABLES[0]}?"
        return "nothing_recorded", f"{expected}, got none at all; {hint}"
    got = [f"one of {hexed(other)}" for other in sorted(taken.others)]
    return "nothing_recorded", f"{expected}, got {'; '.join([*got, *taken.left_out])}"


def _propose(taken: Taken, wanted: _Wanted) -> Permission:
    slack = Slack(amounts=wanted.slack, calls=wanted.slack)
    found = propose(taken.runs, chain=wanted.chain, decimals=wanted.decimals, slack=slack)
    now = int(time.time())
    return replace(found, starts_at=now, expires_at=now + wanted.ttl)


def _write(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8") as file:
        file.write(text + "\n")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _tell(
    terminal: Terminal, taken: Taken, permission: Permission, out: Path, names: dict[bytes, str]
) -> None:
    explained, findings = write_explained(permission, names=names), lint(permission)
    document = timeless(write_permission(permission))
    terminal.emit(
        {
            "recording_file": str(out),
            "runs": len(taken.runs),
            "left_out": taken.left_out,
            "permission": document,
            "explained": explained,
            "findings": write_findings(findings).findings,
        }
    )
    calls = _count(sum(len(run.calls) for run in taken.runs), "call")
    transactions = _count(len(taken.runs), "transaction")
    terminal.say(f"{out} has the recording: {calls} in {transactions}.")
    for one in taken.left_out:
        terminal.say(f"left out {one}", style="yellow")
    terminal.say("\nThe smallest permission that allows them:\n")
    show_explained(terminal, explained, permission)
    terminal.say("")
    show_findings(terminal, findings)
    terminal.say("")
    terminal.say(document_text(document))
