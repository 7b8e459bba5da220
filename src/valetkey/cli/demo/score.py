"""What the demo expects of each attempt, and whether it got it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from valetkey.cli.demo.attacker import Verdict
from valetkey.core.errors import ValetkeyError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from valetkey.core.errors import Code


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    One thing that had to happen.

    Args:
        plane: ``server`` or ``chain``.
        expected: A refusal's code; empty if it had to go through.
    """

    what: str
    plane: str
    expected: str
    verdict: Verdict

    @property
    def is_right(self) -> bool:
        """Whether it happened."""
        return self.verdict.code == self.expected


@dataclass(slots=True)
class Score:
    """Everything that was attempted so far."""

    outcomes: list[Outcome] = field(default_factory=list)

    def note(self, what: str, plane: str, expected: Code | None, verdict: Verdict) -> Outcome:
        """Return the attempt, noted."""
        outcome = Outcome(what, plane, expected.value if expected else "", verdict)
        self.outcomes.append(outcome)
        return outcome

    def check(self, what: str, *, is_right: bool, got: object) -> None:
        """Note something that had to be true."""
        code = "" if is_right else "wrong"
        self.outcomes.append(Outcome(what, "check", "", Verdict(code, str(got))))

    def wrong(self) -> list[Outcome]:
        """Return what went otherwise than it must."""
        return [one for one in self.outcomes if not one.is_right]


async def attempt(doing: Awaitable[object]) -> Verdict:
    """Return whether *doing* went through the server, or what refused it."""
    try:
        await doing
    except ValetkeyError as refused:
        return Verdict(refused.code.value, refused.detail)
    return Verdict("", "it went through")
