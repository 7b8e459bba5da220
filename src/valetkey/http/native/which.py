"""Which sessions a list has, and whom one is exposed to, as queries say it."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta

from valetkey.core.errors import Code
from valetkey.core.exposed import Subject
from valetkey.core.permission.towards import Toward
from valetkey.core.session import State
from valetkey.flows.lists import WhichSessions
from valetkey.http.native.pages import Order, OwnedPage
from valetkey.wire import exposure as wire
from valetkey.wire.base import Seconds, malformed, read_address, read_asset, read_bytes

_BAD: Final = Code.MALFORMED_REQUEST
_KEY_BYTES: Final = (20, 32, 33, 64, 65)
_POINT_BYTES: Final = 64  # x and y


class SessionsQuery(OwnedPage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """
    Which sessions.

    Args:
        parent_id: Those directly under this one.
        key, contract, token: Those that are exposed to it, as ``/v1/exposure`` has it.
        expires_before: Unix seconds: those whose end is earlier, however much they are used.
    """

    state: (
        Literal["pending", "open", "frozen", "revoked", "expired", "exhausted", "closed"] | None
    ) = None
    user_id: str | None = None
    wallet_id: str | None = None
    account_id: str | None = None
    parent_id: str | None = None
    permission_id: Annotated[str, Meta(max_length=66)] | None = None
    key: wire.Key | None = None
    contract: wire.Contract | None = None
    token: wire.Token | None = None
    expires_before: Seconds | None = None
    order: Order = "newest"


def which_sessions(query: SessionsQuery) -> WhichSessions:
    """
    Return which sessions *query* asks for.

    Raises:
        Malformed: An address or a key is none.
    """
    asked = {
        Toward.KEY: query.key,
        Toward.CONTRACT: query.contract,
        Toward.TOKEN: query.token,
    }
    return WhichSessions(
        state=None if query.state is None else State(query.state),
        user_id=query.user_id,
        wallet_id=query.wallet_id,
        account_id=query.account_id,
        parent_id=query.parent_id,
        permission_id=query.permission_id,
        expires_before=query.expires_before,
        exposed_to=tuple(
            read_subject(toward, text) for toward, text in asked.items() if text is not None
        ),
    )


def read_subject(toward: Toward, text: str, *, code: Code = _BAD) -> Subject:
    """
    Return what *text* names.

    Raises:
        Malformed: With *code*: it is no key, address or token.
    """
    if toward is Toward.KEY:
        return Subject(toward, _read_key(text, code))
    if toward is Toward.TOKEN:
        return Subject(toward, read_asset(text, "token", code=code))
    return Subject(toward, read_address(text, toward.value, code=code))


def _read_key(text: str, code: Code) -> bytes:
    """Return a key as it is kept: a point compressed (SEC 1, 2.3.3), an address as it is."""
    data = read_bytes(text, "key", code=code)
    if len(data) not in _KEY_BYTES:
        expected = "20 bytes of an address, or 32, 33, 64 or 65 of a public key"
        raise malformed(code, "key", expected, text)
    if len(data) == _POINT_BYTES:
        data = b"\x04" + data
    if len(data) == _POINT_BYTES + 1:
        return bytes([2 + (data[-1] & 1)]) + data[1:33]
    return data
