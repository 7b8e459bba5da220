"""Openfort's sessions in Python: made first, signed later; nothing is signed that was not asked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, Self

import httpx

from valetkey.client._async.line import AsyncConnection, AsyncLine
from valetkey.client.asks import path_of, read, write
from valetkey.client.attempts import Attempts
from valetkey.client.pending import AskedCalls, AskedRevocation, AskedSession
from valetkey.client.proofs import VendorKey
from valetkey.client.values import read_address
from valetkey.client.vendor import (
    OpenfortSession,
    TransactionIntent,
    interactions_of,
    session_body,
)
from valetkey.client.vendor_json import Account, IntentJson, Intents, SessionJson, Sessions
from valetkey.core.errors import Code
from valetkey.wire.base import hexed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from valetkey.client.values import Address
    from valetkey.core.permission.model import Call

CONNECT_S: Final = 5.0
ANSWER_S: Final = 60.0  # the server waits up to 20 s for a block
_WHERE: Final = Code.MALFORMED_BODY


class AsyncOpenfort:
    """
    A valetkey server by Openfort's format, with the method names of the vendor's page.

    >>> async with AsyncOpenfort("http://127.0.0.1:8080/openfort", "sk_test_…") as of:
    ...     made = await of.sessions.create(account="acc_…", address=key.address, valid_until=…)
    ...     await of.sessions.signature(made.id, made.next_action.sign(owner))

    Args:
        base_url: Of the format, without ``/v1``.
        api_key: ``sk_test_…``; a ``pk_test_…`` brings signatures alone.
        as_vendor: Whether the organization lets such sessions move value, as the vendor does; the
            grants that an owner signs here are compared with that.

    Raises:
        Malformed: *base_url* or *api_key* is none.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        as_vendor: bool = False,
        timeout_s: float = ANSWER_S,
        attempts: Attempts | None = None,
    ) -> None:
        timeout = httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s))
        connection = AsyncConnection(base_url, timeout=timeout, attempts=attempts or Attempts())
        line = AsyncLine(connection, VendorKey(api_key))
        self._connection = connection
        self.accounts = AsyncVendorAccounts(line)
        self.sessions = AsyncVendorSessions(line, self.accounts, as_vendor=as_vendor)
        self.transaction_intents = AsyncTransactionIntents(line, self.accounts)

    async def aclose(self) -> None:
        """Close the connections. Sessions stay open."""
        await self._connection.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._connection.base_url!r})"


class AsyncVendorAccounts:
    """Accounts of players."""

    def __init__(self, line: AsyncLine) -> None:
        self._line = line
        self._known: dict[str, Account] = {}

    async def create(self, *, chain_id: int, owner: Address, player: str | None = None) -> Account:
        """
        Return the account that *owner* has, or will have when it first acts.

        Args:
            owner: Whose signature it obeys.
            player: Whose it is; None makes a player.
        """
        address = hexed(read_address(owner, where="owner", code=_WHERE))
        body = _given(chainId=chain_id, externalOwnerAddress=address, player=player)
        return await self._line.send(write(Account, "/v1/accounts", body))

    async def get(self, account_id: str) -> Account:
        """Return one account; where it is never changes, so it is asked for once."""
        known = self._known.get(account_id)
        if known is None:
            path = path_of("/v1/accounts/{account_id}", account_id=account_id)
            known = self._known[account_id] = await self._line.send(read(Account, path))
        return known


