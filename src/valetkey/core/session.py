"""Sessions: who holds one, what it may do, when, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code
from valetkey.core.grant import grant_key_index
from valetkey.core.permission.decide import Deny
from valetkey.core.surface import Surface
from valetkey.core.token import TokenType
from valetkey.core.units import DAY_S
from valetkey.core.wallet import OwnerKey

if TYPE_CHECKING:
    from valetkey.core.grant import Grant
    from valetkey.core.permission.decide import Spent
    from valetkey.core.permission.model import Permission
    from valetkey.core.principal import Access
    from valetkey.core.wallet import PublicKey


class Proof(StrEnum):
    """How the holder proves that the session is theirs."""

    BEARER = "bearer"
    STAMP = "stamp"
    CHAIN = "chain"


class State(StrEnum):
    """
    Where a session is in its life. The last four are ends, with one exception.

    ``EXHAUSTED`` counts calls that are only reserved: it is ``OPEN`` again when one is released.
    """

    PENDING = "pending"
    OPEN = "open"
    FROZEN = "frozen"
    REVOKED = "revoked"
    EXPIRED = "expired"
    EXHAUSTED = "exhausted"
    CLOSED = "closed"


class Event(StrEnum):
    """What moves a session from one state to another."""

    GRANT = "grant"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    REVOKE = "revoke"
    CLOSE = "close"
    EXPIRE = "expire"
    EXHAUST = "exhaust"
    RELEASE = "release"


# The whole life of a session. What is not here does not happen; docs/reference/session-states.md
# is drawn from it.
TRANSITIONS: Final = {
    (State.PENDING, Event.GRANT): State.OPEN,
    (State.PENDING, Event.REVOKE): State.REVOKED,
    (State.PENDING, Event.CLOSE): State.CLOSED,
    (State.PENDING, Event.EXPIRE): State.EXPIRED,
    (State.OPEN, Event.FREEZE): State.FROZEN,
    (State.OPEN, Event.REVOKE): State.REVOKED,
    (State.OPEN, Event.CLOSE): State.CLOSED,
    (State.OPEN, Event.EXPIRE): State.EXPIRED,
    (State.OPEN, Event.EXHAUST): State.EXHAUSTED,
    (State.EXHAUSTED, Event.FREEZE): State.FROZEN,
    (State.EXHAUSTED, Event.REVOKE): State.REVOKED,
    (State.EXHAUSTED, Event.CLOSE): State.CLOSED,
    (State.EXHAUSTED, Event.EXPIRE): State.EXPIRED,
    (State.EXHAUSTED, Event.RELEASE): State.OPEN,
    (State.FROZEN, Event.UNFREEZE): State.OPEN,
    (State.FROZEN, Event.REVOKE): State.REVOKED,
    (State.FROZEN, Event.CLOSE): State.CLOSED,
    (State.FROZEN, Event.EXPIRE): State.EXPIRED,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One moment of a stop, on one plane (``server`` or ``chain``)."""

    plane: str
    name: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Session:
    """
    A time-boxed right to act.

    Args:
        state: As stored; time and use are not in it: ask `state_of`.
        starts_at: First valid second.
        expires_at: First invalid second: the absolute end.
        idle_s: The session also ends when it was not used for so long; None is never.
        fingerprint: SHA-256 of its token in hex, if it has one. With a *key* the token is bound
            to it: good for reads, and only with a proof by the key (DPoP).
        key: What the holder signs requests with, for ``stamp`` and ``chain``; None where the chain
            alone knows the holder, by the address in the grant: such a one proves nothing here.
        owner_key: Where the key of the account's owner is, when there is an account.
        steps: When each plane stopped accepting it, oldest first.
        surface: Where it was opened; its proofs work there alone.
        parent_id: The session that it was opened under; None for a root.
        root_id: Of the session at the top, under whose grant its runs are made; None for a root.
        depth: How many sessions are above it.
        sponsorship_id: What is to pay for putting it on its chain, if that was named.
    """

    id: str
    organization_id: str
    user_id: str | None
    wallet_id: str | None
    account_id: str | None
    proof: Proof
    access: Access
    state: State
    label: str
    device: str
    created_at: int
    starts_at: int
    expires_at: int
    idle_s: int | None
    fingerprint: str | None
    key: PublicKey | None
    permission: Permission | None
    permission_id: str | None
    owner_key: OwnerKey | None
    grant: Grant | None
    steps: tuple[Step, ...] = ()
    surface: Surface = Surface.NATIVE
    parent_id: str | None = None
    root_id: str | None = None
    depth: int = 0
    sponsorship_id: str | None = None

    @property
    def token_type(self) -> TokenType:
        """What its token is worth alone."""
        return TokenType.BEARER if self.key is None else TokenType.DPOP

    @property
    def key_index(self) -> str | None:
        """
        What finds the sessions of the key, those of the organization alone (an indexed column).

        A public key is public: whoever else names it must not be found instead.
        """
        return f"{self.organization_id}/{self.key.data.hex()}" if self.key else None

    @property
    def lasts_until(self) -> int:
        """
        The first second at which it is over in any case: its end.

        On a vendor's surface any player may ask for sessions, and for no money: there it is a day
        after it was opened, as long as the account's owner has not signed.
        """
        is_native, grant = self.surface is Surface.NATIVE, self.grant
        if is_native or grant is None or grant.owner_signature is not None:
            return self.expires_at
        return min(self.expires_at, self.created_at + DAY_S)

    @property
    def waits_here(self) -> int | None:
        """1 while it waits for a signature by a key that this server has (an indexed column)."""
        is_here = self.owner_key not in {None, OwnerKey.OUTSIDE}
        return 1 if self.state is State.PENDING and is_here else None

    @property
    def grant_key_index(self) -> str | None:
        """What finds the sessions under whose grants the key signs (an indexed column)."""
        return grant_key_index(self.organization_id, self.grant.session_key) if self.grant else None


