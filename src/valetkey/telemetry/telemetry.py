"""Log, metrics and traces of one server, told once by whoever saw something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import ValetkeyError
from valetkey.telemetry.journal import Journal
from valetkey.telemetry.spans import Spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prometheus_client import Counter, Histogram

    from valetkey.core.audit import AuditLine
    from valetkey.flows.reconcile import Reconciled
    from valetkey.telemetry.metrics import Metrics

ANSWERED: Final = "ok"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(slots=True)  # not frozen: one is made for each request, and that takes thrice as long
class Answered:
    """
    A request and its answer, as far as anybody is told.

    Args:
        route: Its template; empty if there is none: the path itself may hold anything.
        code: Why it was refused, if it was.
        why: More of the reason than the caller may know.
    """

    method: str
    route: str = ""
    principal_id: str = ""
    status: int = 0
    code: str | None = None
    why: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class StopStep:
    """One step of a stop, so many seconds after it was asked for."""

    kind: str
    step: str
    seconds: float


def outcome_of(error: BaseException | None) -> str:
    """Return what a metric calls the end of something: ``ok``, a code, or ``unforeseen``."""
    if error is None:
        return ANSWERED
    return error.code.value if isinstance(error, ValetkeyError) else "unforeseen"


class Telemetry:
    """
    Who is told what happens.

    Args:
        metrics: None keeps none.
    """

    def __init__(
        self,
        journal: Journal | None = None,
        *,
        metrics: Metrics | None = None,
        spans: Spans | None = None,
    ) -> None:
        self.journal = journal or Journal()
        self.metrics = metrics
        self.spans = spans or Spans()
        self._silent: set[str] = set()
        self._answers: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}

    def began(self) -> None:
        """Note that a request is being answered, until `ended`."""
        if self.metrics is not None:
            self.metrics.in_flight.inc()

    def ended(self) -> None:
        """Note that it is not any more, however it ended."""
        if self.metrics is not None:
            self.metrics.in_flight.dec()

    def answered(self, one: Answered) -> None:
        """Note an answer."""
        if self.journal.is_info:
            self.journal.note(
                "info",
                "request:answered",
                method=one.method,
                route=one.route,
                status=one.status,
                code=one.code,
                why=one.why,
                principal_id=one.principal_id,
                ms=round(one.seconds * 1e3, 3),
            )
        if self.metrics is None:
            return
        count, time = self._of(self.metrics, one.method, one.route, one.status)
        count.inc()
        time.observe(one.seconds)
        if one.code is not None:
            self.metrics.refusals.labels(one.code).inc()

    def _of(
        self, metrics: Metrics, method: str, route: str, status: int
    ) -> tuple[Counter, Histogram]:
        """Return what counts and times such an answer: looking it up anew costs as much as both."""
        method = method if method in _METHODS else "other"  # strangers choose it
        key = (method, route or "none", f"{status // 100}xx")
        known = self._answers.get(key)
        if known is None:
            known = metrics.requests.labels(*key), metrics.request_s.labels(*key[:2])
            self._answers[key] = known
        return known

    def wrote(self, lines: Sequence[AuditLine], steps: Sequence[StopStep]) -> None:
        """Note what a write that is durable has changed."""
        for line in lines:
            self.journal.note(
                "info",
                line.event,
                organization_id=line.organization_id,
                subject_id=line.subject_id,
                principal_id=line.principal_id,
                facts=line.facts,
            )
        if self.metrics is None:
            return
        for line in lines:
            self.metrics.events.labels(line.event).inc()
            resource, _, state = line.event.partition(":")
            if resource == "activity":
                kind, code = line.facts.get("kind", ""), line.facts.get("code", ANSWERED)
                self.metrics.outcomes.labels(kind, state, code).inc()
        for step in steps:
            self.metrics.stop_s.labels(step.kind, step.step).observe(max(step.seconds, 0.0))

    def written(self, seconds: float, error: BaseException | None) -> None:
        """Note that the store was asked for a write, and how that ended."""
        outcome = outcome_of(error)
        if self.journal.is_debug:
            self.journal.note("debug", "store:written", outcome=outcome, ms=seconds * 1e3)
        if self.metrics is not None:
            self.metrics.writes.labels(outcome).inc()
            self.metrics.write_s.observe(seconds)

    def committed(self, writes: int, seconds: float) -> None:
        """Note one commit of the store, and how many writes shared it."""
        if self.metrics is not None:
            self.metrics.group.observe(writes)
            self.metrics.commit_s.observe(seconds)

    def vaulted(self, operation: str, seconds: float, error: BaseException | None) -> None:
        """Note what the vault was asked for."""
        outcome = outcome_of(error)
        if self.journal.is_debug:
            self.journal.note(
                "debug", "vault:used", operation=operation, outcome=outcome, ms=seconds * 1e3
            )
        if self.metrics is not None:
            self.metrics.vault.labels(operation, outcome).inc()
            self.metrics.vault_s.labels(operation).observe(seconds)

    def asked(self, chain: str, call: str, seconds: float, error: BaseException | None) -> None:
        """Note what the node of *chain* was asked; say once when it falls silent, and is back."""
        outcome = outcome_of(error)
        if self.journal.is_debug:
            self.journal.note(
                "debug", "chain:asked", chain=chain, call=call, outcome=outcome, ms=seconds * 1e3
            )
        if self.metrics is not None:
            self.metrics.calls.labels(chain, call, outcome).inc()
            self.metrics.call_s.labels(chain, call).observe(seconds)
        is_silent = outcome in {"chain_unreachable", "wrong_chain"}
        if is_silent and chain not in self._silent:
            self._silent.add(chain)
            said = error.detail if isinstance(error, ValetkeyError) else ""
            self.journal.note("warning", "chain:fell_silent", chain=chain, said=said)
        elif not is_silent and chain in self._silent:
            self._silent.discard(chain)
            self.journal.note("info", "chain:came_back", chain=chain)

    def reconciled(self, seconds: float, done: Reconciled | None, *, now: int) -> None:
        """Note a round of the reconcile loop; None is one that failed."""
        if self.metrics is None:
            return
        self.metrics.rounds.labels("failed" if done is None else ANSWERED).inc()
        self.metrics.round_s.observe(seconds)
        if done is not None:
            self.metrics.unsettled.set(done.waiting)
            oldest = done.oldest_at
            self.metrics.oldest_s.set(0 if oldest is None else max(now - oldest, 0))
