"""Sessions opened, and handed to whoever holds them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from valetkey.client._async.line import AsyncLine
from valetkey.client._async.opened import AsyncSession
from valetkey.client.asks import path_of, read, write
from valetkey.client.consent import verify_consent
from valetkey.client.keys import SessionKey
from valetkey.client.kill_note import make_note
from valetkey.client.opening import (
    Holder,
    Opened,
    bound,
    holder_of,
    open_body,
    public_key_of,
    terms_of,
    verified_of_owner,
    verified_session,
    whole,
)
from valetkey.client.proofs import Signed
from valetkey.wire import session as wire
from valetkey.wire.base import Nothing, hexed
from valetkey.wire.consent import ConsentLink
from valetkey.wire.credential import write_public_key
from valetkey.wire.server import Server
from valetkey.wire.wallet import Account

if TYPE_CHECKING:
    from typing import Unpack

    from valetkey.client.keys import HolderKey
    from valetkey.client.kill_note import KillNote
    from valetkey.client.opening import KeyCurve, KeyProof, Options
    from valetkey.client.owner import Owner
    from valetkey.client.permission import Draft
    from valetkey.core.permission.model import Permission
    from valetkey.core.wallet import PublicKey


class AsyncOpenings:
    """How sessions come about."""

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
                `AsyncSession.grant`, or until the owner signs at `AsyncSession.consent_url`,
                unless the server holds the owner's key.
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
            consent_url=opened.answer.consent_url,
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
        account = await self._account(session.account_id or "")
        verified = verified_of_owner(session, account, owner.address)
        path = path_of("/v1/sessions/{key}/consent", key=session.id)
        told = await self._line.send(read(wire.Consent, path))
        both = {"grant": told.grant, "kill_note": told.kill_note}
        signature, note = owner.sign_consent(verify_consent(both, verified.terms))
        path = path_of("/v1/sessions/{key}/grant", key=session.id)
        body = wire.AcceptGrant(owner_signature=hexed(signature), kill_note=hexed(note))
        await self._line.send(write(wire.Session, path, body))
        return make_note(session.id, verified, note)

    async def consent_link(self, session_id: str) -> ConsentLink:
        """
        Return a new link with which the owner of a pending session reads and signs it.

        >>> link = await vk.sessions.consent_link(session.id)
        >>> send_to_owner(link.url)  # a secret between you and the owner

        The link before stops working.

        Raises:
            Conflict: The session is not pending, or its owner's key is at the server.
        """
        path = path_of("/v1/sessions/{key}/consent-link", key=session_id)
        return await self._line.send(write(ConsentLink, path, Nothing()))

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
        key: PublicKey | None = None,
        user_id: str | None = None,
        account_id: str | None = None,
        idle_s: int | None = None,
        label: str = "",
        device: str = "",
    ) -> wire.OpenedSession:
        """
        Return a session that only reads; its ``token`` is shown this once.

        >>> reader = AsyncValetkey(url, api_key=opened.token)

        Args:
            key: Binds the token to it, so that a thief of the token reads nothing. The reader is
                ``AsyncValetkey(url, api_key=opened.token, key=key)``.
        """
        body = wire.OpenSession(
            proof="bearer" if key is None else "stamp",
            access="read",
            key=None if key is None else write_public_key(key),
            bound_token=key is not None,
            ttl_s=expires_in,
            user_id=user_id,
            account_id=account_id,
            idle_s=idle_s,
            label=label,
            device=device,
        )
        return await self._line.send(write(wire.OpenedSession, "/v1/sessions", body))
