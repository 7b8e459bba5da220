"""
Draw docs/reference/session-states.md from the transitions in `valetkey.core.session`.

`python tools/draw_states.py` prints the page; with `--write` it replaces the one in docs. A test
compares the two.
"""

from __future__ import annotations

import sys
from pathlib import Path

from valetkey.core.session import TRANSITIONS, Event, State

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "session-states.md"

STATES = {
    State.PENDING: "The owner's signature is outstanding.",
    State.OPEN: "It may be used, from `starts_at` on.",
    State.FROZEN: "It may not be used until the owner unfreezes it. The holder never can.",
    State.REVOKED: "The owner ended it.",
    State.EXPIRED: "Its time is over, or it was idle for too long.",
    State.EXHAUSTED: "All its calls are used or reserved.",
    State.CLOSED: "Its holder gave it back.",
}
EVENTS = {
    Event.GRANT: "the owner signs; or its chain has taken the grant, if it is put there first",
    Event.FREEZE: "the owner freezes it",
    Event.UNFREEZE: "the owner unfreezes it",
    Event.REVOKE: "the owner revokes it",
    Event.CLOSE: "the holder closes it",
    Event.EXPIRE: (
        "the second `expires_at` comes, or `idle_s` seconds pass without use; on a vendor's"
        " surface, a day without the owner's signature"
    ),
    Event.EXHAUST: "the last call is booked",
    Event.RELEASE: "a reserved call is given back, for the chain can no longer take it",
}
HEAD = """# Session states

Drawn from `TRANSITIONS` in `src/valetkey/core/session.py` by `tools/draw_states.py`, not written by
hand. What is not in the table does not happen: the event is refused, or changes nothing.

`expired` and `exhausted` follow from time and use, and are never stored: the first invalid second
ends a session without anybody doing anything. When both hold, `expired` is shown. Idle time is
counted by the server alone: a session with a grant that expired of it alone is revoked as from the
state before, so that its chain hears of it."""


def draw() -> str:
    """Return the page."""
    parts = (HEAD, _states(), _events(), _table(), _diagram())
    return "\n\n".join(parts) + "\n"


def _states() -> str:
    rows = [f"| `{state}` | {STATES[state]} |" for state in State]
    return "\n".join(["| state | means |", "|---|---|", *rows])


def _events() -> str:
    rows = [f"| `{event}` | {EVENTS[event]} |" for event in Event]
    return "\n".join(["| event | happens when |", "|---|---|", *rows])


def _table() -> str:
    head = ["| from | " + " | ".join(f"`{event}`" for event in Event) + " |"]
    head.append("|---" * (len(Event) + 1) + "|")
    return "\n".join(head + [f"| `{state}` | {' | '.join(_row(state))} |" for state in State])


def _row(state: State) -> list[str]:
    ends = [TRANSITIONS.get((state, event)) for event in Event]
    return [f"`{end}`" if end else "" for end in ends]


def _diagram() -> str:
    arrows = [f"    {start} --> {end}: {event}" for (start, event), end in TRANSITIONS.items()]
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {State.PENDING}: opened, unsigned"]
    lines += [f"    [*] --> {State.OPEN}: opened, signed or without a grant", *arrows, "```"]
    return "\n".join(lines)


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        PAGE.write_text(draw(), encoding="utf-8")
    else:
        print(draw(), end="")
