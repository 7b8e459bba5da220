"""A token exchanged for that of a narrower session, in the form of OAuth 2."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct

from valetkey.wire.base import Integer, Text, Told
from valetkey.wire.token import TokenText

GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name

_Name = Annotated[str, Meta(max_length=128)]
_Scopes = Annotated[str, Meta(max_length=4096)]
_Document = Annotated[str, Meta(max_length=65_536)]


class ExchangeForm(Struct, frozen=True, kw_only=True):
    """
    A token, and what the narrower session is to be. Fields that we do not know are passed over.

    Args:
        scope: Names between spaces that the permission is to have; all of the subject's stay away
            if it is left out.
        resource, audience, actor_token: Refused: a token of ours is for this server alone, and
            nobody acts through another.
        ttl_s, idle_s, label: As of a child session.
        key: The public key that is to hold it, as JSON; the token is then bound to it (DPoP).
        permission: What it may do, as JSON, within the subject's; it needs a key.

    Spec:
        RFC 8693, section 2.1; the last five are ours.
    """

    grant_type: _Name
    subject_token: TokenText
    subject_token_type: _Name
    requested_token_type: _Name | None = None
    scope: _Scopes | None = None
    resource: str | None = None
    audience: str | None = None
    actor_token: str | None = None
    actor_token_type: str | None = None
    ttl_s: Annotated[int, Meta(ge=1, le=2**32)] | None = None
    idle_s: Integer | None = None
    label: Text = ""
    key: _Document | None = None
    permission: _Document | None = None


class Exchanged(Told, frozen=True, kw_only=True):
    """
    The token of a narrower session.

    Args:
        token_type: ``Bearer``, or ``DPoP`` for one that is bound to a key.
        expires_in: Seconds, if the session is not used before.
        session_id: The session; with a key its holder signs requests as it.

    Spec:
        RFC 8693, section 2.2.1; ``session_id`` is ours.
    """

    access_token: str
    issued_token_type: str
    token_type: str
    expires_in: Integer
    scope: str
    session_id: str


class OauthError(Told, frozen=True, kw_only=True):
    """
    Why not.

    Args:
        error: A name of OAuth 2.
        code: The reason in our words; the page of codes has it.

    Spec:
        RFC 6749, section 5.2; RFC 8693, section 2.2.2.
    """

    error: str
    error_description: str
    code: str
    request_id: str
