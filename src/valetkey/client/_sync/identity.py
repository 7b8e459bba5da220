# Written by tools/unasync.py from ../_async/identity.py: change that one.
"""Whose ID tokens log an organization's users in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from valetkey.client.asks import path_of, write
from valetkey.wire.base import Nothing, Page
from valetkey.wire.identity import IdentityProvider, SetIdentityProvider

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from valetkey.client._sync.line import Line

_PATH: Final = "/v1/identity-providers"


class IdentityProviders:
    """Those who vouch for users on vendors' surfaces, with ID tokens (OpenID Connect)."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def list(self) -> Iterator[IdentityProvider]:
        """Yield those whose ID tokens log users in."""
        return self._line.pages(Page[IdentityProvider], _PATH)

    def set(
        self,
        name: str,
        *,
        issuer: str,
        audiences: Iterable[str],
        keys_url: str | None = None,
        keys: Mapping[str, Any] | None = None,
    ) -> IdentityProvider:
        """
        Return the provider, whose tokens log users in from now on.

        >>> vk.identity_providers.set(
        ...     "custom",
        ...     issuer="https://login.example",
        ...     audiences=["shop"],
        ...     keys_url="https://login.example/jwks.json",
        ... )

        Args:
            name: What clients call it.
            issuer: ``iss`` of its tokens, exactly.
            audiences: Whom a token may be for: one of these.
            keys_url: Where its keys are (a JSON Web Key Set); or *keys*, not both.
            keys: They themselves.

        Raises:
            Malformed: A part of it is missing, or is no set of keys.
        """
        body = SetIdentityProvider(
            name=name,
            issuer=issuer,
            audiences=list(audiences),
            keys_url=keys_url,
            keys=None if keys is None else dict(keys),
        )
        return self._line.send(write(IdentityProvider, _PATH, body))

    def remove(self, name: str) -> IdentityProvider:
        """Return the provider whose tokens log nobody in any more."""
        path = path_of("/v1/identity-providers/{key}/remove", key=name)
        return self._line.send(write(IdentityProvider, path, Nothing()))
