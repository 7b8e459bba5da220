"""Beyond the vendor: a client's session is handed to a backend by a code instead of its cookie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from valetkey.core.hand_off import DEFAULT_S
from valetkey.core.principal import Access
from valetkey.http.dialects.para.visitor import client_of
from valetkey.http.dialects.vendor import AnyQuery
from valetkey.http.routes import SESSION, Ask, Read, Route

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.http.sight import Reads


class HandOff(Struct, frozen=True, rename="camel"):
    """
    How long the code is good.

    There is no scope to choose: such a session has no permission that a narrower one could write
    within, so what a backend opens with the code only reads.
    """

    ttl_s: int = DEFAULT_S


class HandedOff(Struct, frozen=True, rename="camel"):
    """A code for one use, and the first second at which it is refused."""

    code: str
    expires_at: int

    def __repr__(self) -> str:
        """Say nothing of the code."""
        return f"HandedOff({self.expires_at})"


async def _hand_off(see: Reads, principal: Principal, ask: Ask[HandOff, AnyQuery]) -> HandedOff:
    client_of(principal)
    given = await see.hand_off(principal, access=Access.READ, ttl_s=ask.body.ttl_s)
    return HandedOff(given.code, given.expires_at)


ROUTES: Final[tuple[Route, ...]] = (
    Read(
        method="POST",
        path="/session/hand-offs",
        who=SESSION,
        summary="Make a code for one use, with which a backend opens a native session that reads",
        body=HandOff,
        query=AnyQuery,
        answer=HandedOff,
        handle=_hand_off,
    ),
)
