"""
Write the table in docs/reference/metrics.md from the metrics themselves.

`python tools/write_metrics.py` prints it; with `--write` it replaces the one in docs. A test
compares the two.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prometheus_client.metrics import MetricWrapperBase

from valetkey.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import CollectorRegistry

PAGE: Final = Path(__file__).parents[1] / "docs" / "reference" / "metrics.md"
_TABLE: Final = re.compile(r"(?<=^\| metric \| kind).*?\n\n", re.MULTILINE | re.DOTALL)


def rows(registry: CollectorRegistry) -> Iterator[tuple[str, str, tuple[str, ...], str]]:
    """Yield name, kind, labels and meaning of each metric of ours."""
    for metric in list(registry._collector_to_names):  # noqa: SLF001 - it shows no labels otherwise
        if isinstance(metric, MetricWrapperBase):
            (family,) = metric.describe()
            name = family.name + ("_total" if family.type == "counter" else "")
            yield name, family.type, metric._labelnames, family.documentation  # noqa: SLF001 - as above


def render() -> str:
    """Return the page as it is committed: its text as it is, its table made anew."""
    lines = [
        f"| `{name}` | {kind} | {', '.join(f'`{one}`' for one in labels) or '—'} | {says} |\n"
        for name, kind, labels, says in sorted(rows(Metrics().registry))
    ]
    table = " | labels | says |\n|---|---|---|---|\n" + "".join(lines) + "\n"
    return _TABLE.sub(lambda _: table, PAGE.read_text(), count=1)


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        PAGE.write_text(render())
    else:
        print(render(), end="")
