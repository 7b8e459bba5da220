"""Every metric that the server keeps. Labels come from the code alone: no id, no address."""

from __future__ import annotations

from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from valetkey import __version__

CONTENT_TYPE: Final = b"text/plain; version=1.0.0; charset=utf-8"
FAST_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
SLOW_S: Final = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)
STOP_S: Final = (0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 600.0)
GROUPS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)


class Metrics:
    """The metrics of one server, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._add_edge()
        self._add_work()
        self._add_world()
        self._add_loops()
        ProcessCollector(registry=self.registry)

    def text(self) -> bytes:
        """Return all of them as Prometheus reads them."""
        return generate_latest(self.registry)

    def _counter(self, name: str, says: str, *labels: str) -> Counter:
        return Counter(f"valetkey_{name}", says, labels, registry=self.registry)

    def _gauge(self, name: str, says: str, *labels: str) -> Gauge:
        return Gauge(f"valetkey_{name}", says, labels, registry=self.registry)

    def _histogram(
        self, name: str, says: str, *labels: str, buckets: tuple[float, ...]
    ) -> Histogram:
        return Histogram(f"valetkey_{name}", says, labels, buckets=buckets, registry=self.registry)

    def _add_edge(self) -> None:
        build = self._gauge("build_info", "Always 1; the label says which version runs", "version")
        build.labels(__version__).set(1)
        self.requests = self._counter(
            "requests_total",
            "Answers, by route template and class of status",
            *("method", "route", "status"),
        )
        self.request_s = self._histogram(
            "request_seconds",
            "From the head of a request to its answer",
            *("method", "route"),
            buckets=SLOW_S,
        )
        self.in_flight = self._gauge("requests_in_flight", "Requests that are being answered")
        self.refusals = self._counter(
            "refusals_total", "Answers that are no success, by code", "code"
        )
        self.ready = self._gauge(
            "ready", "1 where a part answered when it was last asked, else 0", "part"
        )

    def _add_work(self) -> None:
        self.events = self._counter("events_total", "Lines of the audit logs, by event", "event")
        self.outcomes = self._counter(
            "outcomes_total",
            "Activities of the chain that came to an end: runs, stops, delegations",
            *("kind", "state", "code"),
        )
        self.stop_s = self._histogram(
            "stop_step_seconds",
            "From the request of a stop to each of its steps, on each plane",
            *("kind", "step"),
            buckets=STOP_S,
        )

    def _add_world(self) -> None:
        self.writes = self._counter(
            "store_writes_total", "Writes that were asked of the store", "outcome"
        )
        self.write_s = self._histogram(
            "store_write_seconds", "From asking for a write to its being durable", buckets=FAST_S
        )
        self.group = self._histogram(
            "store_group_writes", "Writes that shared one commit", buckets=GROUPS
        )
        self.commit_s = self._histogram(
            "store_commit_seconds", "One commit: lock, bodies and disk", buckets=FAST_S
        )
        self.vault = self._counter(
            "vault_operations_total", "What was asked of the vault", *("operation", "outcome")
        )
        self.vault_s = self._histogram(
            "vault_seconds", "How long the vault took", "operation", buckets=FAST_S
        )
        self.calls = self._counter(
            "chain_calls_total",
            "Questions to a chain's node, by what it answered",
            *("chain", "call", "outcome"),
        )
        self.call_s = self._histogram(
            "chain_call_seconds",
            "How long a chain's node took",
            *("chain", "call"),
            buckets=SLOW_S,
        )
        self.balance = self._gauge(
            "payer_balance_wei",
            "What relayer and stopper have, looked at each minute",
            *("chain", "payer"),
        )
        self.head_age_s = self._gauge(
            "chain_head_age_seconds", "Our clock less the time of the newest block", "chain"
        )

    def _add_loops(self) -> None:
        self.rounds = self._counter(
            "reconcile_rounds_total", "Rounds of the reconcile loop", "outcome"
        )
        self.round_s = self._histogram(
            "reconcile_round_seconds", "How long a round took", buckets=SLOW_S
        )
        self.unsettled = self._gauge(
            "unsettled_activities", "Activities that the last round found unfinished"
        )
        self.oldest_s = self._gauge(
            "oldest_unsettled_seconds", "Age of the oldest of those; 0 if there is none"
        )
        self.clock_jumps = self._counter(
            "clock_jumps_total", "Times that the clock was set while the server ran"
        )
