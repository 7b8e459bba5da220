"""What was compared, in a table: written beside the build, and held to the least that counts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.chain.differential.compare import Tally

BUILD: Final = Path(__file__).resolve().parents[3] / "build"


def table(tally: Tally, *, engine: str, seed: int) -> str:
    """Return the counts of *tally* as text."""
    drawn, one_off = tally.drawn.total(), tally.one_off.total()
    share = 100 * tally.drawn["accepted"] / drawn
    lines = [
        f"{engine}, seed {seed}, all agree",
        f"{drawn} cases, {share:.1f} % accepted; {one_off} again with one field one off",
        "",
        f"{'outcome':<20}{'as drawn':>10}{'one off':>10}",
    ]
    lines += [
        f"{name:<20}{tally.drawn[name]:>10}{tally.one_off[name]:>10}"
        for name in sorted({*tally.drawn, *tally.one_off})
    ]
    lines += ["", f"{'field one off':<20}{'cases':>10}"]
    lines += [f"{name:<20}{count:>10}" for name, count in sorted(tally.fields.items())]
    return "\n".join(lines) + "\n"


def write(text: str, name: str) -> None:
    """Keep *text* under ``build/``."""
    BUILD.mkdir(exist_ok=True)
    (BUILD / name).write_text(text)
