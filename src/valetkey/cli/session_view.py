"""Sessions as a person reads them: tables, and a live one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.text import Text

from valetkey.cli.terminal import plain, table_of
from valetkey.core.session import State
from valetkey.core.units import format_amount, format_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType
    from rich.table import Table

    from valetkey.wire.activity import Step
    from valetkey.wire.session import Remaining, Session

_STYLES: Final = {
    State.PENDING: "yellow",
    State.OPEN: "green",
    State.FROZEN: "cyan",
    State.EXHAUSTED: "yellow",
}
_ASKED: Final = "_requested"  # how the name of a stop's first step ends
_GOES_ON: Final = frozenset({State.PENDING, State.OPEN, State.FROZEN, State.EXHAUSTED})


def state_text(session: Session) -> Text:
    """Return the state in its colour."""
    return Text(plain(session.state), style=state_style(session.state))


def state_style(state: str) -> str:
    """Return the colour of a state."""
    return _STYLES.get(State(state), "red")


def left_text(session: Session, *, now: float) -> str:
    """Return the time that is left, such as ``59:58``; nothing for a session that has ended."""
    if session.state not in _GOES_ON:
        return "-"
    return format_duration(max(0, session.ends_at - int(now)))


def sessions_table(sessions: Iterable[Session]) -> Table:
    """Return one line for each session."""
    now = time.time()
    columns = ["session", "state", "left", "access", "label", "may"]
    return table_of(
        columns,
        (
            (
                one.id,
                state_text(one),
                left_text(one, now=now),
                one.access,
                one.label,
                one.headline.removeprefix("may "),
            )
            for one in sessions
        ),
    )


def session_view(session: Session) -> RenderableType:
    """Return everything about *session* that a person looks for."""
    parts: list[RenderableType] = [
        Text(plain(session.headline), style="bold"),
        table_of(["", ""], _facts(session)),
    ]
    if session.remaining:
        parts += [Text(""), _limits(session)]
    if session.steps:
        parts += [Text(""), steps_table(session.steps)]
    return Group(*parts)


def _facts(session: Session) -> list[Sequence[object]]:
    worst = session.worst_case.text if session.worst_case else "nothing can be moved"
    calls = str(session.calls)
    if session.calls_left is not None:
        calls += f", {session.calls_left} left"
    rows: list[Sequence[object]] = [
        ("session", session.id),
        ("state", state_text(session)),
        ("time left", left_text(session, now=time.time())),
        ("worst case", worst),
        ("calls", calls),
        ("proof", f"{session.proof}, {session.access}"),
    ]
    more = (
        ("under", session.parent_id),
        ("depth", session.depth),
        ("account", session.account_id),
        ("owner's key", session.owner_key),
        ("session key", session.session_key),
        ("grant", session.grant_id),
        ("user", session.user_id),
        ("label", session.label),
        ("device", session.device),
    )
    return [*rows, *((name, value) for name, value in more if value)]


def _limits(session: Session) -> Table:
    columns = ["limit", "of", "spent", "left"]
    return table_of(columns, (_limit(session, one) for one in session.remaining))


def _limit(session: Session, one: Remaining) -> Sequence[object]:
    decimals = 0
    for cap in session.permission.caps if session.permission else ():
        if cap.asset == one.asset:
            decimals = cap.decimals or 0
    spent, left, limit = (
        format_amount(int(amount), decimals=decimals) for amount in (one.spent, one.left, one.limit)
    )
    return one.caveat, f"{limit} {one.asset}", spent, left


def steps_table(steps: Sequence[Step]) -> Table:
    """Return when each plane was told, each stop counted from its own request."""
    rows: list[Sequence[object]] = []
    asked_at_ms = 0
    for one in steps:
        if not rows or one.name.endswith(_ASKED) or one.name == "unfrozen":
            asked_at_ms = one.at_ms
        rows.append((one.plane, one.name, f"{one.at_ms - asked_at_ms} ms"))
    return table_of(["plane", "step", "after"], rows)
