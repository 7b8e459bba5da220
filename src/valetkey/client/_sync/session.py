# Written by tools/unasync.py from ../_async/session.py: change that one.
"""One session: acted under, watched and stopped."""

from __future__ import annotations

import time
from contextlib import suppress
from time import sleep
from typing import TYPE_CHECKING, Final, Self

from valetkey.client._sync.line import Line
from valetkey.client.asks import look, path_of, read, write
from valetkey.client.calls import payment, transfer, units_of
from valetkey.client.errors import RefusedToSign
from valetkey.client.keys import RunKey, SessionKey, StampKey
from valetkey.client.opening import export_text
from valetkey.client.proofs import Signed
from valetkey.client.rotation import rotate_body
from valetkey.client.runs import is_settled, run_digest, succeeded
from valetkey.client.watching import MIN_EVERY_S, has_changed, is_over
from valetkey.core.errors import (
    Code,
    Conflict,
    Forbidden,
    Malformed,
    Unauthenticated,
    Unavailable,
)
from valetkey.wire import activity as wire_activity
from valetkey.wire import session as wire
from valetkey.wire import stop as wire_stop
from valetkey.wire.base import Nothing, Page, hexed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from valetkey.client.consent import Verified
    from valetkey.client.keys import HolderKey
    from valetkey.client.values import Address, Amount
    from valetkey.core.permission.model import Call, Permission

POLL_S: Final = 0.5
WAIT_S: Final = 60.0


class HeldSession:
    """
    A session whose key is in this process.

    As a context manager it is closed at the end: its power ends with the block.

    Args:
        holder: Signs with the session's key.
        key: It never leaves this object but by `export`.
        verified: The grant, compared with what was asked for.
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
        """The id under which the chain knows it."""
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
        if not isinstance(self._key, RunKey):
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

    def show(self) -> wire.Session:
        """Return the session as it is now: state, use, what is left."""
        return self._holder.send(read(wire.Session, "/v1/session"))

    def watch(self, *, every_s: float = 2.0) -> Iterator[wire.Session]:
        """
        Yield the session now, and again whenever something about it has changed, until it is over.

        >>> for now in session.watch():
        ...     print(now.state, now.remaining)

        Args:
            every_s: How often to look, at least 0.05.

        Raises:
            Forbidden: It was frozen or ended, and its holder may not even look any more.
        """
        before: wire.Session | None = None
        while True:
            now = self.show()
            if has_changed(before, now):
                yield now
            if is_over(now):
                return
            before = now
            sleep(max(every_s, MIN_EVERY_S))

    def activities(self) -> Iterator[wire_activity.Activity]:
        """Yield what was done under the session, newest first."""
        return self._holder.pages(Page[wire_activity.Activity], "/v1/activities")

    def close(self) -> wire_stop.Stopped:
        """Give the session back: it is refused from now on, here and then on chain."""
        return self._holder.send(write(wire_stop.Stopped, "/v1/session/close", Nothing()))

    def rotate_key(self, new: HolderKey | None = None) -> wire.Session:
        """
        Return the session, held by a new key: the old one is refused from now on.

        >>> session.rotate_key()  # a new StampKey, made here

        When the answer is lost, the new key is tried: it is in use, or the old one still is. When
        that cannot be found out either (``Unavailable``), call it again: it takes the same key.

        Args:
            new: None makes a `StampKey`; one that signs runs belongs to a session of its own.

        Raises:
            Malformed: *new* is a key that signs runs.
            Conflict: The session's key stands in its grant (``session_key_fixed``), or the new
                key holds a session of another account.
        """
        new = new or self._next_key or StampKey.generate()
        if isinstance(new, RunKey):
            detail = "key: expected one that signs requests alone, such as StampKey"
            raise Malformed(Code.MALFORMED_BODY, f"{detail}, got one that signs runs")
        holder = Line(self._holder.connection, Signed(self.id, new))
        body = rotate_body(self.id, old=self._key, new=new)
        try:
            shown = self._holder.send(write(wire.Session, "/v1/session/key", body))
        except (Unauthenticated, Unavailable) as error:
            self._next_key = new
            try:
                shown = holder.send(read(wire.Session, "/v1/session"))
            except Unauthenticated:
                self._next_key = None
                raise error from None
        self._holder, self._key, self._next_key = holder, new, None
        return shown

    def export(self) -> str:
        """
        Return everything that another process needs to be this session, its private key included.

        Better is a key that was made there: see `Sessions.open_for`.

        Raises:
            Conflict: Its key is on P-256, and is not exported.
        """
        if not isinstance(self._key, SessionKey):
            detail = "expected a session with a secp256k1 key, got a P-256 key"
            raise Conflict(Code.SESSION_STATE, detail)
        return export_text(self.id, self._verified, self._key)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(Forbidden, Unauthenticated, Conflict):  # stopped by somebody else
            self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id!r}, account={self.account!r})"
