# Written by tools/unasync.py from ../_async/client.py: change that one.
"""The client: one server, one credential."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import httpx

from valetkey.client._sync.activities import Activities
from valetkey.client._sync.audit import Audit
from valetkey.client._sync.credentials import Credentials
from valetkey.client._sync.exposure import Exposure
from valetkey.client._sync.identity import IdentityProviders
from valetkey.client._sync.line import Connection, Line
from valetkey.client._sync.organization import Organizations, Users
from valetkey.client._sync.permissions import Permissions
from valetkey.client._sync.pin import Pins
from valetkey.client._sync.sessions import Sessions
from valetkey.client._sync.split import Split
from valetkey.client._sync.tokens import Tokens
from valetkey.client._sync.wallet import Accounts, Budgets, Wallets
from valetkey.client._sync.webhook import Webhooks
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


class Valetkey:
    """
    A valetkey server, as one API key, one signing key or nobody sees it.

    >>> with Valetkey("http://127.0.0.1:8080", api_key="vk_secret_…") as vk:
    ...     session = vk.sessions.open(account_id, draft, owner=owner)
    ...     session.transfer(token, to, "1.5")

    Args:
        base_url: Of the server, without ``/v1``.
        api_key: ``vk_secret_…``, ``vk_public_…``, or the ``vk_session_…`` of a session that reads.
            None is for public reads, and for sessions whose key is here (`Sessions.attach`).
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
        self._speak(Connection(base_url, timeout=timeout, attempts=attempts or Attempts()), proof)

    def _speak(self, connection: Connection, proof: Proof) -> None:
        line = Line(connection, proof)
        self._line = line
        self.organizations = Organizations(line)
        self.users = Users(line)
        self.credentials = Credentials(line)
        self.wallets = Wallets(line)
        self.split = Split(line)
        self.pins = Pins(line)
        self.accounts = Accounts(line)
        self.budgets = Budgets(line)
        self.permissions = Permissions(line)
        self.sessions = Sessions(line)
        self.tokens = Tokens(line)
        self.exposure = Exposure(line)
        self.activities = Activities(line)
        self.audit = Audit(line)
        self.webhooks = Webhooks(line)
        self.identity_providers = IdentityProviders(line)

    def signed_by(self, credential_id: str, key: HolderKey) -> Valetkey:
        """
        Return a client on the same connections that signs each request with a P-256 credential.

        Args:
            credential_id: ``crd_…``, as `Credentials.add` returned it.
        """
        client = object.__new__(type(self))
        client._speak(self._line.connection, Signed(credential_id, key))
        return client

    def server(self) -> Server:
        """Return what the server says of itself: version, clock, chains and their relayers."""
        return self._line.send(read(Server, "/v1/server"))

    def close(self) -> None:
        """Close the connections. Sessions stay open."""
        self._line.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._line.connection.base_url!r})"


def _proof(api_key: str | None, key: HolderKey | None) -> Proof:
    if api_key is None:
        if key is not None:
            detail = "key: expected a token in api_key that is bound to it; to sign use attach"
            raise Malformed(Code.PROOF_REFUSED, detail)
        return Nobody()
    return Token(api_key) if key is None else BoundToken(Token(api_key), key)
