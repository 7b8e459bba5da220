"""What counts as a change of a session, and when there will be no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from valetkey.core.session import State

if TYPE_CHECKING:
    from valetkey.wire.session import Session

MIN_EVERY_S: Final = 0.05
_ENDS: Final = frozenset({State.REVOKED, State.EXPIRED, State.CLOSED})


def has_changed(before: Session | None, now: Session) -> bool:
    """Say whether more is new than the time of the last use: looking is a use, too."""
    if before is None:
        return True
    same_times = msgspec.structs.replace(before, last_used_at=now.last_used_at, ends_at=now.ends_at)
    return same_times != now


def is_over(session: Session) -> bool:
    """Say whether *session* has reached an end that it cannot leave."""
    return session.state in _ENDS
