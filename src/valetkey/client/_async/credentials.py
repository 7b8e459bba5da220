"""Credentials of an organization: API keys, and P-256 keys that sign requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.client._async.line import AsyncLine
from valetkey.client.asks import path_of, read, write
from valetkey.client.proofs import Signed
from valetkey.client.roles import role_of, scopes_of, surface_of
from valetkey.client.rotation import rotate_body
from valetkey.core.errors import Code, Forbidden, Unauthenticated, Unavailable
from valetkey.core.terms import DEFAULT_S, MOST_S
from valetkey.wire.base import Nothing, Page
from valetkey.wire.credential import (
    AddCredential,
    AddedCredential,
    Credential,
    SetOrigins,
    SetRole,
)
from valetkey.wire.terms import SetTerms, Terms

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from typing import Literal

    from valetkey.client.keys import HolderKey
    from valetkey.client.roles import RoleName, SurfaceName

_ORIGINS: Final = "/v1/credentials/{key}/origins"
_TERMS: Final = "/v1/credentials/{key}/terms"


class AsyncCredentials:
    """API keys, and keys that sign requests."""

    def __init__(self, line: AsyncLine) -> None:
        self._line = line

    async def add(
        self,
        kind: Literal["secret", "publishable"],
        *,
        label: str = "",
        role: RoleName = "operator",
        scopes: Iterable[str] | None = None,
        surface: SurfaceName = "native",
        request_id: str | None = None,
    ) -> AddedCredential:
        """
        Return a new API key; its ``token`` is shown this once.

        >>> added = await vk.credentials.add("secret", scopes=["tokens:introspect"])

        Args:
            role: Who it is in the organization; a publishable key is nobody and has none.
            scopes: What of the role it is held to; None is all of it.
            surface: Where it works, and nowhere else: the native API, or a vendor's wire format.

        Raises:
            Forbidden: It would have a scope that this client has not (``scope_missing``).
            Malformed: The surface has no keys of this kind.
        """
        where = surface_of(surface)
        body = AddCredential(kind=kind, label=label, surface=where)
        if kind == "secret":
            body = AddCredential(
                kind=kind,
                label=label,
                role=role_of(role),
                scopes=scopes_of(scopes),
                surface=where,
            )
        ask = write(AddedCredential, "/v1/credentials", body, request_id=request_id)
        return await self._line.send(ask)

    async def terms(self, credential_id: str) -> Terms:
        """Return what sessions are like that clients open with an API key of a vendor's surface."""
        return await self._line.send(read(Terms, path_of(_TERMS, key=credential_id)))

    async def set_terms(
        self,
        credential_id: str,
        *,
        idle_s: int = DEFAULT_S,
        most_s: int = MOST_S,
        reviews: bool = False,
    ) -> Terms:
        """
        Return what sessions are like that clients open with an API key from now on.

        >>> await vk.credentials.set_terms(key_id, idle_s=3600, reviews=True)

        Args:
            idle_s: One ends when it was not used for so long: a minute to 30 days.
            most_s: And in any case after so long.
            reviews: Whether its user confirms each signature on the server's page.

        Raises:
            Malformed: A time is out of bounds.
            Conflict: The credential is one of the native API.
        """
        body = SetTerms(idle_s=idle_s, most_s=most_s, reviews=reviews)
        return await self._line.send(write(Terms, path_of(_TERMS, key=credential_id), body))

    async def set_origins(self, credential_id: str, origins: Iterable[str]) -> Credential:
        """
        Return a publishable key that pages of *origins*, and no others, may have in a frame.

        >>> await vk.credentials.set_origins(key_id, ["https://app.example"])

        Args:
            origins: Each exact, or ``http://localhost:*`` for development; none is no page.

        Raises:
            Malformed: One is no origin.
            Conflict: It is no publishable key of surface ``openfort``.
        """
        body = SetOrigins(origins=list(origins))
        path = path_of(_ORIGINS, key=credential_id)
        return await self._line.send(write(Credential, path, body))

    async def add_key(
        self,
        key: HolderKey,
        *,
        label: str = "",
        role: RoleName = "operator",
        scopes: Iterable[str] | None = None,
        request_id: str | None = None,
    ) -> Credential:
        """
        Return a new credential for a P-256 key that stays here; only its public half is sent.

        See `add` for *role* and *scopes*.

        >>> key = StampKey.generate()
        >>> credential = await vk.credentials.add_key(key)
        >>> signing = vk.signed_by(credential.id, key)
        """
        public_key = f"0x{key.public_key.data.hex()}"
        body = AddCredential(
            kind="p256",
            label=label,
            public_key=public_key,
            role=role_of(role),
            scopes=scopes_of(scopes),
        )
        ask = write(AddedCredential, "/v1/credentials", body, request_id=request_id)
        return (await self._line.send(ask)).credential

    async def rotate_key(self, new: HolderKey) -> Credential:
        """
        Return the credential that signs for this client, proven by *new* from now on.

        >>> credential = await signing.credentials.rotate_key(new)
        >>> signing = vk.signed_by(credential.id, new)  # the old key is refused

        Raises:
            Forbidden: This client has an API key, or none.
        """
        proof = self._line.proof
        if not isinstance(proof, Signed):
            detail = "expected a client that signs (signed_by), got one with an API key or none"
            raise Forbidden(Code.NOT_ALLOWED, detail)
        path = path_of("/v1/credentials/{key}", key=proof.key_id)
        body = rotate_body(proof.key_id, old=proof.key, new=new)
        try:
            return await self._line.send(write(Credential, f"{path}/key", body))
        except (Unauthenticated, Unavailable) as error:  # was it done, and the answer lost?
            rotated = AsyncLine(self._line.connection, Signed(proof.key_id, new))
            try:
                return await rotated.send(read(Credential, path))
            except Unauthenticated:
                raise error from None

    async def get(self, credential_id: str) -> Credential:
        """Return one credential, without its secret."""
        path = path_of("/v1/credentials/{key}", key=credential_id)
        return await self._line.send(read(Credential, path))

    def list(self, *, organization_id: str | None = None) -> AsyncIterator[Credential]:
        """Yield the credentials, newest first: one's own, or those of an organization below."""
        page = Page[Credential]
        return self._line.pages(page, "/v1/credentials", organization_id=organization_id)

    async def set_role(
        self,
        credential_id: str,
        role: RoleName,
        *,
        scopes: Iterable[str] | None = None,
        request_id: str | None = None,
    ) -> Credential:
        """
        Return the credential, which has another role from its next request on.

        Args:
            scopes: What of the role it is held to; None is all of it.

        Raises:
            Forbidden: It has or would have a scope that this client has not.
            Conflict: It is the organization's last owner.
        """
        path = path_of("/v1/credentials/{key}/role", key=credential_id)
        body = SetRole(role=role_of(role), scopes=scopes_of(scopes))
        return await self._line.send(write(Credential, path, body, request_id=request_id))

    async def revoke(self, credential_id: str, *, request_id: str | None = None) -> Credential:
        """
        Return the credential, refused from now on.

        Raises:
            Conflict: It is the organization's last owner.
        """
        path = path_of("/v1/credentials/{key}/revoke", key=credential_id)
        return await self._line.send(write(Credential, path, Nothing(), request_id=request_id))
