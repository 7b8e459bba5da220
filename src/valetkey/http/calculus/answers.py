"""The questions of the calculus: what is asked for, and the answer, pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from valetkey.core.permission.backtest import backtest
from valetkey.core.permission.checks import check_permission
from valetkey.core.permission.diff import diff
from valetkey.core.permission.lint import lint
from valetkey.core.permission.propose import propose
from valetkey.core.permission.subset import is_subset
from valetkey.core.permission.worst_case import worst_case
from valetkey.wire import calculus as wire
from valetkey.wire import recording
from valetkey.wire.explain import (
    Explained,
    OnePermission,
    WorstCase,
    write_explained,
    write_worst_case,
)
from valetkey.wire.permission import PermissionDocument, read_permission, write_permission

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from msgspec import Struct

    from valetkey.core.permission.model import Permission

    Names = Mapping[bytes, str]


@dataclass(frozen=True, slots=True)
class Question:
    """
    One kind of question.

    Args:
        body: What is asked.
        answer: The type of what `work_out` returns.
        work_out: Raises `Malformed` for what is not well formed, or too much to compare.
    """

    body: type[Struct]
    answer: type[Struct]
    work_out: Callable[[Any, Names], Struct]


def _checked(document: PermissionDocument) -> Permission:
    return check_permission(read_permission(document))


def _explain(ask: OnePermission, names: Names) -> Explained:
    return write_explained(_checked(ask.permission), names=names)


def _lint(ask: OnePermission, names: Names) -> wire.Findings:
    del names
    return wire.write_findings(lint(_checked(ask.permission)))


def _worst_case(ask: OnePermission, names: Names) -> WorstCase:
    return write_worst_case(worst_case(_checked(ask.permission)), names=names)


def _subset(ask: wire.ChildAndParent, names: Names) -> wire.Comparison:
    del names
    return wire.write_comparison(is_subset(_checked(ask.child), _checked(ask.parent)))


def _diff(ask: wire.OldAndNew, names: Names) -> wire.Difference:
    return wire.write_difference(diff(_checked(ask.old), _checked(ask.new), names=names))


def _backtest(ask: recording.Backtest, names: Names) -> recording.Report:
    del names
    permission, runs = _checked(ask.permission), recording.read_runs(ask.runs)
    account = recording.read_account(ask.account)
    return recording.write_report(backtest(permission, runs, account=account))


def _propose(ask: recording.Propose, names: Names) -> PermissionDocument:
    del names
    runs, decimals = recording.read_runs(ask.runs), recording.read_decimals(ask.decimals)
    slack = recording.read_slack(ask.slack)
    return write_permission(propose(runs, chain=ask.chain, decimals=decimals, slack=slack))


QUESTIONS: Final[Mapping[str, Question]] = {
    "explain": Question(OnePermission, Explained, _explain),
    "lint": Question(OnePermission, wire.Findings, _lint),
    "worst-case": Question(OnePermission, WorstCase, _worst_case),
    "subset": Question(wire.ChildAndParent, wire.Comparison, _subset),
    "diff": Question(wire.OldAndNew, wire.Difference, _diff),
    "backtest": Question(recording.Backtest, recording.Report, _backtest),
    "propose": Question(recording.Propose, PermissionDocument, _propose),
}
