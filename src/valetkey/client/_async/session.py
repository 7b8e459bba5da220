"""One session: acted under, watched and stopped."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

from valetkey.client._async.acting import AsyncActing
from valetkey.client._async.children import AsyncChildren
from valetkey.client._async.hand_off import hand_off
from valetkey.client._async.line import AsyncLine
from valetkey.client._async.meter import watch
from valetkey.client.asks import look, path_of, read, write
from valetkey.client.consent import Terms, Verified
from valetkey.client.keys import RunKey, SessionKey, StampKey
from valetkey.client.opening import export_text
from valetkey.client.proofs import Signed
from valetkey.client.rotation import rotate_body
from valetkey.core.errors import (
    Code,
    Conflict,
    Forbidden,
    Malformed,
    Unauthenticated,
    Unavailable,
)
from valetkey.wire import session as wire
from valetkey.wire import stop as wire_stop
from valetkey.wire.base import Nothing, Page
from valetkey.wire.token import IssuedToken, IssueToken

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType
    from typing import Literal, Unpack

    from valetkey.client._async.children import OpenedChild
    from valetkey.client.keys import HolderKey
    from valetkey.client.opening import ChildOptions
    from valetkey.client.permission import Draft
    from valetkey.core.permission.model import Permission
    from valetkey.wire.child_session import HandedOff

_CHILDREN: Final = "/v1/session/children"


class AsyncHeldSession(AsyncActing):
    """
    A session whose key is in this process.

    As a context manager it is closed at the end: its power ends with the block.
    """

    async def show(self) -> wire.Session:
        """Return the session as it is now: state, use, what is left."""
        return await self._holder.send(read(wire.Session, "/v1/session"))

    async def watch(self) -> AsyncIterator[wire.Session]:
        """
        Yield the session now, and again as soon as something about it changes, until it is over.

        >>> async for now in session.watch():
        ...     print(now.state, now.remaining)

        Raises:
            Forbidden: It was frozen, and its holder may not even look any more.
            Unauthenticated: It was ended, and its holder may not see how.
        """
        async for now in watch(self._holder, await self.show()):
            yield now

    async def open_child(
        self,
        permission: Draft | Permission,
        *,
        key: HolderKey | None = None,
        **options: Unpack[ChildOptions],
    ) -> AsyncHeldSession:
        """
        Return a narrower session under this one, held here; the server signs its runs.

        >>> worker = await session.open_child(draft, label="worker 1")

        Args:
            permission: Within this session's. Windows are counted from its start, so with windows
                let it begin with this one.
            key: What its holder signs requests with; None makes a new `SessionKey`.

        Raises:
            Forbidden: It is not within, or the chain key of this session is not the server's.
            Limited: As many as may be are in use under this session.
        """
        under = AsyncChildren(self._holder, _CHILDREN)
        chain = self.permission.chain
        opened = await under.open(permission, chain=chain, key=key, **options)
        return child_of(self._holder, opened, account=self._verified.terms.account)

    async def open_reader(
        self, *, expires_in: int | None = None, **options: Unpack[ChildOptions]
    ) -> wire.OpenedSession:
        """Return a session under this one that only reads; its ``token`` is shown this once."""
        under = AsyncChildren(self._holder, _CHILDREN)
        return await under.open_reader(expires_in=expires_in, **options)

    async def export_session(
        self, scope: Literal["read", "write"] = "read", *, ttl: int = 120
    ) -> HandedOff:
        """
        Return a code for one use, which a backend exchanges for a session of its own under this.

        >>> given = await session.export_session("read", ttl=60)
        >>> opened = await vk.sessions.redeem(given.code)  # there, with the organization's key

        Nothing of this session is in it: what the backend gets is narrower, has a key or token of
        its own, and is revoked apart from this one. There are no codes for more than one use.

        Args:
            scope: The most that the backend's session may be.
            ttl: Seconds, at most 600.
        """
        return await hand_off(self._holder, scope, ttl)

    def children(self) -> AsyncIterator[wire.Session]:
        """Yield the sessions directly under this one, newest first."""
        return self._holder.pages(Page[wire.Session], _CHILDREN)

    async def revoke_child(self, session_id: str) -> wire_stop.Stopped:
        """Return a session below this one, ended, with all below it."""
        path = path_of("/v1/session/children/{key}/revoke", key=session_id)
        return await self._holder.send(write(wire_stop.Stopped, path, Nothing()))

    async def close(self) -> wire_stop.Stopped:
        """Give the session back: it is refused from now on, here and then on chain."""
        return await self._holder.send(write(wire_stop.Stopped, "/v1/session/close", Nothing()))

    async def token(self, audience: str, *, life_s: int | None = None) -> IssuedToken:
        """
        Return a short-lived JSON Web Token that says which session asks, for *audience* alone.

        >>> issued = await session.token("https://shop.example")  # checked with `tokens.keys`

        Args:
            life_s: At most 60 where the session may write, else 300; None is as long as may be.
        """
        body = IssueToken(audience=audience, life_s=life_s)
        return await self._holder.send(look(IssuedToken, "/v1/session/token", body))

    async def rotate_key(self, new: HolderKey | None = None) -> wire.Session:
        """
        Return the session, held by a new key: the old one is refused from now on.

        >>> await session.rotate_key()  # a new StampKey, made here

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
        holder = AsyncLine(self._holder.connection, Signed(self.id, new))
        body = rotate_body(self.id, old=self._key, new=new)
        try:
            shown = await self._holder.send(write(wire.Session, "/v1/session/key", body))
        except (Unauthenticated, Unavailable) as error:
            self._next_key = new
            try:
                shown = await holder.send(read(wire.Session, "/v1/session"))
            except Unauthenticated:
                self._next_key = None
                raise error from None
        self._holder, self._key, self._next_key = holder, new, None
        return shown

    def export(self) -> str:
        """
        Return everything that another process needs to be this session, its private key included.

        Better is a key that was made there: see `AsyncSessions.open_for`.

        Raises:
            Conflict: Its key is on P-256, and is not exported.
        """
        if not isinstance(self._key, SessionKey):
            detail = "expected a session with a secp256k1 key, got a P-256 key"
            raise Conflict(Code.SESSION_STATE, detail)
        return export_text(self.id, self._verified, self._key)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(Forbidden, Unauthenticated, Conflict):  # stopped by somebody else
            await self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id!r}, account={self.account!r})"


def child_of(line: AsyncLine, opened: OpenedChild, *, account: bytes) -> AsyncHeldSession:
    """
    Return a session that was opened under another, held by the key in *opened*.

    It has no grant, so nothing but requests is ever signed for it here.
    """
    holder = AsyncLine(line.connection, Signed(opened.session_id, opened.key))
    verified = Verified(Terms(account, opened.permission, None), b"")
    return AsyncHeldSession(opened.session_id, holder=holder, key=opened.key, verified=verified)
