"""Sessions of clients as Portal has them: how long their tokens live, and how they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from valetkey.core.command import OpenSession
from valetkey.core.principal import Access
from valetkey.core.session import Proof
from valetkey.core.surface import Surface
from valetkey.core.token import TokenPrefix
from valetkey.http.dialects.vendor import moment

if TYPE_CHECKING:
    from valetkey.flows.shown import Shown

IDLE_S: Final = 24 * 3600  # of a client session token, since its last use
LONGEST_S: Final = 7 * 24 * 3600  # of one, whatever its use

TOKEN_LABEL: Final = "client session token"  # noqa: S105 - what it is called
KEY_LABEL: Final = "client API key"


class ClientSession(Struct, frozen=True, rename="camel"):
    """
    One session of a client: a token, or its API key.

    Args:
        expires_at: If it is not used again; ``max_expires_at`` in any case.
    """

    session_id: str
    kind: Literal["clientSessionToken", "clientApiKey"]
    state: str
    created_at: str
    last_used_at: str
    expires_at: str
    max_expires_at: str


def token_command(user_id: str, *, now: int, max_session_s: int) -> OpenSession:
    """Return the session behind a client session token: 24 hours since its last use, 7 days."""
    ends_at = now + min(LONGEST_S, max_session_s)
    return _command(user_id, TOKEN_LABEL, TokenPrefix.CLIENT_SESSION, (now, ends_at), IDLE_S)


def key_command(user_id: str, *, now: int, max_session_s: int) -> OpenSession:
    """Return the session behind a client's API key: as long as the operator lets any live."""
    ends_at = now + max_session_s
    return _command(user_id, KEY_LABEL, TokenPrefix.CLIENT_KEY, (now, ends_at), None)


def _command(
    user_id: str, label: str, prefix: TokenPrefix, times: tuple[int, int], idle_s: int | None
) -> OpenSession:
    return OpenSession(
        proof=Proof.BEARER,
        access=Access.WRITE,
        user_id=user_id,
        account_id=None,
        key=None,
        permission=None,
        starts_at=times[0],
        expires_at=times[1],
        idle_s=idle_s,
        label=label,
        device="",
        surface=Surface.PORTAL,
        prefix=prefix,
    )


def write_session(shown: Shown) -> ClientSession:
    """Return a session of a client as it is answered."""
    session = shown.session
    return ClientSession(
        session_id=session.id,
        kind="clientApiKey" if session.idle_s is None else "clientSessionToken",
        state=shown.state.value,
        created_at=moment(session.created_at),
        last_used_at=moment(shown.usage.last_used_at),
        expires_at=moment(shown.ends_at),
        max_expires_at=moment(session.expires_at),
    )
