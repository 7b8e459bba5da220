"""``valetkey permission lint | worst-case | diff | subset``: permissions alone and side by side."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import click

from valetkey.cli.permission_file import file_argument, names_option, read_checked, ttl_option
from valetkey.cli.terminal import REFUSED, Terminal, Verb, table_of
from valetkey.core.permission.diff import diff as difference_of
from valetkey.core.permission.explain import say_worst_case
from valetkey.core.permission.finding import Severity
from valetkey.core.permission.lint import lint as findings_of
from valetkey.core.permission.subset import NotSubset, is_subset
from valetkey.core.permission.trace import SignText, UseScope
from valetkey.core.permission.worst_case import worst_case as worst_of
from valetkey.core.units import format_amount
from valetkey.wire.calculus import write_comparison, write_difference, write_findings
from valetkey.wire.explain import write_worst_case

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from valetkey.core.permission.finding import Finding
    from valetkey.core.permission.subset import Subset
    from valetkey.core.permission.trace import Request, Run, Stage
    from valetkey.wire import calculus as wire

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "dim"}


@click.command(cls=Verb, short_help="Say what is unwise in a permission, and the fix.")
@file_argument("file")
@ttl_option
@click.pass_context
def lint(context: click.Context, file: IO[bytes], ttl: int | None) -> None:
    """
    Say what is unwise in the permission in FILE, each with its fix.

    Ends with exit code 1 if there is an error among the findings; docs/reference/lint.md lists all
    that is looked for.
    """
    terminal: Terminal = context.obj
    (permission,) = read_checked(file, ttl=ttl)
    findings = findings_of(permission)
    terminal.emit(write_findings(findings))
    show_findings(terminal, findings)
    if any(one.severity is Severity.ERROR for one in findings):
        context.exit(REFUSED)


def show_findings(terminal: Terminal, findings: Sequence[Finding | wire.Finding]) -> None:
    """Show a person what the linter found."""
    for one in findings:
        style = _STYLES[Severity(one.severity)]
        terminal.say(f"{one.severity}  {one.rule} at {one.place}", style=style)
        terminal.say(f"  {one.detail}")
        terminal.say(f"  fix: {one.fix}")
    if not findings:
        terminal.say("nothing to say")


@click.command(
    cls=Verb, name="worst-case", short_help="Say the most that can be lost under a permission."
)
@file_argument("file")
@ttl_option
@names_option
@click.pass_obj
def worst_case(
    terminal: Terminal, file: IO[bytes], ttl: int | None, names: dict[bytes, str]
) -> None:
    """Say the most that can be lost under the permission in FILE, asset by asset."""
    (permission,) = read_checked(file, ttl=ttl)
    worst = worst_of(permission)
    terminal.emit(write_worst_case(worst, names=names))
    rows = [
        (
            "native" if one.asset is None else names.get(one.asset, f"0x{one.asset.hex()}"),
            "unbounded"
            if one.amount is None
            else format_amount(one.amount, decimals=one.decimals or 0),
            one.reason,
        )
        for one in worst.bounds
    ]
    rows += [("every token", "unbounded", reason) for reason in worst.others]
    terminal.say(f"worst case: {say_worst_case(worst, names=names)}", style="bold")
    if rows:
        terminal.show(table_of(["asset", "at most", "because of"], rows))


@click.command(cls=Verb, short_help="Say what changes from one permission to another.")
@file_argument("old")
@file_argument("new")
@ttl_option
@names_option
@click.pass_obj
def diff(
    terminal: Terminal, old: IO[bytes], new: IO[bytes], ttl: int | None, names: dict[bytes, str]
) -> None:
    """Say what changes from the permission in OLD to the one in NEW, and whether it allows more."""
    before, after = read_checked(old, new, ttl=ttl)
    found = difference_of(before, after, names=names)
    terminal.emit(write_difference(found))
    for change in found.changes:
        terminal.say(f"  {change}")
    if not found.changes:
        terminal.say("nothing changes")
    elif found.widens:
        terminal.say("It allows more than before:", style="bold yellow")
        _show(terminal, found.answer)
    else:
        terminal.say("It allows nothing that was not allowed before.", style="bold")


@click.command(cls=Verb, short_help="Say whether one permission is within another.")
@file_argument("child")
@file_argument("parent")
@ttl_option
@click.pass_context
def subset(context: click.Context, child: IO[bytes], parent: IO[bytes], ttl: int | None) -> None:
    """
    Say whether all that the permission in CHILD allows is allowed by the one in PARENT.

    If it is not, a proof is shown, calls with their times that the child accepts and the parent
    refuses, and the exit code is 1.
    """
    terminal: Terminal = context.obj
    narrow, wide = read_checked(child, parent, ttl=ttl)
    answer = is_subset(narrow, wide)
    terminal.emit(write_comparison(answer))
    if isinstance(answer, NotSubset):
        terminal.say("not within:", style="bold yellow")
        _show(terminal, answer)
        context.exit(REFUSED)
    terminal.say("within: whatever it accepts, the other accepts too", style="bold")


def _show(terminal: Terminal, answer: Subset | NotSubset) -> None:
    """Show a person what the one accepts and the other refuses."""
    if isinstance(answer, NotSubset):
        terminal.say(f"  {answer.detail} ({answer.caveat} of the other)")
        for stage in answer.trace.stages:
            for line in _lines(stage):
                terminal.say(f"  {line}")
        for request in answer.trace.requests:
            terminal.say(f"  at second {request.at}: {_asked(request)}")


def _asked(request: Request) -> str:
    if isinstance(request, UseScope):
        return f"use the scope {request.scope}"
    if isinstance(request, SignText):
        return f"sign the text {request.text!r}"
    contract, kind, *_ = request.subject
    words = "".join(f", {'.'.join(field)} 0x{word:x}" for field, word in request.words)
    return f"sign {kind.partition('(')[0]} for 0x{contract.hex()}{words}"


def _lines(stage: Stage) -> Iterator[str]:
    again = f" and every {stage.every_s} s, {stage.rounds} times" if stage.rounds > 1 else ""
    if stage.cycles > 1:
        again += f", and all of that every {stage.cycle_s} s, {stage.cycles} times"
    yield f"at second {stage.at}{again}:"
    for run in stage.runs:
        times = f"{run.times} times " if run.times > 1 else ""
        yield f"  {times}{_calls(run)}"


def _calls(run: Run) -> str:
    if not run.calls:
        fee = f", for a fee of {run.fee_wei} wei" if run.fee_wei else ""
        return f"a run without calls{fee}"
    return "; ".join(
        f"call 0x{call.to.hex()} with {call.value_wei} wei and 0x{call.data.hex()}"
        for call in run.calls
    )
