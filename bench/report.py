"""The page that the bench writes: medians, ratios with their spread, goals, method and limits."""

from __future__ import annotations

import json
import os
import platform
import re
import sqlite3
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from bench.load import share_ms
from bench.servers import BETTER_AUTH, DJANGO, EXPRESS_SESSION, OIDC_PROVIDER, PEERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.load import Sample
    from bench.signing import Timed

OURS: Final = "valetkey, bearer"
LOGGED: Final = "valetkey, bearer, with its log"
INTROSPECTION: Final = "valetkey, introspection"
SIGNED: Final = "valetkey, signed"
PERMITTED: Final = "valetkey, signed, with a permission"
_TEXT: Final = Path(__file__).parent / "performance.txt"


@dataclass(frozen=True, slots=True)
class Row:
    """A contender's spells: busy, and at the fixed rate."""

    busy: Sequence[Sample]
    offered: Sequence[Sample]


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run measured, and how it was set."""

    checks: Mapping[str, Row]
    opens: Mapping[str, Row]
    signed: Sequence[Timed]
    connections: int
    warm_s: float
    sessions: int
    seconds: float
    offered_s: float
    rate: int


@dataclass(frozen=True, slots=True)
class Spread:
    """
    A ratio of the whole run, and those of its rounds.

    Args:
        whole: None takes the median of the rounds.
    """

    values: Sequence[float]
    whole: float | None = None

    @property
    def middle(self) -> float:
        """The ratio of the whole run."""
        return median(self.values) if self.whole is None else self.whole

    def __str__(self) -> str:
        return f"{self.middle:.2f} ({min(self.values):.2f} to {max(self.values):.2f})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A ratio, and what its median is to reach."""

    what: str
    spread: Spread
    at_least: float = 0.0
    below: float = float("inf")

    def __str__(self) -> str:
        holds = self.at_least <= self.spread.middle < self.below
        bound = f"at least {self.at_least:g}" if self.at_least else f"below {self.below:g}"
        return f"| {self.what} | {bound} | {self.spread} | {'holds' if holds else 'missed'} |"


def write(figures: Figures) -> str:
    """Return the page."""
    return _TEXT.read_text().format(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        machine=_machine(),
        versions=_versions(),
        rounds=len(figures.signed),
        seconds=figures.seconds,
        offered_s=figures.offered_s,
        offered=round(figures.offered_s * figures.rate) * len(figures.signed),
        connections=figures.connections,
        warm_s=figures.warm_s,
        sessions=figures.sessions,
        rate=figures.rate,
        goals=_goals(figures),
        checks=_table(figures.checks, offered=True),
        opens=_table(figures.opens, offered=False),
        bare=f"{median(one.bare_us for one in figures.signed):.0f}",
        whole=f"{median(one.whole_us for one in figures.signed):.0f}",
        signing=_signing(figures),
    )


def _signing(figures: Figures) -> Spread:
    return Spread([one.whole_us / one.bare_us for one in figures.signed])


def _ratios(
    one: Sequence[Sample], other: Sequence[Sample], of: Callable[[Sample], float]
) -> Spread:
    return Spread([of(a) / of(b) for a, b in zip(one, other, strict=True)])


def _rate(sample: Sample) -> float:
    return sample.per_cpu_s


def _p99s(one: Sequence[Sample], other: Sequence[Sample]) -> Spread:
    """Return the ratio of the 99th percentiles of all requests, and those of each round."""
    rounds = [share_ms([a], 99) / share_ms([b], 99) for a, b in zip(one, other, strict=True)]
    return Spread(rounds, share_ms(one, 99) / share_ms(other, 99))


def _table(rows: Mapping[str, Row], *, offered: bool) -> str:
    titles = ["", "requests per CPU second", f"{OURS}: times as many", "p50 ms", "p99 ms"]
    if offered:
        titles += ["p50 ms, fixed rate", "p99 ms, fixed rate", "waited for a core, fixed rate"]
    lines = [titles, ["---"] * len(titles)]
    for name, row in rows.items():
        ratio = "" if name == OURS else str(_ratios(rows[OURS].busy, row.busy, _rate))
        line = [name, f"{median(map(_rate, row.busy)):,.0f}", ratio]
        for samples in (row.busy, row.offered) if offered else (row.busy,):
            line += [f"{share_ms(samples, 50):.2f}", f"{share_ms(samples, 99):.2f}"]
        if offered:
            waited, whole = (sum(each) for each in zip(*_waits(row.offered), strict=True))
            line.append(f"{waited / whole:.1%}")
        lines.append(line)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _waits(samples: Sequence[Sample]) -> list[tuple[float, float]]:
    return [(one.waited_s, one.wall_s) for one in samples]


def _goals(figures: Figures) -> str:
    checks, opens = figures.checks, figures.opens
    ours = checks[OURS]
    goals = [
        Goal(
            what=f"checks per CPU second against {name}",
            spread=_ratios(ours.busy, checks[name].busy, _rate),
            at_least=bound,
        )
        for name, bound in ((OIDC_PROVIDER.name, 3), (BETTER_AUTH.name, 10))
    ]
    for name in (OIDC_PROVIDER.name, BETTER_AUTH.name):
        its = checks[name]
        busy, offered = _p99s(ours.busy, its.busy), _p99s(ours.offered, its.offered)
        goals += [
            Goal(what=f"p99 of a check against {name}, busy", spread=busy, below=1),
            Goal(what=f"p99 of a check against {name}, fixed rate", spread=offered, below=1),
        ]
    rate = _ratios(opens[OURS].busy, opens[BETTER_AUTH.name].busy, _rate)
    goals += [
        Goal(
            what="check of a signature against the bare verification",
            spread=_signing(figures),
            below=1.6,
        ),
        Goal(what=f"openings per CPU second against {BETTER_AUTH.name}", spread=rate, at_least=3),
    ]
    lines = ["| ratio | goal | whole run (rounds, min to max) | |", "| --- | --- | --- | --- |"]
    return "\n".join([*lines, *map(str, goals)])


def _machine() -> str:
    """Return what the machine is in general words."""
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    model = re.sub(r"\((?:R|TM)\)", "", found[1]).strip() if found else platform.machine()
    return f"{os.cpu_count()} cores of a virtual or real {model}"


def _versions() -> str:
    node = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True).stdout
    pinned = json.loads((PEERS / "package.json").read_text())["dependencies"]
    python = re.findall(
        r"^(django|gunicorn)==(\S+)", (PEERS / "requirements.txt").read_text(), re.MULTILINE
    )
    names = (
        OIDC_PROVIDER.name,
        EXPRESS_SESSION.name,
        BETTER_AUTH.name,
        "express",
        "better-sqlite3",
    )
    told = [
        f"Python {platform.python_version()}",
        f"SQLite {sqlite3.sqlite_version}",
        *(f"{name} {version(name)}" for name in ("uvicorn", "uvloop", "httptools", "msgspec")),
        f"Node {node.strip().removeprefix('v')}",
        *(f"{name} {pinned[name]}" for name in names),
        *(f"{DJANGO.name if name == 'django' else name} {number}" for name, number in python),
    ]
    return ", ".join(told)
