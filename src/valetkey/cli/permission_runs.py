"""``valetkey permission backtest | propose``: permissions and what was recorded."""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING, Final

import click

from valetkey.cli.options import address_of_text, read_one_address, read_span
from valetkey.cli.permission_file import (
    document_text,
    file_argument,
    names_option,
    read_document,
    read_runs,
    timeless,
    with_times_of,
)
from valetkey.cli.terminal import REFUSED, Terminal, Verb, table_of
from valetkey.core.permission.backtest import backtest as report_of
from valetkey.core.permission.checks import MAX_DECIMALS
from valetkey.core.permission.explain import explain
from valetkey.core.permission.propose import Slack
from valetkey.core.permission.propose import propose as proposal_of
from valetkey.core.units import format_amount
from valetkey.wire.base import asset_name
from valetkey.wire.permission import write_permission
from valetkey.wire.recording import MAX_SLACK_PERCENT, write_report

if TYPE_CHECKING:
    from valetkey.core.permission.backtest import LimitUse

_NOBODY: Final = bytes(20)
_DIGITS: Final = re.compile(r"[0-9]{1,2}")
_percent = click.IntRange(0, MAX_SLACK_PERCENT)


def read_decimals(
    _ctx: click.Context, _param: click.Parameter, value: tuple[str, ...]
) -> dict[bytes, int]:
    """
    Return decimals by token, from ``0x…=6``.

    Raises:
        BadParameter: One is not an address, ``=`` and 0 to 77.
    """
    found: dict[bytes, int] = {}
    for one in value:
        address, _, digits = one.partition("=")
        if not _DIGITS.fullmatch(digits) or int(digits) > MAX_DECIMALS:
            expected = f"an address, = and 0 to {MAX_DECIMALS}"
            raise click.BadParameter(f"expected {expected}, got {one!r}")
        found[address_of_text(address)] = int(digits)
    return found


decimals_option = click.option(
    "--decimals",
    metavar="TOKEN=NUMBER",
    multiple=True,
    callback=read_decimals,
    help="Digits of a token's whole unit, such as 0x…=6. May be repeated.",
)


@click.command(cls=Verb, short_help="Try a permission on recorded runs.")
@file_argument("file")
@file_argument("runs")
@click.option(
    "--ttl",
    metavar="TIME",
    callback=read_span,
    help="For a permission without times: from the first run, for so long (else to the last).",
)
@click.option(
    "--account",
    metavar="ADDRESS",
    callback=read_one_address,
    help="The account that made the runs; a call of it is refused.",
)
@click.pass_context
def backtest(
    context: click.Context, file: IO[bytes], runs: IO[bytes], ttl: int | None, account: bytes | None
) -> None:
    """
    Say what the permission in FILE would have said to the recorded RUNS.

    Shown is what would have been refused, and of what is allowed what nothing needed. The exit code
    is 1 if anything is refused. A recording is {"runs": [{"at": 1800000000, "calls": [{"to": "0x…",
    "value_wei": "0", "data": "0x…"}]}]}, in order of time.
    """
    terminal: Terminal = context.obj
    recorded = read_runs(runs)
    permission = with_times_of(read_document(file), recorded, ttl=ttl)
    report = report_of(permission, recorded, account=account or _NOBODY)
    terminal.emit(write_report(report))
    terminal.say(f"{report.accepted} accepted, {len(report.refused)} refused", style="bold")
    for one in report.refused:
        deny = one.deny
        terminal.say(f"  run {one.index} at second {one.at}: {deny.detail} ({deny.caveat})")
    for index in report.unused_rules:
        behind = index - len(permission.rules)
        place = f"rules[{index}]" if behind < 0 else f"wide_rules[{behind}]"
        terminal.say(f"  {place} was never used")
    if permission.rate is not None:
        terminal.say(f"  at most {report.rate} calls in one window of {permission.rate.window_s} s")
    if report.limits:
        terminal.show(table_of(["limit", "of", "used", ""], [_row(one) for one in report.limits]))
    if report.refused:
        context.exit(REFUSED)


def _row(use: LimitUse) -> tuple[str, str, str, str]:
    limit = use.limit
    used, most = (format_amount(n, decimals=limit.decimals) for n in (use.booked, limit.limit))
    return limit.caveat, asset_name(limit.asset), f"{used} of {most}", f"{use.percent} %"


@click.command(cls=Verb, short_help="Write the permission that recorded runs need.")
@file_argument("runs")
@click.option("--chain", required=True, help="Of the recording, in CAIP-2: eip155:1.")
@decimals_option
@click.option("--more-amounts", type=_percent, default=0, help="Percent above what was moved.")
@click.option("--more-calls", type=_percent, default=0, help="Percent above what was called.")
@click.option("--more-time", type=_percent, default=0, help="Percent beyond the time it took.")
@click.option(
    "--wide",
    metavar="ADDRESS",
    multiple=True,
    help="A target of which any function is proposed. Nothing is proposed so without being asked.",
)
@click.option(
    "--times", "has_times", is_flag=True, help="Write the times of the recording as well."
)
@names_option
@click.pass_obj
def propose(  # noqa: PLR0913 - one for each option
    terminal: Terminal,
    runs: IO[bytes],
    *,
    chain: str,
    decimals: dict[bytes, int],
    more_amounts: int,
    more_calls: int,
    more_time: int,
    wide: tuple[str, ...],
    has_times: bool,
    names: dict[bytes, str],
) -> None:
    """
    Write the smallest permission that allows the recorded RUNS (`valetkey record` makes them).

    The permission goes to standard output, what it means to standard error. Without slack it allows
    the recording and nothing beside it that can be told apart by a rule (see `permission backtest`
    for the form of a recording). It has no start and end: `session open --ttl` says them.
    """
    named = tuple(address_of_text(one) for one in wide)
    slack = Slack(amounts=more_amounts, calls=more_calls, time=more_time)
    permission = proposal_of(
        read_runs(runs), chain=chain, decimals=decimals, slack=slack, wide=named
    )
    document = write_permission(permission)
    if not has_times:
        document = timeless(document)
    terminal.emit(document)
    for sentence in explain(permission, names=names):
        terminal.note(sentence)
    terminal.say(document_text(document))
