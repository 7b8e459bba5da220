"""Runs that were recorded, and what a permission would have said to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.backtest import Recorded
from valetkey.wire.activity import Call, read_calls
from valetkey.wire.base import Amount, Asked, Asset, Seconds, Told, asset_name

if TYPE_CHECKING:
    from valetkey.core.permission.backtest import Report as CoreReport


class RecordedRun(Asked, frozen=True, kw_only=True):
    """Calls that were made together; none at all is a run that used one call."""

    at: Seconds
    calls: Annotated[list[Call], Meta(max_length=255)]


class Recording(Asked, frozen=True, kw_only=True):
    """Runs in order of time."""

    runs: list[RecordedRun]


class Refused(Told, frozen=True, kw_only=True):
    """A run that would have been refused, for the first caveat that it meets."""

    index: int
    at: int
    code: str
    caveat: str
    detail: str
    call: int | None


class Used(Told, frozen=True, kw_only=True):
    """The most that was used of a limit, within one window if it has windows."""

    place: str
    asset: Asset
    decimals: int
    limit: Amount
    used: Amount
    percent: int


class Report(Told, frozen=True, kw_only=True):
    """What came of it; ``rules`` says for each rule how many calls it let through."""

    accepted: int
    calls: int
    refused: list[Refused]
    rules: list[int]
    unused_rules: list[int]
    limits: list[Used]


def read_recording(recording: Recording) -> tuple[Recorded, ...]:
    """
    Return the runs that *recording* writes.

    Raises:
        Malformed: A call is none, or the runs are not in order of time; the detail names the run.
    """
    runs: list[Recorded] = []
    for index, run in enumerate(recording.runs):
        if runs and run.at < runs[-1].at:
            detail = f"runs[{index}].at: expected not before {runs[-1].at}, got {run.at}"
            raise Malformed(Code.MALFORMED_CALL, detail)
        try:
            calls = read_calls(run.calls)
        except Malformed as error:
            raise Malformed(error.code, f"runs[{index}].{error.detail}") from None
        runs.append(Recorded(run.at, calls))
    return tuple(runs)


def write_report(report: CoreReport) -> Report:
    """Return *report* as it is answered."""
    return Report(
        accepted=report.accepted,
        calls=report.calls,
        refused=[
            Refused(
                index=one.index,
                at=one.at,
                code=one.deny.code.value,
                caveat=one.deny.caveat,
                detail=one.deny.detail,
                call=one.deny.call,
            )
            for one in report.refused
        ],
        rules=list(report.rules),
        unused_rules=list(report.unused_rules),
        limits=[
            Used(
                place=one.limit.caveat,
                asset=asset_name(one.limit.asset),
                decimals=one.limit.decimals,
                limit=str(one.limit.limit),
                used=str(one.booked),
                percent=one.percent,
            )
            for one in report.limits
        ],
    )
