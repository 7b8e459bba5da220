"""What the calculus says of permissions: findings, changes, a trace that makes the difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from valetkey.core.permission.subset import NotSubset
from valetkey.core.permission.trace import SignText, UseScope
from valetkey.wire.activity import Call, write_call
from valetkey.wire.base import Address, Amount, Asked, Told, hexed
from valetkey.wire.permission import PermissionDocument

if TYPE_CHECKING:
    from collections.abc import Iterable

    from valetkey.core.permission import diff as core_diff
    from valetkey.core.permission import finding as core
    from valetkey.core.permission import trace as core_trace
    from valetkey.core.permission.subset import Subset
    from valetkey.core.permission.trace import Run as CoreRun


class ChildAndParent(Asked, frozen=True, kw_only=True):
    """Two permissions: is all that the one allows allowed by the other."""

    child: PermissionDocument
    parent: PermissionDocument


class OldAndNew(Asked, frozen=True, kw_only=True):
    """Two permissions: what changes from the one to the other."""

    old: PermissionDocument
    new: PermissionDocument


class Finding(Told, frozen=True, kw_only=True):
    """One finding of the linter (docs/reference/lint.md)."""

    rule: str
    severity: Literal["error", "warning", "info"]
    place: str
    detail: str
    fix: str


class Findings(Told, frozen=True, kw_only=True):
    """All that the linter finds, errors first."""

    findings: list[Finding]


class Change(Told, frozen=True, kw_only=True):
    """One thing that changes; without ``before`` it was not there, without ``after`` it goes."""

    kind: Literal["added", "removed", "raised", "lowered", "changed"]
    place: str
    before: str | None
    after: str | None


class TraceRun(Told, frozen=True, kw_only=True):
    """One run, ``times`` times in the same second."""

    calls: list[Call]
    times: int
    fee_wei: Amount


class Stage(Told, frozen=True, kw_only=True):
    """
    Runs in the second ``at``, and again every ``every_s`` until that was ``rounds`` times.

    All of that again every ``cycle_s``, until it was ``cycles`` times.
    """

    at: int
    rounds: int
    every_s: int
    cycles: int
    cycle_s: int
    runs: list[TraceRun]


class FieldWord(Told, frozen=True, kw_only=True):
    """A field of typed data, and its word of ``encodeData``."""

    field: list[str]
    word: str


class TraceRequest(Told, frozen=True, kw_only=True):
    """
    What is asked for in the second ``at`` beside runs: a text, typed data, or a scope.

    Args:
        contract, type, words: Of typed data; fields that are left out have any value.
    """

    at: int
    text: str | None = None
    contract: Address | None = None
    type: str | None = None
    words: list[FieldWord] | None = None
    scope: str | None = None


class Comparison(Told, frozen=True, kw_only=True):
    """
    Whether one permission is within another.

    Args:
        caveat: The place in the other that is passed, if it is not.
        chain, sender, stages, requests: A trace that this one accepts and the other refuses.
    """

    within: bool
    caveat: str | None = None
    detail: str | None = None
    chain: str | None = None
    sender: Address | None = None
    stages: list[Stage] | None = None
    requests: list[TraceRequest] | None = None


class Difference(Told, frozen=True, kw_only=True):
    """What changes, and whether the new permission is within the old one."""

    changes: list[Change]
    widens: bool
    new_within_old: Comparison


def write_findings(findings: Iterable[core.Finding]) -> Findings:
    """Return *findings* as they are answered."""
    return Findings(
        findings=[
            Finding(
                rule=one.rule.value,
                severity=one.severity.value,
                place=one.place,
                detail=one.detail,
                fix=one.fix,
            )
            for one in findings
        ]
    )


def write_difference(diff: core_diff.Diff) -> Difference:
    """Return *diff* as it is answered."""
    return Difference(
        changes=[
            Change(kind=one.kind.value, place=one.place, before=one.before, after=one.after)
            for one in diff.changes
        ],
        widens=diff.widens,
        new_within_old=write_comparison(diff.answer),
    )


def write_comparison(answer: Subset | NotSubset) -> Comparison:
    """Return *answer* as it is answered."""
    if not isinstance(answer, NotSubset):
        return Comparison(within=True)
    return Comparison(
        within=False,
        caveat=answer.caveat,
        detail=answer.detail,
        chain=answer.trace.chain,
        sender=hexed(answer.trace.sender),
        stages=[
            Stage(
                at=stage.at,
                rounds=stage.rounds,
                every_s=stage.every_s,
                cycles=stage.cycles,
                cycle_s=stage.cycle_s,
                runs=[_run(run) for run in stage.runs],
            )
            for stage in answer.trace.stages
        ],
        requests=[_request(request) for request in answer.trace.requests],
    )


def _request(request: core_trace.Request) -> TraceRequest:
    if isinstance(request, UseScope):
        return TraceRequest(at=request.at, scope=request.scope)
    if isinstance(request, SignText):
        return TraceRequest(at=request.at, text=request.text)
    contract, kind, *_ = request.subject
    words = [FieldWord(field=list(field), word=f"0x{word:064x}") for field, word in request.words]
    return TraceRequest(at=request.at, contract=hexed(contract), type=kind, words=words)


def _run(run: CoreRun) -> TraceRun:
    calls = [write_call(call) for call in run.calls]
    return TraceRun(calls=calls, times=run.times, fee_wei=str(run.fee_wei))