class AsyncVendorSessions:
    """Sessions: created, registered by the owner's signature, and revoked by it."""

    def __init__(self, line: AsyncLine, accounts: AsyncVendorAccounts, *, as_vendor: bool) -> None:
        self._line = line
        self._accounts = accounts
        self._as_vendor = as_vendor

    async def create(
        self,
        *,
        account: Account | str,
        address: Address,
        valid_until: int,
        valid_after: int = 0,
        whitelist: Sequence[Address] = (),
        limit: int | None = None,
        policy: str | None = None,
        request_id: str | None = None,
    ) -> OpenfortSession:
        """
        Return a session that waits for its owner's signature over `NextAction`.

        Args:
            account: Given whole, its chain and address are what the owner signs for; of an id,
                they are what the server says.
            address: Of the session key.
            valid_until: Last valid second; *valid_after* the first one, 0 is now.
            whitelist: Contracts that may be called; none is any contract.
            limit: How many calls; None is any number.
            policy: Who pays for gas.
        """
        found = await self._find(account)
        asked = AskedSession(
            account=read_address(found.address, where="account", code=_WHERE),
            chain_id=found.chain_id,
            key=read_address(address, where="address", code=_WHERE),
            whitelist=tuple(read_address(one, where="whitelist", code=_WHERE) for one in whitelist),
            limit=limit,
            valid_after=valid_after,
            valid_until=valid_until,
            now=int(time.time()),
            as_vendor=self._as_vendor,
        )
        body = session_body(asked, found.id, policy)
        ask = write(SessionJson, "/v1/sessions", body, request_id=request_id)
        return OpenfortSession.of(await self._line.send(ask), asked)

    async def signature(self, session_id: str, signature: str) -> OpenfortSession:
        """Return the session once the chain has what its owner signed."""
        path = path_of("/v1/sessions/{session_id}/signature", session_id=session_id)
        ask = write(SessionJson, path, {"signature": signature})
        return OpenfortSession.of(await self._line.send(ask), None)

    async def revoke(
        self,
        *,
        account: Account | str,
        address: Address | str,
        policy: str | None = None,
        request_id: str | None = None,
    ) -> OpenfortSession:
        """
        Return the session whose end waits for its owner's signature.

        Args:
            address: Of the session key, or the session's id.
        """
        found = await self._find(account)
        named = address if isinstance(address, str) else hexed(address)
        body = _given(account=found.id, chainId=found.chain_id, address=named, policy=policy)
        ask = write(SessionJson, "/v1/sessions/revoke", body, request_id=request_id)
        owner = read_address(found.address, where="account", code=_WHERE)
        asked = AskedRevocation(owner, found.chain_id)
        return OpenfortSession.of(await self._line.send(ask), asked)

    async def get(self, session_id: str) -> OpenfortSession:
        """Return one session."""
        path = path_of("/v1/sessions/{session_id}", session_id=session_id)
        return OpenfortSession.of(await self._line.send(read(SessionJson, path)), None)

    async def list(self, *, player: str, limit: int = 10, skip: int = 0) -> list[OpenfortSession]:
        """Return sessions of *player*, newest first."""
        ask = read(Sessions, "/v1/sessions", player=player, limit=limit, skip=skip)
        return [OpenfortSession.of(one, None) for one in (await self._line.send(ask)).data]

    async def _find(self, account: Account | str) -> Account:
        return await self._accounts.get(account) if isinstance(account, str) else account


class AsyncTransactionIntents:
    """Calls of an account, signed by its owner or by a session key."""

    def __init__(self, line: AsyncLine, accounts: AsyncVendorAccounts) -> None:
        self._line = line
        self._accounts = accounts

    async def create(
        self,
        *,
        account: Account | str,
        calls: Sequence[Call],
        policy: str | None = None,
        request_id: str | None = None,
    ) -> TransactionIntent:
        """
        Return calls that wait for a signature over `NextAction`.

        >>> calls = [call(nft, "mint(address)", me)]
        >>> intent = await of.transaction_intents.create(account="acc_…", calls=calls)
        >>> await of.transaction_intents.signature(intent.id, intent.next_action.sign(key))

        Args:
            calls: All or none are made; none at all is one use of a session.
            policy: Who pays for gas.
        """
        found = await self._find(account)
        body = _given(
            account=found.id,
            chainId=found.chain_id,
            policy=policy,
            interactions=interactions_of(calls),
        )
        ask = write(IntentJson, "/v1/transaction_intents", body, request_id=request_id)
        owner = read_address(found.address, where="account", code=_WHERE)
        asked = AskedCalls(owner, found.chain_id, tuple(calls), int(time.time()))
        return TransactionIntent.of(await self._line.send(ask), asked)

    async def signature(self, intent_id: str, signature: str) -> TransactionIntent:
        """Return the calls as they ended, if the chain had them in time."""
        path = path_of("/v1/transaction_intents/{intent_id}/signature", intent_id=intent_id)
        ask = write(IntentJson, path, {"signature": signature})
        return TransactionIntent.of(await self._line.send(ask), None)

    async def get(self, intent_id: str) -> TransactionIntent:
        """Return one transaction intent."""
        path = path_of("/v1/transaction_intents/{intent_id}", intent_id=intent_id)
        return TransactionIntent.of(await self._line.send(read(IntentJson, path)), None)

    async def list(
        self, *, account: str, limit: int = 10, skip: int = 0
    ) -> list[TransactionIntent]:
        """Return transaction intents of *account*, newest first."""
        path = "/v1/transaction_intents"
        ask = read(Intents, path, account=account, limit=limit, skip=skip)
        return [TransactionIntent.of(one, None) for one in (await self._line.send(ask)).data]

    async def _find(self, account: Account | str) -> Account:
        return await self._accounts.get(account) if isinstance(account, str) else account


def _given(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON values
    """Return the fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}
