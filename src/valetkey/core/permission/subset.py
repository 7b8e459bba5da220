"""Is one permission within another: everything that it accepts, the other accepts too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from valetkey.core.permission.lower import lower
from valetkey.core.permission.overlap import Grid
from valetkey.core.permission.reach_wide import reached_by
from valetkey.core.permission.subset_calls import calls_beyond
from valetkey.core.permission.subset_signing import requests_beyond
from valetkey.core.permission.subset_totals import passes_count, passes_limit
from valetkey.core.permission.trace import Run, Stage, Trace
from valetkey.core.units import format_amount

if TYPE_CHECKING:
    from valetkey.core.permission.model import Permission

_SOMEBODY: Final = b"\x01" * 20
_SOMEBODY_ELSE: Final = b"\x02" * 20


@dataclass(frozen=True, slots=True)
class Subset:
    """Whatever the child accepts, the parent accepts."""


@dataclass(frozen=True, slots=True)
class NotSubset:
    """
    The child accepts something that the parent refuses.

    Args:
        trace: Such a thing, from the first second on (`replay` tells both answers).
        caveat: The place in the parent that is passed, such as ``caps[0].lifetime``.
        detail: What the child may and the parent may not.
    """

    trace: Trace
    caveat: str
    detail: str


def is_subset(child: Permission, parent: Permission) -> Subset | NotSubset:
    """
    Say whether *parent* accepts every trace that *child* accepts, both with nothing spent.

    Exact, for what `decide`, `decide_signature` and `decide_scope` say, and for chain, relayer and
    fees:

    1. an empty run is accepted, so the frame of the parent must be as wide; 2. what may be signed,
    and each scope, must be among the parent's; 3. an empty run uses a call, so the counts of calls
    must be as high; 4. a call that one of the child's rules lets through on its own must be let
    through by what covers it in the parent; 5. then only a counter of the parent can refuse, so the
    most that the child can book within one of its windows must not pass it.

    Args:
        child, parent: Well formed (`check_permission`), for an account that is nobody's target.
    """
    steps = (_frame, _requests, _counts, _calls, _totals)
    found = (step(child, parent) for step in steps)
    return next((answer for answer in found if answer is not None), Subset())


def _not(
    child: Permission, parent: Permission, caveat: str, detail: str, *stages: Stage
) -> NotSubset:
    sender = child.relayer
    if sender is None:
        sender = _SOMEBODY if parent.relayer != _SOMEBODY else _SOMEBODY_ELSE
    return NotSubset(Trace(child.chain, sender, stages), caveat, detail)


def _frame(child: Permission, parent: Permission) -> NotSubset | None:  # 1
    at, run = child.starts_at, Run(())
    if child.chain != parent.chain:
        caveat, detail = "chain", f"it acts on {child.chain}"
    elif parent.relayer is not None and child.relayer != parent.relayer:
        caveat, detail = "relayer", "another sender may bring it to the chain"
    elif child.starts_at < parent.starts_at:
        caveat, detail = "starts_at", f"it starts {parent.starts_at - child.starts_at} s earlier"
    elif child.expires_at > parent.expires_at:
        caveat, detail = "expires_at", f"it ends {child.expires_at - parent.expires_at} s later"
        at = child.expires_at - 1
    elif _is_above(child.fee_budget_wei, parent.fee_budget_wei):
        caveat, detail = "fee_budget_wei", "it may cost the sponsor more"
        run = Run((), fee_wei=(parent.fee_budget_wei or 0) + 1)
    else:
        return None
    return _not(child, parent, caveat, detail, Stage(at, (run,)))


def _is_above(one: int | None, limit: int | None) -> bool:
    return limit is not None and (one is None or one > limit)


def _requests(child: Permission, parent: Permission) -> NotSubset | None:  # 2
    for request, caveat, detail in requests_beyond(child, parent):
        answer = _not(child, parent, caveat, detail)
        return replace(answer, trace=replace(answer.trace, requests=(request,)))
    return None


def _counts(child: Permission, parent: Permission) -> NotSubset | None:  # 3
    if parent.max_calls is not None:
        stages = passes_count(child, parent.max_calls, window_s=0, starts_at=parent.starts_at)
        if stages is not None:
            detail = f"it may make more than {parent.max_calls} calls"
            return _not(child, parent, "max_calls", detail, *stages)
    if parent.rate is not None:
        calls, window_s = parent.rate.calls, parent.rate.window_s
        stages = passes_count(child, calls, window_s=window_s, starts_at=parent.starts_at)
        if stages is not None:
            detail = f"it may make more than {calls} calls in one window of {window_s} s"
            return _not(child, parent, "rate", detail, *stages)
    return None


def _calls(child: Permission, parent: Permission) -> NotSubset | None:  # 4
    for one in calls_beyond(reached_by(child), reached_by(parent)):
        stage = Stage(child.starts_at, (Run((one.call,)),))
        return _not(child, parent, one.caveat, one.detail, stage)
    return None


def _totals(child: Permission, parent: Permission) -> NotSubset | None:  # 5
    reached = reached_by(child).usable()
    for limit in lower(parent).limits:
        movers = [reach for reach in reached if reach.moves(limit.asset)]
        grid = Grid(parent.starts_at, limit.window_s, child.starts_at, child.expires_at)
        stages = passes_limit(child, movers, limit.asset, limit.limit, grid)
        if stages is not None:
            span = f" in one window of {limit.window_s} s" if limit.window_s else ""
            most = format_amount(limit.limit, decimals=limit.decimals)
            asset = "native" if limit.asset is None else f"0x{limit.asset.hex()}"
            detail = f"it may move more than {most} of {asset}{span}"
            return _not(child, parent, limit.caveat, detail, *stages)
    return None
