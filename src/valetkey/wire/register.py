"""Sessions put on their chains before their first use."""

from __future__ import annotations

from valetkey.wire.activity import Activity
from valetkey.wire.base import Asked, Signature, Told
from valetkey.wire.quiet import quiet
from valetkey.wire.session import Session


class Register(Asked, frozen=True, kw_only=True):
    """
    Put a grant on its chain before its first use.

    Args:
        owner_signature: The owner's over the grant; none for a session that has it.
        kill_note: The owner's over the revocation. When left out, the relayer of this server signs,
            if the grant binds it.
    """

    owner_signature: Signature | None = None
    kill_note: Signature | None = None

    __repr__ = quiet("kill_note")


class Registered(Told, frozen=True, kw_only=True):
    """A session on its way to its chain, and what brings it there."""

    session: Session
    activity: Activity
