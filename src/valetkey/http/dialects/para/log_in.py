"""Log-in: a client says who its user is, and the user enters a code on our page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

from msgspec import Meta, Struct

from valetkey.core.errors import Code, Unauthenticated
from valetkey.core.principal import PrincipalKind
from valetkey.core.surface import Surface
from valetkey.flows.log_in import ask_again, ask_for_code, log_in
from valetkey.http.dialects.para.sealing import read_device_key
from valetkey.http.dialects.para.session import ANYBODY, Empty
from valetkey.http.dialects.para.visitor import INIT, Visitor
from valetkey.http.dialects.para.wallet_json import wallets_of
from valetkey.http.dialects.vendor import AnyQuery
from valetkey.http.routes import EVERYBODY, Ask, Read, Route, Write
from valetkey.wire.quiet import quiet

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted
    from valetkey.http.sight import Reads

METHODS: Final = ("BASIC_LOGIN",)
_NOBODY: Final = frozenset({PrincipalKind.ANONYMOUS})
Lookup = Annotated[str, Meta(max_length=64)]


class Init(Struct, frozen=True):
    """Who the user says they are; what a client says of its looks is passed over."""

    email: Annotated[str, Meta(max_length=320)]


class Stage(Struct, frozen=True, rename="camel", omit_defaults=True):
    """
    What comes next.

    Whoever has a wallet here is told from whoever has none, for their clients make one where none
    is: the vendor's format says so before the code is entered.
    """

    auth: dict[str, str]
    next_stage: Literal["signup", "login"]
    user_id: str
    signup_auth_methods: tuple[str, ...] | None = None
    login_auth_methods: tuple[str, ...] | None = None
    stage: Literal["verify"] | None = None


class CodeEntered(Struct, frozen=True, rename="camel"):
    """What our page sends: the client's lookup id, the code, and the key of its device."""

    session_id: Lookup
    code: Annotated[str, Meta(max_length=16)]
    encryption_key: Annotated[str, Meta(max_length=4096)] = ""

    __repr__ = quiet("code")


class CodeAsked(Struct, frozen=True, rename="camel"):
    """Another code for the same address."""

    session_id: Lookup


class Supported(Struct, frozen=True, rename="camel"):
    """How a user may log in."""

    supported_auth_methods: tuple[str, ...]
    has_password_without_pin: bool = False


async def _init(admitted: Admitted, ask: Ask[Init, AnyQuery]) -> Stage:
    principal = admitted.principal
    if not isinstance(principal, Visitor) or not principal.lookup:
        raise Unauthenticated(Code.PROOF_MISSING, "expected the cookie of a client, got none")
    asked = await ask_for_code(admitted.world, lookup=principal.lookup, email=ask.body.email)
    auth = {"email": asked.address}
    if await wallets_of(admitted.reads, asked.user_id):
        return Stage(auth, "login", asked.user_id, login_auth_methods=METHODS, stage="verify")
    return Stage(auth, "signup", asked.user_id, signup_auth_methods=METHODS, stage="verify")


async def _enter(admitted: Admitted, ask: Ask[CodeEntered, AnyQuery]) -> Empty:
    body = ask.body
    if body.encryption_key:
        read_device_key(body.encryption_key)
    await log_in(
        admitted.world,
        lookup=body.session_id,
        code=body.code.strip(),
        surface=Surface.PARA,
        device_key=body.encryption_key or None,
    )
    return Empty()


async def _again(admitted: Admitted, ask: Ask[CodeAsked, AnyQuery]) -> Empty:
    await ask_again(admitted.world, lookup=ask.body.session_id)
    return Empty()


async def _supported(_see: Reads, _principal: Principal, _ask: Ask[None, AnyQuery]) -> Supported:
    return Supported(METHODS)


ROUTES: Final[tuple[Route, ...]] = (
    Write(
        method="POST",
        path=INIT,
        who=ANYBODY,
        summary="Send a one-time code",
        body=Init,
        query=AnyQuery,
        answer=Stage,
        is_new_each_time=True,
        carried_by=ANYBODY,
        handle=_init,
    ),
    Write(
        method="POST",
        path="/auth/otp/code",
        who=EVERYBODY,
        summary="Log in with a one-time code",
        body=CodeEntered,
        query=AnyQuery,
        answer=Empty,
        is_new_each_time=True,
        carried_by=_NOBODY,
        handle=_enter,
    ),
    Write(
        method="POST",
        path="/auth/otp/again",
        who=EVERYBODY,
        summary="Send another one-time code",
        body=CodeAsked,
        query=AnyQuery,
        answer=Empty,
        is_new_each_time=True,
        carried_by=_NOBODY,
        handle=_again,
    ),
    Read(
        method="GET",
        path="/users/supported-auth-methods/v2",
        who=ANYBODY,
        summary="Say how a user may log in",
        query=AnyQuery,
        answer=Supported,
        handle=_supported,
    ),
)