@dataclass(frozen=True, slots=True)
class Watch:
    """
    When the chain is asked next how a session stands there. ``id`` is `watch_id`.

    Args:
        alive: 1 if it was seen open on chain although it is over here, else 0 (indexed).
        over_in: The block in which the chain was first seen to have ended it, if it was.
    """

    id: str
    session_id: str
    due_at: int
    alive: int = 0
    over_in: int | None = None


def watch_id(session_id: str, *, due_at: int) -> str:
    """Return an id that sorts by time: what is due first comes first."""
    return f"{due_at:012d}/{session_id}"


@dataclass(frozen=True, slots=True)
class Usage:
    """
    How much of a session is booked, reservations included.

    Args:
        id: The session's.
        recent_nonces: Nonces of the grant that runs were seen to use, newest last.
    """

    id: str
    last_used_at: int
    spent: Spent
    recent_nonces: tuple[int, ...] = ()


_STOPPED: Final = frozenset({State.REVOKED, State.CLOSED})


def state_of(session: Session, usage: Usage, *, now: int) -> State:
    """Return the state of *session* at *now*, with time and use taken into account."""
    if session.state in _STOPPED:
        return session.state
    if now >= ends_at(session, usage):
        return State.EXPIRED
    if session.state is State.OPEN and _is_used_up(session, usage):
        return State.EXHAUSTED
    return session.state


def stoppable_state(session: Session, usage: Usage, *, now: int) -> State:
    """
    Return the state from which a stop of *session* leads on.

    Idle time is counted by the server alone, so a grant that was idle for too long is over here
    and may be alive on its chain: it is stopped from the state that it was in before.
    """
    state = state_of(session, usage, now=now)
    is_idle_only = state is State.EXPIRED and now < session.expires_at
    return session.state if is_idle_only and session.grant is not None else state


def ends_at(session: Session, usage: Usage) -> int:
    """Return the first second at which *session* is over, if it is not used again."""
    if session.idle_s is None:
        return session.lasts_until
    idle_since = max(usage.last_used_at, session.starts_at)
    return min(session.lasts_until, idle_since + session.idle_s)


def _is_used_up(session: Session, usage: Usage) -> bool:
    permission = session.permission
    if permission is None or permission.max_calls is None:
        return False
    return usage.spent.calls >= permission.max_calls


_REFUSALS: Final = {
    State.PENDING: (Code.SESSION_PENDING, "the owner has not signed it yet"),
    State.FROZEN: (Code.SESSION_FROZEN, "it is frozen; the owner may unfreeze it"),
    State.REVOKED: (Code.SESSION_REVOKED, "it was revoked; open a new one"),
    State.EXPIRED: (Code.SESSION_EXPIRED, "its time is over; open a new one"),
    State.EXHAUSTED: (Code.SESSION_EXHAUSTED, "all its calls are used; open a new one"),
    State.CLOSED: (Code.SESSION_CLOSED, "its holder closed it"),
}


def refusal(session: Session, usage: Usage, *, now: int) -> Deny | None:
    """Return why *session* may not be used at *now*, or None if it may."""
    state = state_of(session, usage, now=now)
    if state is not State.OPEN:
        code, detail = _REFUSALS[state]
        return Deny(code, "state", detail)
    if now < session.starts_at:
        return Deny(Code.SESSION_NOT_STARTED, "starts_at", f"it starts at {session.starts_at}")
    return None


def next_state(state: State, event: Event) -> State | None:
    """Return where *event* leads from *state*, or None if it does not happen there."""
    return TRANSITIONS.get((state, event))
