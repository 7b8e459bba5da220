"""Whom an organization trusts to name its users, as JSON."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from valetkey.core import identity as core
from valetkey.wire.base import Asked, Told

Name = Annotated[str, Meta(min_length=1, max_length=40, description="What clients call it.")]
Text = Annotated[str, Meta(min_length=1, max_length=core.MAX_TEXT_CHARS)]
Url = Annotated[str, Meta(max_length=2048, description="`https`, at a public address.")]


class SetIdentityProvider(Asked, frozen=True, kw_only=True):
    """
    Somebody whose ID tokens log users in (OpenID Connect).

    Args:
        name: What clients call it: letters in lower case, digits, `-`, `_` and `.`.
        issuer: `iss` of its tokens, exactly.
        audiences: Whom a token may be for: one of these.
        keys_url: Where its keys are (a JSON Web Key Set); or `keys`, not both.
        keys: They themselves.
    """

    name: Name
    issuer: Text
    audiences: Annotated[list[Text], Meta(min_length=1, max_length=core.MAX_AUDIENCES)]
    keys_url: Url | None = None
    keys: dict[str, Any] | None = None


class IdentityProvider(Told, frozen=True, kw_only=True):
    """Somebody whose ID tokens log users in; see `SetIdentityProvider`."""

    name: str
    issuer: str
    audiences: list[str]
    keys_url: str | None
    keys: dict[str, Any] | None


def read_provider(asked: SetIdentityProvider) -> core.IdentityProvider:
    """Return whom *asked* describes."""
    keys = "" if asked.keys is None else msgspec.json.encode(asked.keys).decode()
    return core.IdentityProvider(
        id="",
        organization_id="",
        name=asked.name,
        issuer=asked.issuer,
        audiences=tuple(asked.audiences),
        keys_url=asked.keys_url or "",
        keys=keys,
    )


def write_provider(provider: core.IdentityProvider) -> IdentityProvider:
    """Return *provider* as it is answered."""
    return IdentityProvider(
        name=provider.name,
        issuer=provider.issuer,
        audiences=list(provider.audiences),
        keys_url=provider.keys_url or None,
        keys=msgspec.json.decode(provider.keys) if provider.keys else None,
    )
