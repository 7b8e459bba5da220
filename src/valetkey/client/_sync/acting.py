# Written by tools/unasync.py from ../_async/acting.py: change that one.
"""Runs under one session: made, waited for, and looked at."""

from __future__ import annotations

import time
from time import sleep
from typing import TYPE_CHECKING, Final

from valetkey.client.asks import look, path_of, read, write
from valetkey.client.calls import payment, transfer, units_of
from valetkey.client.errors import RefusedToSign
from valetkey.client.keys import RunKey
from valetkey.client.runs import is_settled, run_digest, succeeded
from valetkey.core.errors import (
    Code,
    Conflict,
    Unavailable,
)
from valetkey.wire import activity as wire_activity
from valetkey.wire.base import Page, hexed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from valetkey.client._sync.line import Line
    from valetkey.client.consent import Verified
    from valetkey.client.keys import HolderKey
    from valetkey.client.values import Address, Amount
    from valetkey.core.permission.model import Call, Permission

POLL_S: Final = 0.5
WAIT_S: Final = 60.0


class Acting:
    """
    What the holder of a session does under it.

    Args:
        holder: Signs with the session's key.
        key: It never leaves this object but by export.
        verified: The grant, compared with what was asked for; none for a session under another.
    """

    def __init__(
        self, session_id: str, *, holder: Line, key: HolderKey, verified: Verified
    ) -> None:
        self.id = session_id
        self._holder = holder
        self._key = key
        self._next_key: HolderKey | None = None  # that may be in use already
        self._verified = verified

    @property
    def account(self) -> str:
        """The address that the session acts for."""
        return hexed(self._verified.terms.account)

    @property
    def permission(self) -> Permission:
        """What it may do."""
        return self._verified.terms.permission

    @property
    def grant_id(self) -> str:
        """
        The id under which the chain knows it.

        Raises:
            Conflict: The chain knows of no session under another.
        """
        if not self._verified.packed:
            detail = "expected a session with a grant on chain, got one under another"
            raise Conflict(Code.SESSION_STATE, detail)
        return hexed(self._verified.grant_id)

    def transfer(
        self, token: Address, to: Address, amount: Amount, *, wait_s: float = WAIT_S
    ) -> wire_activity.Activity:
        """
        Return the activity that transferred *amount* of an ERC-20 token.

        >>> session.transfer(token, to, "1.5")

        Args:
            amount: Text is whole units, by the decimals of the permission; an integer is the
                smallest unit.
            wait_s, and what it raises: as `run`.
        """
        units = units_of(token, amount, self.permission)
        return self.run([transfer(token, to, units)], wait_s=wait_s)

    def pay(self, to: Address, amount: Amount, *, wait_s: float = WAIT_S) -> wire_activity.Activity:
        """
        Return the activity that paid *amount* of the native coin.

        >>> session.pay(to, "0.01")

        Args:
            amount: Text is whole coins, an integer is wei.
            wait_s, and what it raises: as `run`.
        """
        return self.run([payment(to, amount)], wait_s=wait_s)

    def run(self, calls: Sequence[Call], *, wait_s: float = WAIT_S) -> wire_activity.Activity:
        """
        Return the activity that made *calls*, all of them or none.

        Args:
            wait_s: How long to wait for the chain. An activity that is not settled by then is
                returned as it is.

        Raises:
            Forbidden: The permission, or the state of the session, refuses; nothing is booked.
            Limited: A budget above the session is used up.
            ChainRejected: The chain refused, or the deadline passed.
            RefusedToSign: The server wants something else signed than *calls*.
            Unavailable: No answer. If ``facts`` has an ``activity_id``, the run may be on its way:
                ask for that activity before making the calls again.
        """
        body = wire_activity.Run(calls=[wire_activity.write_call(call) for call in calls])
        activity = self._holder.send(write(wire_activity.Activity, "/v1/runs", body))
        try:
            if activity.next_action is not None:
                signature = self._sign(calls, activity.next_action)
                path = path_of("/v1/activities/{key}/signature", key=activity.id)
                signed = wire_activity.SignRun(signature=hexed(signature))
                activity = self._holder.send(write(wire_activity.Activity, path, signed))
            return succeeded(self._settled(activity, wait_s))
        except Unavailable as error:
            error.facts["activity_id"] = activity.id
            raise

    def _sign(self, calls: Sequence[Call], asked: wire_activity.SignNext) -> bytes:
        if not isinstance(self._key, RunKey) or not self._verified.packed:
            expected = "nothing, for the server has the chain key"
            raise RefusedToSign("next_action", expected=expected, got=asked.kind)
        digest = run_digest(self._verified, calls, asked, now=int(time.time()))
        return self._key.sign_digest(digest)

    def _settled(self, activity: wire_activity.Activity, wait_s: float) -> wire_activity.Activity:
        end = time.monotonic() + wait_s
        path = path_of("/v1/activities/{key}", key=activity.id)
        while not is_settled(activity) and time.monotonic() < end:
            sleep(POLL_S)
            activity = self._holder.send(read(wire_activity.Activity, path))
        return activity

    def preview(self, calls: Sequence[Call]) -> wire_activity.Verdict:
        """Return what a run of *calls* would be answered now. Nothing is booked."""
        body = wire_activity.Preview(calls=[wire_activity.write_call(call) for call in calls])
        path = path_of("/v1/sessions/{key}/preview", key=self.id)
        return self._holder.send(look(wire_activity.Verdict, path, body))

    def activities(self) -> Iterator[wire_activity.Activity]:
        """Yield what was done under the session, newest first."""
        return self._holder.pages(Page[wire_activity.Activity], "/v1/activities")
