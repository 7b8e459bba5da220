"""A token exchanged for that of a narrower session (RFC 8693)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from valetkey.core.errors import Code, Conflict, Malformed
from valetkey.core.scope import Scope, SessionScope
from valetkey.flows import reads
from valetkey.flows.exchange import subject_of
from valetkey.http.native.child_session import open_under
from valetkey.http.routes import SECRET_OR_SESSION, Ask, Route, Write
from valetkey.wire import exchange as wire
from valetkey.wire.child_session import OpenChild
from valetkey.wire.credential import PublicKey
from valetkey.wire.permission import PermissionDocument

if TYPE_CHECKING:
    from valetkey.http.admitted import Admitted
    from valetkey.http.routes import NoQuery

EXCHANGE: Final = "/v1/tokens/exchange"
T = TypeVar("T", bound=msgspec.Struct)


def read_exchange(form: wire.ExchangeForm) -> OpenChild:
    """
    Return the session that *form* asks for.

    1. a grant and tokens that we know; 2. nobody else for it or through it; 3. key and permission.

    Raises:
        Malformed: The first of them that is otherwise; ``error`` among its facts is OAuth's name.
    """
    _expect(form.grant_type, wire.GRANT_TYPE, "grant_type", error="unsupported_grant_type")  # 1
    _expect(form.subject_token_type, wire.ACCESS_TOKEN, "subject_token_type")
    _expect(
        form.requested_token_type or wire.ACCESS_TOKEN, wire.ACCESS_TOKEN, "requested_token_type"
    )
    if form.resource is not None or form.audience is not None:  # 2
        raise _malformed("resource, audience: expected none", error="invalid_target")
    if form.actor_token is not None or form.actor_token_type is not None:
        raise _malformed("actor_token: expected none, for nobody acts through another")
    key = _decoded(form.key, PublicKey, "key")  # 3
    permission = _decoded(form.permission, PermissionDocument, "permission")
    if permission is not None and key is None:
        raise _malformed("key: expected one for a permission, got none")
    scopes = form.scope.split(" ") if form.scope else []
    if scopes and permission is None:
        raise _malformed("scope: expected none without a permission", error="invalid_scope")
    if permission is not None and form.scope is not None:
        permission = msgspec.structs.replace(permission, scopes=scopes)
    return OpenChild(
        proof="bearer" if key is None else "stamp",
        access="read" if permission is None else "write",
        key=key,
        permission=permission,
        ttl_s=form.ttl_s,
        idle_s=form.idle_s,
        label=form.label,
        bound_token=key is not None,
    )


def _expect(got: str, wanted: str, where: str, *, error: str = "invalid_request") -> None:
    if got != wanted:
        raise _malformed(f"{where}: expected {wanted}, got {got[:80]}", error=error)


def _malformed(detail: str, *, error: str = "invalid_request") -> Malformed:
    return Malformed(Code.MALFORMED_BODY, detail, error=error)


def _decoded(text: str | None, kind: type[T], where: str) -> T | None:
    try:
        return None if text is None else msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise _malformed(f"{where}: expected its JSON, got something else ({error})") from None


async def _exchange(admitted: Admitted, ask: Ask[wire.ExchangeForm, NoQuery]) -> wire.Exchanged:
    see, form = admitted.reads, ask.body
    asked = read_exchange(form)
    subject = await subject_of(see, admitted.principal, token=form.subject_token)
    opened = await open_under(admitted, subject.id, asked)
    if opened.token is None:
        detail = "this request was made before, and its token was shown then; make a new request"
        raise Conflict(Code.REQUEST_ID_REUSED, detail)
    session = opened.session
    shown = await reads.shown(see, session)
    return wire.Exchanged(
        access_token=opened.token,
        issued_token_type=wire.ACCESS_TOKEN,
        token_type=session.token_type.value,
        expires_in=max(shown.ends_at - see.clock.now(), 0),
        scope=" ".join(session.permission.scopes) if session.permission else "",
        session_id=session.id,
    )


ROUTES: Final[tuple[Route, ...]] = (
    Write(
        method="POST",
        path=EXCHANGE,
        who=SECRET_OR_SESSION,
        session_scope=SessionScope.OPEN,
        scope=Scope.SESSIONS_OPEN,
        summary="Exchange the token of a session for that of a narrower one (RFC 8693)",
        body=wire.ExchangeForm,
        form=True,
        is_oauth=True,
        is_new_each_time=True,
        answer=wire.Exchanged,
        handle=_exchange,
    ),
)
