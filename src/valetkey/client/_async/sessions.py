"""Sessions of an organization: opened, handed out, listed and stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.client._async.children import AsyncChildren, OpenedChild
from valetkey.client._async.hand_off import REDEEM, hand_off
from valetkey.client._async.meter import watch, watch_all
from valetkey.client._async.openings import AsyncOpenings
from valetkey.client._async.session import AsyncHeldSession, child_of
from valetkey.client._async.stops import AsyncStops
from valetkey.client.asks import path_of, read, write
from valetkey.client.opening import exported, holder_terms, verified_session
from valetkey.core.errors import Code, Malformed
from valetkey.wire import session as wire
from valetkey.wire import stop as wire_stop
from valetkey.wire.base import Page, read_address
from valetkey.wire.permission import read_permission
from valetkey.wire.wallet import AccountState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from typing import Literal, Unpack

    from valetkey.client.filters import SessionFilters
    from valetkey.client.keys import HolderKey
    from valetkey.client.opening import ChildOptions
    from valetkey.client.owner import Owner
    from valetkey.client.permission import Draft
    from valetkey.core.permission.model import Permission
    from valetkey.wire.child_session import HandedOff
    from valetkey.wire.meter import OrganizationMeter


class AsyncSessions(AsyncOpenings):
    """Rights to act, for a while and within limits."""

    async def open_under(
        self,
        parent_id: str,
        permission: Draft | Permission,
        *,
        key: HolderKey | None = None,
        **options: Unpack[ChildOptions],
    ) -> AsyncHeldSession:
        """
        Return a narrower session under another one of the organization, held here.

        >>> worker = await vk.sessions.open_under(session.id, draft, label="worker 1")

        Args, Raises: As `AsyncHeldSession.open_child`.
        """
        parent = await self.get(parent_id)
        if parent.permission is None or parent.account_id is None:
            detail = "expected a parent with a permission, got one that only reads"
            raise Malformed(Code.MALFORMED_PERMISSION, detail)
        account = await self._account(parent.account_id)
        path = path_of("/v1/sessions/{key}/children", key=parent_id)
        chain = parent.permission.chain
        under = AsyncChildren(self._line, path)
        opened = await under.open(permission, chain=chain, key=key, **options)
        return child_of(self._line, opened, account=read_address(account.address, "address"))

    async def export_session(
        self, scope: Literal["read", "write"] = "read", *, ttl: int = 120
    ) -> HandedOff:
        """
        Return a code for one use, for a session under the one whose token this client has.

        Args: As `AsyncHeldSession.export_session`.
        """
        return await hand_off(self._line, scope, ttl)

    async def redeem(
        self, code: str, *, expires_in: int | None = None, **options: Unpack[ChildOptions]
    ) -> wire.OpenedSession:
        """
        Return a new session that reads, under the one that was handed off; see its ``token``.

        >>> opened = await vk.sessions.redeem(code, expires_in=300)

        Raises:
            Unauthenticated: ``code_refused``: the code was used, is too old, or is none of the
                organization.
        """
        under = AsyncChildren(self._line, REDEEM, code)
        return await under.open_reader(expires_in=expires_in, **options)

    async def redeem_to_write(
        self,
        code: str,
        permission: Draft | Permission,
        *,
        chain: str,
        key: HolderKey | None = None,
        **options: Unpack[ChildOptions],
    ) -> AsyncHeldSession:
        """
        Return a new session that writes, under the one that was handed off, held here.

        Args:
            chain: The CAIP-2 name of the chain of the session that was handed off.
            permission, key: As `AsyncHeldSession.open_child`.

        Raises:
            Unauthenticated: As `redeem`.
            Forbidden: No more than reading was handed off, or the permission is not within.
        """
        under = AsyncChildren(self._line, REDEEM, code)
        opened = await under.open(permission, chain=chain, key=key, **options)
        shown = await self.get(opened.session_id)
        account = await self._account(shown.account_id or "")
        return child_of(self._line, opened, account=read_address(account.address, "address"))

    async def attach(
        self,
        session_id: str,
        key: HolderKey,
        *,
        account: str | None = None,
        permission: Permission | None = None,
    ) -> AsyncHeldSession:
        """
        Return a session whose *key* is here, opened by somebody else.

        >>> vk = AsyncValetkey(url)  # no API key: the session's own key is the proof
        >>> session = await vk.sessions.attach(session_id, key)

        Args:
            account: The address that it must act for; None takes the server's word.
            permission: What it must be allowed; None takes the server's word, and then checks that
                the grant says the same.

        Raises:
            RefusedToSign: The grant is for another key, account or permission.
        """
        holder = self._held_by(session_id, key)
        session = await holder.send(read(wire.Session, "/v1/session"))
        if permission is None and session.permission is not None:
            permission = read_permission(session.permission)
        if account is None:
            path = path_of("/v1/accounts/{key}/state", key=session.account_id or "")
            account = (await holder.send(read(AccountState, path))).address
        terms = holder_terms(key, account, permission)
        if session.parent_id is not None:
            opened = OpenedChild(session.id, key, terms.permission)
            return child_of(self._line, opened, account=terms.account)
        verified = verified_session(session, terms)
        return AsyncHeldSession(session_id, holder=holder, key=key, verified=verified)

    async def load(self, exported_text: str) -> AsyncHeldSession:
        """
        Return the session that `AsyncHeldSession.export` wrote.

        Raises:
            Malformed: The text is none; nothing of it is repeated.
        """
        parts = exported(exported_text)
        return await self.attach(
            parts.session_id, parts.key, account=parts.account, permission=parts.permission
        )

    async def get(self, session_id: str) -> wire.Session:
        """Return one session as it is now."""
        return await self._line.send(
            read(wire.Session, path_of("/v1/sessions/{key}", key=session_id))
        )

    async def current(self) -> wire.Session:
        """Return the session that this client is, by its token."""
        return await self._line.send(read(wire.Session, "/v1/session"))

    def list(self, **filters: Unpack[SessionFilters]) -> AsyncIterator[wire.Session]:
        """
        Yield the sessions, newest first unless told.

        >>> for session in vk.sessions.list(state="open", contract=router):
        ...     print(session.id, session.headline)

        Args:
            filters: As `SessionFilters` says; only those that are all of it.
        """
        return self._line.pages(Page[wire.Session], "/v1/sessions", **filters)

    async def watch(self, session_id: str) -> AsyncIterator[wire.Session]:
        """
        Yield one session now, and again as soon as something about it changes, until it is over.

        A stream that breaks off is asked for again, and begins with how things are then.
        """
        async for now in watch(self._line, await self.get(session_id)):
            yield now

    def top(self, *, organization_id: str | None = None) -> AsyncIterator[OrganizationMeter]:
        """
        Yield the sessions that are in use, most used first, again after each change.

        Args:
            organization_id: One below; None is the own.
        """
        return watch_all(self._line, organization_id)

    async def freeze(self, session_id: str, *, owner: Owner | None = None) -> wire_stop.Stopped:
        """Return the session, frozen: refused from now on, and on chain if *owner* signs."""
        return await AsyncStops(self._line).freeze(session_id, owner=owner)

    async def unfreeze(self, session_id: str, *, owner: Owner | None = None) -> wire_stop.Stopped:
        """Return the session, in use again."""
        return await AsyncStops(self._line).unfreeze(session_id, owner=owner)

    async def revoke(self, session_id: str) -> wire_stop.Stopped:
        """Return the session, ended: refused from now on, and on chain by its kill note."""
        return await AsyncStops(self._line).revoke(session_id)

    async def revoke_all(
        self, scope: Literal["user", "wallet", "organization"], scope_id: str
    ) -> Sequence[wire_stop.Stopped]:
        """Return every session of a user, wallet or organization, ended."""
        body = wire_stop.RevokeAll(scope=scope, scope_id=scope_id)
        return (
            await self._line.send(write(wire_stop.StoppedAll, "/v1/sessions/revoke", body))
        ).items
