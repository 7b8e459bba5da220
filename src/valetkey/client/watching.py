"""What the events of a meter mean: how a session is now, and why there will be no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from valetkey.client.errors import known_code, unreachable
from valetkey.core.errors import Code, Forbidden, Unauthenticated, Unavailable, ValetkeyError
from valetkey.core.session import State
from valetkey.wire.meter import Meter, MeterEnd

if TYPE_CHECKING:
    from valetkey.client.sse import Heard
    from valetkey.wire.session import Session

T = TypeVar("T")
SILENCE_S: Final = 45.0  # three heartbeats
_OVER: Final = frozenset({State.REVOKED, State.EXPIRED, State.CLOSED})
_FORBIDDEN: Final = frozenset({Code.SESSION_FROZEN, Code.SCOPE_MISSING})
_PASSING: Final = frozenset({Code.NOT_READY, Code.STORE_UNAVAILABLE})


def merged(session: Session, meter: Meter) -> Session:
    """Return *session* as it is by *meter*."""
    return msgspec.structs.replace(
        session,
        state=meter.state,
        ends_at=meter.ends_at,
        calls=meter.calls,
        calls_left=meter.calls_left,
        remaining=meter.remaining,
        steps=meter.steps,
    )


def is_over(session: Session) -> bool:
    """Say whether *session* has reached an end that it cannot leave."""
    return session.state in _OVER


def why_ended(heard: Heard) -> ValetkeyError:
    """
    Return why a stream was ended.

    `Unavailable` if the server had to, and another stream may be asked for.
    """
    end = told(heard, MeterEnd)
    code, unknown = known_code(end.code)
    kind = Unavailable if code in _PASSING else Forbidden if code in _FORBIDDEN else Unauthenticated
    return kind(code, end.detail, **unknown)


def told(heard: Heard, kind: type[T]) -> T:
    """Return what an event says."""
    try:
        return msgspec.json.decode(heard.data, type=kind)
    except msgspec.DecodeError as error:
        raise unreachable(f"expected an event of a valetkey server, got: {error}") from None
