"""Tokens of sessions, as OAuth 2 has them: asked about, given back, exchanged, and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from valetkey.client.asks import form, read
from valetkey.wire.base import Nothing
from valetkey.wire.credential import write_public_key
from valetkey.wire.exchange import ACCESS_TOKEN, GRANT_TYPE, Exchanged
from valetkey.wire.permission import write_permission
from valetkey.wire.token import Introspection, JsonWebKeys, Metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.client._async.line import AsyncLine
    from valetkey.client.keys import HolderKey
    from valetkey.core.permission.model import Permission


class AsyncTokens:
    """The tokens of sessions: for gateways and services that speak OAuth 2."""

    def __init__(self, line: AsyncLine) -> None:
        self._line = line

    async def introspect(self, token: str) -> Introspection:
        """
        Return whether *token* may be used now, and for what (RFC 7662).

        One that is unknown, over or somebody else's is not ``active``, and nothing else is said.
        """
        ask = form(Introspection, "/v1/tokens/introspect", {"token": token})
        return await self._line.send(ask)

    async def revoke(self, token: str) -> None:
        """Revoke the session that *token* proves (RFC 7009); an unknown one is no error."""
        await self._line.send(form(Nothing, "/v1/tokens/revoke", {"token": token}, is_write=True))

    async def exchange(
        self,
        token: str,
        *,
        expires_in: int | None = None,
        idle_s: int | None = None,
        label: str = "",
        key: HolderKey | None = None,
        permission: Permission | None = None,
        scopes: Sequence[str] = (),
    ) -> Exchanged:
        """
        Return the token of a narrower session under the one that *token* proves (RFC 8693).

        >>> given = await vk.tokens.exchange(token, expires_in=300)

        Args:
            key: Its holder's; the new token is then bound to it (DPoP). None is a plain token of a
                session that reads.
            permission: What it may do, within the subject's; it needs a *key*.
            scopes: Which of its scopes the permission is to have.

        Raises:
            Forbidden: It is not within the session of *token*.
            Conflict: The answer was lost on the way, and is shown once: exchange again.
        """
        document = None if permission is None else write_permission(permission)
        public = None if key is None else write_public_key(key.public_key)
        fields = {
            "grant_type": GRANT_TYPE,
            "subject_token": token,
            "subject_token_type": ACCESS_TOKEN,
            "ttl_s": None if expires_in is None else str(expires_in),
            "idle_s": None if idle_s is None else str(idle_s),
            "label": label or None,
            "scope": " ".join(scopes) or None,
            "key": None if public is None else msgspec.json.encode(public).decode(),
            "permission": None if document is None else msgspec.json.encode(document).decode(),
        }
        return await self._line.send(form(Exchanged, "/v1/tokens/exchange", fields, is_write=True))

    async def keys(self) -> JsonWebKeys:
        """Return the public keys that check what `AsyncHeldSession.token` returns (RFC 7517)."""
        return await self._line.send(read(JsonWebKeys, "/.well-known/jwks.json"))

    async def metadata(self) -> Metadata:
        """Return where the server does what OAuth 2 has names for (RFC 8414)."""
        return await self._line.send(read(Metadata, "/.well-known/oauth-authorization-server"))
