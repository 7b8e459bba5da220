"""What a session does over time, short even where it is long, and whether a permission takes it."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import merge
from operator import itemgetter
from typing import TYPE_CHECKING

from valetkey.core.chain import Counter
from valetkey.core.errors import Code
from valetkey.core.permission.decide import (
    Allow,
    Deny,
    Spent,
    decide,
    holds,
    nothing_spent,
    refuse_by_time,
)
from valetkey.core.permission.signing import SignMessage, decide_scope, decide_signature

if TYPE_CHECKING:
    from collections.abc import Iterator

    from valetkey.core.permission.model import Call, Permission


@dataclass(frozen=True, slots=True)
class Run:
    """
    One run, or the same one several times in the same second.

    Args:
        calls: None at all is a run that uses one call.
        fee_wei: What the sponsor pays each time.
    """

    calls: tuple[Call, ...]
    times: int = 1
    fee_wei: int = 0


@dataclass(frozen=True, slots=True)
class Stage:
    """
    Runs in the second *at*, and again every *every_s* seconds until that was *rounds* times.

    All of that comes *cycles* times, each *cycle_s* seconds after the one before, and that is not
    before its last round.
    """

    at: int
    runs: tuple[Run, ...]
    rounds: int = 1
    every_s: int = 0
    cycles: int = 1
    cycle_s: int = 0

    def times(self) -> Iterator[tuple[int, tuple[Run, ...]]]:
        """Yield each second with its runs."""
        for cycle in range(self.cycles):
            for number in range(self.rounds):
                yield self.at + cycle * self.cycle_s + number * self.every_s, self.runs


@dataclass(frozen=True, slots=True)
class SignText:
    """A text to be signed as the account in the second *at*."""

    at: int
    text: str


@dataclass(frozen=True, slots=True)
class SignWords:
    """
    Typed data to be signed as the account in the second *at*, by what templates look at.

    Args:
        subject: Contract, type, name and version (`TypedDataTemplate`).
        words: Of its fields; those left out have any value.
    """

    at: int
    subject: tuple[bytes, str, tuple[str, ...], tuple[str, ...]]
    words: tuple[tuple[tuple[str, ...], int], ...]


@dataclass(frozen=True, slots=True)
class UseScope:
    """A scope that is asked for in the second *at*."""

    at: int
    scope: str


Request = SignText | SignWords | UseScope


@dataclass(frozen=True, slots=True)
class Trace:
    """
    Everything that a session does.

    Args:
        chain: CAIP-2.
        sender: 20 bytes, whoever brings the runs to the chain.
        stages: Those of the same second in order.
        requests: What is asked for beside runs; nothing is counted for it.
    """

    chain: str
    sender: bytes
    stages: tuple[Stage, ...]
    requests: tuple[Request, ...] = ()

    def times(self) -> Iterator[tuple[int, tuple[Run, ...]]]:
        """Yield what is done when, in order of time."""
        return merge(*(stage.times() for stage in self.stages), key=itemgetter(0))


@dataclass(frozen=True, slots=True)
class Refused:
    """The first run that was refused, or *at* the start: the trace itself."""

    at: int
    deny: Deny


def replay(permission: Permission, trace: Trace, *, account: bytes) -> Refused | None:
    """
    Return what *permission*, of which nothing is spent, first refuses of *trace*; None is nothing.

    Args:
        account: 20 bytes; never a target.
    """
    begin = min((stage.at for stage in trace.stages), default=permission.starts_at)
    if trace.chain != permission.chain:
        return Refused(begin, Deny(Code.WRONG_CHAIN, "chain", f"only on {permission.chain}"))
    if permission.relayer not in (None, trace.sender):
        detail = f"0x{trace.sender.hex()} is not the relayer"
        return Refused(begin, Deny(Code.RELAYER_NOT_ALLOWED, "relayer", detail))
    for request in trace.requests:
        deny = deny_request(permission, request, account=account)
        if deny is not None:
            return Refused(request.at, deny)
    spent, fees_wei = nothing_spent(permission), 0
    for at, runs in trace.times():
        for run in runs:
            fees_wei += run.fee_wei * run.times
            answer = _fee(permission, fees_wei) or _repeat(
                permission, run, spent, now=at, account=account
            )
            if isinstance(answer, Deny):
                return Refused(at, answer)
            spent = answer
    return None


def deny_request(permission: Permission, request: Request, *, account: bytes) -> Deny | None:
    """
    Return why *permission* does not give what is asked for, or None if it does.

    Args:
        account: 20 bytes; nothing is signed for it.
    """
    if isinstance(request, UseScope):
        return decide_scope(request.scope, permission, now=request.at)
    if isinstance(request, SignText):
        asked = SignMessage(request.text.encode())
        answer = decide_signature(asked, permission, now=request.at, accounts=(account,))
        return answer if isinstance(answer, Deny) else None
    return refuse_by_time(permission, now=request.at) or _deny_words(permission, request)


def _deny_words(permission: Permission, request: SignWords) -> Deny | None:
    """As `decide_signature`, which has all of the data: of these the named fields are enough."""
    words = dict(request.words)
    for index, template in enumerate(permission.typed_data):
        if template.subject != request.subject:
            continue
        for number, constraint in enumerate(template.where):
            word = words.get(constraint.field)
            if word is None or not holds(constraint.operator, constraint.values, word):
                field = ".".join(constraint.field)
                detail = f"{field} is not what the template allows"
                return Deny(Code.FIELD_REFUSED, f"typed_data[{index}].where[{number}]", detail)
        return None
    detail = "no template has this domain and type"
    return Deny(Code.SIGNING_NOT_ALLOWED, "typed_data", detail)


def _fee(permission: Permission, fees_wei: int) -> Deny | None:
    budget = permission.fee_budget_wei
    if budget is None or fees_wei <= budget:
        return None
    detail = f"{budget} wei allowed, {fees_wei} asked for"
    return Deny(Code.SPONSORSHIP_EXCEEDED, "fee_budget_wei", detail)


def _repeat(
    permission: Permission, run: Run, spent: Spent, *, now: int, account: bytes
) -> Spent | Deny:
    """
    Return what is booked after all times, or the first refusal.

    In one second each time books the same, and booking only takes: if the last time is allowed, so
    was each before it. The first time that is not is found by halving.
    """
    first = decide(run.calls, permission, spent, now=now, account=account)
    if isinstance(first, Deny):
        return first

    def ask(time: int) -> Allow | Deny:
        booked = _booked(first, time - 1)
        return decide(run.calls, permission, booked, now=now, account=account)

    low, high = 1, run.times
    while low < high:  # all up to `low` are allowed; nothing is known beyond `high`
        middle = (low + high + 1) // 2
        if isinstance(ask(middle), Allow):
            low = middle
        else:
            high = middle - 1
    refused = ask(low + 1) if low < run.times else None
    return refused if isinstance(refused, Deny) else _booked(first, run.times)


def _booked(first: Allow, times: int) -> Spent:
    """Return what is booked after *times* of what was allowed *first*."""
    more = times - 1
    counters = zip(first.after.counters, first.amounts, strict=True)
    return Spent(
        calls=first.after.calls + more * first.calls,
        counters=tuple(
            Counter(counter.spent + more * amount, counter.window) for counter, amount in counters
        ),
        rate=Counter(first.after.rate.spent + more * first.calls, first.after.rate.window),
    )
