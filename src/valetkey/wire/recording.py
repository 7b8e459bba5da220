"""Runs that were recorded, and what a permission would have said to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta, field

from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.backtest import Recorded
from valetkey.core.permission.checks import MAX_DECIMALS
from valetkey.core.permission.propose import Slack as CoreSlack
from valetkey.wire.activity import Call, read_calls, write_call
from valetkey.wire.base import (
    ADDRESS_BYTES,
    Address,
    Amount,
    Asked,
    Asset,
    Seconds,
    Told,
    asset_name,
    read_address,
)
from valetkey.wire.permission import PermissionDocument

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from valetkey.core.permission.backtest import Report as CoreReport

MAX_SLACK_PERCENT: Final = 10_000
_NOBODY: Final = bytes(ADDRESS_BYTES)  # never a target, whoever the account is
_Percent = Annotated[int, Meta(ge=0, le=MAX_SLACK_PERCENT)]
_Decimals = Annotated[int, Meta(ge=0, le=MAX_DECIMALS)]


class RecordedRun(Asked, frozen=True, kw_only=True):
    """Calls that were made together; none at all is a run that used one call."""

    at: Seconds
    calls: Annotated[list[Call], Meta(max_length=255)]


class Recording(Asked, frozen=True, kw_only=True):
    """Runs in order of time."""

    runs: list[RecordedRun]


class Backtest(Asked, frozen=True, kw_only=True):
    """
    A permission, and runs to try it on.

    Args:
        account: That made the runs; a call of it is refused.
    """

    permission: PermissionDocument
    runs: list[RecordedRun]
    account: Address | None = None


class Slack(Asked, frozen=True, kw_only=True):
    """How much more than recorded is allowed, in percent."""

    amounts: _Percent = 0
    calls: _Percent = 0
    time: _Percent = 0


class Propose(Asked, frozen=True, kw_only=True):
    """
    Runs to find the smallest permission for.

    Args:
        chain: Where they were made.
        decimals: Of tokens, by address; 0 for others.
    """

    chain: str
    runs: list[RecordedRun]
    decimals: dict[Address, _Decimals] = field(default_factory=dict)
    slack: Slack = field(default_factory=Slack)


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
    """
    What came of it.

    Args:
        rules: For each rule how many calls it let through, wide rules behind the others.
        rate: The most calls in one window of the rate, if there is a rate.
    """

    accepted: int
    calls: int
    refused: list[Refused]
    rules: list[int]
    unused_rules: list[int]
    limits: list[Used]
    rate: int | None = None


def read_runs(runs: Sequence[RecordedRun]) -> tuple[Recorded, ...]:
    """
    Return the runs that a recording writes.

    Raises:
        Malformed: A call is none, or the runs are not in order of time; the detail names the run.
    """
    read: list[Recorded] = []
    for index, run in enumerate(runs):
        if read and run.at < read[-1].at:
            detail = f"runs[{index}].at: expected not before {read[-1].at}, got {run.at}"
            raise Malformed(Code.MALFORMED_CALL, detail)
        try:
            calls = read_calls(run.calls)
        except Malformed as error:
            raise Malformed(error.code, f"runs[{index}].{error.detail}") from None
        read.append(Recorded(run.at, calls))
    return tuple(read)


def write_runs(runs: Iterable[Recorded]) -> list[RecordedRun]:
    """Return *runs* as they are written."""
    return [RecordedRun(at=run.at, calls=[write_call(call) for call in run.calls]) for run in runs]


def read_account(text: str | None) -> bytes:
    """Return the account that made the runs, or nobody if it is not said."""
    return _NOBODY if text is None else read_address(text, "account")


def read_decimals(decimals: Mapping[str, int]) -> dict[bytes, int]:
    """Return the decimals of tokens by their 20 bytes."""
    return {read_address(token, "decimals"): digits for token, digits in decimals.items()}


def read_slack(slack: Slack) -> CoreSlack:
    """Return what *slack* writes."""
    return CoreSlack(amounts=slack.amounts, calls=slack.calls, time=slack.time)


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
        rate=report.rate,
    )
