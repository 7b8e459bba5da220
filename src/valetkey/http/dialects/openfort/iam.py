"""Log-in: guests, players whom somebody else's token names, and what they are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from msgspec import Meta, Struct, field

from valetkey.core.contact import Contact
from valetkey.core.identity import Identity
from valetkey.core.organization import User as CoreUser
from valetkey.core.session import Session as CoreSession
from valetkey.core.session import Usage, ends_at
from valetkey.core.surface import Surface
from valetkey.flows.gate import present
from valetkey.flows.guests import log_in_guest
from valetkey.flows.holder import Asked
from valetkey.flows.identify import log_in_with
from valetkey.flows.reached import own_user
from valetkey.http.dialects.openfort import ids
from valetkey.http.dialects.openfort.visitor import token_of
from valetkey.http.dialects.vendor import AnyQuery, moment
from valetkey.http.rates import Lane
from valetkey.http.routes import PUBLISHABLE, SESSION, Ask, Leave, Read, Route, Write
from valetkey.wire.quiet import quiet

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted, Exit
    from valetkey.http.sight import Reads
    from valetkey.ports import View

GUEST: Final = "/iam/v2/auth/sign-in/anonymous"
_ASKED: Final = Asked(is_write=True, is_leaving=False, surface=Surface.OPENFORT)


class User(Struct, frozen=True, kw_only=True, rename="camel"):
    """
    A player as a user; addresses are never shown.

    Args:
        is_anonymous: Whether nobody vouches for who it is.
        native_id: What our own API calls it.
    """

    id: str
    name: str
    is_anonymous: bool
    created_at: str
    updated_at: str
    native_id: str
    email: str | None = None
    email_verified: bool = False
    image: str | None = None
    linked_accounts: tuple[dict[str, str], ...] = ()


class LoggedIn(Struct, frozen=True):
    """A player who has just come, and the token that proves it, shown this once."""

    token: str
    user: User

    __repr__ = quiet("token")


class Session(Struct, frozen=True, kw_only=True, rename="camel"):
    """The session of whoever asks, with the token that it has shown itself."""

    id: str
    token: str
    user_id: str
    expires_at: str
    created_at: str
    updated_at: str

    __repr__ = quiet("token")


class SessionAndUser(Struct, frozen=True):
    """Who asks."""

    session: Session
    user: User


class ThirdParty(Struct, frozen=True):
    """A token of somebody else's, and who that is."""

    provider: Annotated[str, Meta(max_length=64)]
    token: Annotated[str, Meta(max_length=8192)] = field(default="")

    __repr__ = quiet("token")


class Named(Struct, frozen=True):
    """A player by its id alone."""

    id: str


class SignedOut(Struct, frozen=True):
    """The session is over."""

    success: bool = True


def _shown(view: View, user: CoreUser) -> User:
    known = [view.find(kind, user_id=user.id, limit=1) for kind in (Identity, Contact)]
    return User(
        id=ids.shown(user.id, ids.USER),
        name=user.reference,
        is_anonymous=not any(known),
        created_at=moment(user.created_at),
        updated_at=moment(user.created_at),
        native_id=user.id,
    )


def _own(view: View, principal: Principal) -> User:
    user_id = present(own_user(view, principal), "player")
    return _shown(view, present(view.get(CoreUser, user_id), "player"))


async def _sign_up(admitted: Admitted, _ask: Ask[None, AnyQuery]) -> LoggedIn:
    made = await log_in_guest(admitted.world, admitted.principal, surface=Surface.OPENFORT)
    user = await admitted.reads.store.read(lambda view: _shown(view, made.user))
    return LoggedIn(made.token, user)


async def _third_party(admitted: Admitted, ask: Ask[ThirdParty, AnyQuery]) -> Named:
    body, asked = ask.body, (admitted.world, admitted.principal)
    made = await log_in_with(*asked, name=body.provider, token=body.token, asked=_ASKED)
    return Named(ids.shown(made.user.id, ids.USER))


async def _session(see: Reads, principal: Principal, _ask: Ask[None, AnyQuery]) -> SessionAndUser:
    token = token_of(principal)

    def body(view: View) -> SessionAndUser:
        user = _own(view, principal)
        session = present(view.get(CoreSession, principal.subject_id), "session")
        usage = present(view.get(Usage, session.id), "session")
        told = Session(
            id=ids.shown(session.id, ids.SESSION),
            token=token,
            user_id=user.id,
            expires_at=moment(ends_at(session, usage)),
            created_at=moment(session.created_at),
            updated_at=moment(usage.last_used_at),
        )
        return SessionAndUser(told, user)

    return await see.store.read(body)


async def _me(see: Reads, principal: Principal, _ask: Ask[None, AnyQuery]) -> User:
    return await see.store.read(lambda view: _own(view, principal))


async def _sign_out(way_out: Exit, _ask: Ask[Any, AnyQuery]) -> SignedOut:
    await way_out.close()
    return SignedOut()


ROUTES: Final[tuple[Route, ...]] = (
    Write(
        method="POST",
        path="/iam/v2/user/third_party",
        who=PUBLISHABLE,
        summary="Log in with somebody else's token",
        body=ThirdParty,
        query=AnyQuery,
        answer=Named,
        carried_by=PUBLISHABLE,
        handle=_third_party,
    ),
    Read(
        method="GET",
        path="/iam/v2/auth/get-session",
        who=SESSION,
        summary="Say who asks, with the times of the session",
        query=AnyQuery,
        answer=SessionAndUser,
        handle=_session,
    ),
    Read(
        method="GET",
        path="/iam/v2/me",
        who=SESSION,
        summary="Say who asks",
        query=AnyQuery,
        answer=User,
        handle=_me,
    ),
    Leave(
        method="POST",
        path="/iam/v2/auth/sign-out",
        who=SESSION,
        lane=Lane.STOP,
        summary="Close the session",
        query=AnyQuery,
        answer=SignedOut,
        handle=_sign_out,
    ),
)
# Each makes a user, so that one address has fewer of them than of anything else.
GUESTS: Final[tuple[Route, ...]] = (
    Write(
        method="POST",
        path=GUEST,
        who=PUBLISHABLE,
        summary="Come as a guest",
        query=AnyQuery,
        answer=LoggedIn,
        carried_by=PUBLISHABLE,
        handle=_sign_up,
    ),
)
