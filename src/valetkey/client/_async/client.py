"""The client: one server, one credential."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import httpx

from valetkey.client._async.activities import AsyncActivities
from valetkey.client._async.audit import AsyncAudit
from valetkey.client._async.credentials import AsyncCredentials
from valetkey.client._async.exposure import AsyncExposure
from valetkey.client._async.identity import AsyncIdentityProviders
from valetkey.client._async.line import AsyncConnection, AsyncLine
from valetkey.client._async.organization import AsyncOrganizations, AsyncUsers
from valetkey.client._async.permissions import AsyncPermissions
from valetkey.client._async.pin import AsyncPins
from valetkey.client._async.sessions import AsyncSessions
from valetkey.client._async.split import AsyncSplit
from valetkey.client._async.tokens import AsyncTokens
from valetkey.client._async.wallet import AsyncAccounts, AsyncBudgets, AsyncWallets
from valetkey.client._async.webhook import AsyncWebhooks
from valetkey.client.asks import read
from valetkey.client.attempts import Attempts
from valetkey.client.proofs import BoundToken, Nobody, Signed, Token
from valetkey.core.errors import Code, Malformed
from valetkey.wire.server import Server

if TYPE_CHECKING:
    from types import TracebackType

    from valetkey.client.keys import HolderKey
    from valetkey.client.proofs import Proof

CONNECT_S: Final = 5.0
ANSWER_S: Final = 60.0  # the server waits up to 20 s for a block


class AsyncValetkey:
    """
    A valetkey server, as one API key, one signing key or nobody sees it.

    >>> async with AsyncValetkey("http://127.0.0.1:8080", api_key="vk_secret_…") as vk:
    ...     session = await vk.sessions.open(account_id, draft, owner=owner)
    ...     await session.transfer(token, to, "1.5")

    Args:
        base_url: Of the server, without ``/v1``.
        api_key: ``vk_secret_…``, ``vk_public_…``, or the ``vk_session_…`` of a session that reads.
            None is for public reads, and for sessions whose key is here (`AsyncSessions.attach`).
        key: That the token in *api_key* is bound to; each request proves it (DPoP).
        timeout_s: For an answer, from the moment that the request is sent.
        attempts: How stubborn to be when the server does not answer.

    Raises:
        Malformed: *base_url* or *api_key* is none, or there is a *key* without a token.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        key: HolderKey | None = None,
        timeout_s: float = ANSWER_S,
        attempts: Attempts | None = None,
    ) -> None:
        proof = _proof(api_key, key)
        timeout = httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s))
        self._speak(
            AsyncConnection(base_url, timeout=timeout, attempts=attempts or Attempts()), proof
        )

    def _speak(self, connection: AsyncConnection, proof: Proof) -> None:
        line = AsyncLine(connection, proof)
        self._line = line
        self.organizations = AsyncOrganizations(line)
        self.users = AsyncUsers(line)
        self.credentials = AsyncCredentials(line)
        self.wallets = AsyncWallets(line)
        self.split = AsyncSplit(line)
        self.pins = AsyncPins(line)
        self.accounts = AsyncAccounts(line)
        self.budgets = AsyncBudgets(line)
        self.permissions = AsyncPermissions(line)
        self.sessions = AsyncSessions(line)
        self.tokens = AsyncTokens(line)
        self.exposure = AsyncExposure(line)
        self.activities = AsyncActivities(line)
        self.audit = AsyncAudit(line)
        self.webhooks = AsyncWebhooks(line)
        self.identity_providers = AsyncIdentityProviders(line)

    def signed_by(self, credential_id: str, key: HolderKey) -> AsyncValetkey:
        """
        Return a client on the same connections that signs each request with a P-256 credential.

        Args:
            credential_id: ``crd_…``, as `AsyncCredentials.add` returned it.
        """
        client = object.__new__(type(self))
        client._speak(self._line.connection, Signed(credential_id, key))
        return client

    async def server(self) -> Server:
        """Return what the server says of itself: version, clock, chains and their relayers."""
        return await self._line.send(read(Server, "/v1/server"))

    async def aclose(self) -> None:
        """Close the connections. Sessions stay open."""
        await self._line.connection.aclose()

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
        return f"{type(self).__name__}({self._line.connection.base_url!r})"


def _proof(api_key: str | None, key: HolderKey | None) -> Proof:
    if api_key is None:
        if key is not None:
            detail = "key: expected a token in api_key that is bound to it; to sign use attach"
            raise Malformed(Code.PROOF_REFUSED, detail)
        return Nobody()
    return Token(api_key) if key is None else BoundToken(Token(api_key), key)
