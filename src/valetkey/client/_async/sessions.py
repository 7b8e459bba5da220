"""Sessions of an organization: opened, handed out, listed and stopped."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from valetkey.client._async.line import AsyncLine
from valetkey.client._async.opened import AsyncSession
from valetkey.client._async.session import AsyncHeldSession
from valetkey.client._async.stops import AsyncStops
from valetkey.client.asks import path_of, read, write
from valetkey.client.consent import verify_consent
from valetkey.client.keys import SessionKey
from valetkey.client.kill_note import make_note
from valetkey.client.opening import (
    Holder,
    Opened,
    bound,
    exported,
    holder_of,
    holder_terms,
    open_body,
    public_key_of,
    terms_of,
    verified_of_owner,
    verified_session,
    whole,
)
from valetkey.client.proofs import Signed
from valetkey.wire import session as wire
from valetkey.wire import stop as wire_stop
from valetkey.wire.base import Page, hexed
from valetkey.wire.permission import read_permission
from valetkey.wire.server import Server
from valetkey.wire.wallet import Account, AccountState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from typing import Literal, Unpack

    from valetkey.client.keys import HolderKey
    from valetkey.client.kill_note import KillNote
    from valetkey.client.opening import KeyCurve, KeyProof, Options
    from valetkey.client.owner import Owner
    from valetkey.client.permission import Draft
    from valetkey.core.permission.model import Permission
    from valetkey.core.wallet import PublicKey


class AsyncSessions:
    """Rights to act, for a while and within limits."""

    def __init__(self, line: AsyncLine) -> None:
        self._line = line

    async def open(
        self,
        account: Account | str,
        permission: Draft | Permission,
        *,
        owner: Owner | None = None,
        key: HolderKey | None = None,
        user_id: str | None = None,
        idle_s: int | None = None,
        label: str = "",
        device: str = "",
    ) -> AsyncSession:
        """
        Return a session on *account*, held here.

        >>> draft = permission.erc20_transfers(
        ...     token, decimals=6, to=[shop], lifetime="20", expires_in=3600
        ... )
        >>> session = await vk.sessions.open(account_id, draft, owner=owner)

        Args:
            account: An id takes the address from the server; an `Account` pins it.
            owner: Signs the grant and the kill note at once. None leaves the session pending until
                `AsyncSession.grant`, unless the server holds the owner's key.
            key: What the holder signs with; None makes a new `SessionKey`. A `P256SessionKey` is
                for chains that check P-256; a `StampKey` leaves the chain key to the server.
            idle_s: It also ends when unused for so long; needs a bound relayer.

        Raises:
            RefusedToSign: The server's grant is not the one that was asked for.
            Malformed: The permission is not well formed, or the chain cannot enforce it.
        """
        known = await self._account(account)
        held = SessionKey.generate() if key is None else key
        options: Options = {"user_id": user_id, "idle_s": idle_s, "label": label, "device": device}
        opened = await self._open(known, permission, holder_of(held), **options)
        session_id = opened.answer.session.id
        session = AsyncSession(
            session_id,
            holder=self._held_by(session_id, held),
            key=held,
            verified=opened.verified,
            operator=self._line,
            owner=owner,
            findings=opened.answer.findings,
        )
        if opened.answer.next_action is None:
            await session.fetch_kill_note()
        elif owner is not None:
            await session.grant(owner)
        return session

    async def open_for(
        self,
        key: PublicKey | str,
        account: Account | str,
        permission: Draft | Permission,
        *,
        curve: KeyCurve = "secp256k1",
        proof: KeyProof = "chain",
        owner: Owner | None = None,
        label: str = "",
        device: str = "",
    ) -> wire.Session:
        """
        Return a session for a key that was made elsewhere, and stays there.

        The other process makes a `SessionKey`, or a browser a P-256 key, and tells the public half;
        a Python process takes the session up with `attach`.

        Args:
            key: A point as 0x and hex, 33 or 65 bytes.
            curve: What a point in hex is on.
            proof: ``stamp`` leaves the chain key to the server.
            owner: Signs the grant and the kill note at once.
        """
        known = await self._account(account)
        holder = Holder(public_key_of(key, curve=curve), proof)
        opened = await self._open(known, permission, holder, label=label, device=device)
        if opened.answer.next_action is None or owner is None:
            return opened.answer.session
        next_action = opened.answer.next_action
        path = path_of("/v1/sessions/{key}/grant", key=opened.answer.session.id)
        body = opened.accept(next_action, owner)
        return await self._line.send(write(wire.Session, path, body))

    async def grant(self, session: wire.Session, *, owner: Owner) -> KillNote:
        """
        Return the kill note of a session that waited for *owner*, whose signatures open it.

        Args:
            session: As it was shown to the owner: nothing else is signed.

        Raises:
            RefusedToSign: The account is not the owner's, or the server wants something else
                signed than *session* says.
        """
        verified = verified_of_owner(session, owner.address)
        path = path_of("/v1/sessions/{key}/consent", key=session.id)
        told = await self._line.send(read(wire.Consent, path))
        both = {"grant": told.grant, "kill_note": told.kill_note}
        signature, note = owner.sign_consent(verify_consent(both, verified.terms))
        path = path_of("/v1/sessions/{key}/grant", key=session.id)
        body = wire.AcceptGrant(owner_signature=hexed(signature), kill_note=hexed(note))
        await self._line.send(write(wire.Session, path, body))
        return make_note(session.id, verified, note)

    async def _open(
        self,
        account: Account,
        permission: Draft | Permission,
        holder: Holder,
        **options: Unpack[Options],
    ) -> Opened:
        asked = whole(permission, chain=account.chain, now=int(time.time()))
        if holder.proof == "stamp" and asked.relayer is None:
            asked = bound(asked, await self._line.send(read(Server, "/v1/server")))
        body = open_body(account, asked, holder, **options)
        answer = await self._line.send(write(wire.OpenedSession, "/v1/sessions", body))
        return Opened(answer, verified_session(answer.session, terms_of(account, asked, holder)))

    async def _account(self, account: Account | str) -> Account:
        if isinstance(account, Account):
            return account
        path = path_of("/v1/accounts/{key}", key=account)
        return await self._line.send(read(Account, path))

    def _held_by(self, session_id: str, key: HolderKey) -> AsyncLine:
        return AsyncLine(self._line.connection, Signed(session_id, key))

    async def open_reader(
        self,
        *,
        expires_in: int,
        user_id: str | None = None,
        account_id: str | None = None,
        idle_s: int | None = None,
        label: str = "",
        device: str = "",
    ) -> wire.OpenedSession:
        """
        Return a session that only reads; its ``token`` is shown this once.

        >>> reader = AsyncValetkey(url, api_key=opened.token)
        """
        body = wire.OpenSession(
            proof="bearer",
            access="read",
            ttl_s=expires_in,
            user_id=user_id,
            account_id=account_id,
            idle_s=idle_s,
            label=label,
            device=device,
        )
        return await self._line.send(write(wire.OpenedSession, "/v1/sessions", body))

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
        verified = verified_session(session, holder_terms(key, account, permission))
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

    def list(
        self,
        *,
        state: str | None = None,
        user_id: str | None = None,
        wallet_id: str | None = None,
    ) -> AsyncIterator[wire.Session]:
        """Yield the sessions, newest first."""
        return self._line.pages(
            Page[wire.Session], "/v1/sessions", state=state, user_id=user_id, wallet_id=wallet_id
        )

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
