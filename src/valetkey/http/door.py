"""The door of the writes: nobody gets past it without write access and a request id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from valetkey.core.activity import MAX_REQUEST_ID_CHARS, Request, request_hash
from valetkey.core.errors import Code, Forbidden, Malformed, Unauthenticated
from valetkey.core.ids import Prefix
from valetkey.core.permission.decide import Deny
from valetkey.core.principal import PrincipalKind
from valetkey.core.scope import SessionScope
from valetkey.flows.gate import expect_scope, expect_write, forbid
from valetkey.http.admitted import Admitted, Exit
from valetkey.http.routes import EVERYBODY, Write

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.http.routes import Ask, Leave, Route
    from valetkey.http.sight import Reads

    Asked = Ask[Any, Any]

_PRINTABLE: Final = range(0x21, 0x7F)


def expect_entry(route: Route, principal: Principal) -> None:
    """
    Let pass who may use *route*.

    1. a kind that it is for; 2. a credential with its scope; 3. a session with its scope; 4. with
    write access, if it writes.

    Raises:
        Unauthenticated: Nobody was proven.
        Forbidden: The principal is of another kind, has not the scope, or only reads.
    """
    if principal.kind not in route.who:  # 1
        wanted = " or ".join(sorted(kind.said for kind in route.who))
        detail = f"expected {wanted}, got {principal.kind.said}"
        if principal.kind is PrincipalKind.ANONYMOUS:
            raise Unauthenticated(Code.PROOF_MISSING, detail)
        raise Forbidden(Code.NOT_ALLOWED, detail)
    if principal.kind is PrincipalKind.SECRET and route.scope is not None:  # 2
        expect_scope(principal, route.scope)
    if principal.kind is PrincipalKind.SESSION:  # 3
        _expect_session_scope(route, principal)
    if isinstance(route, Write) and principal.kind not in route.carried_by:  # 4
        expect_write(principal)


def _expect_session_scope(route: Route, principal: Principal) -> None:
    needed = SessionScope if route.session_scope is None else (route.session_scope,)
    missing = [scope for scope in needed if scope not in principal.session_scopes]
    if missing and route.who != EVERYBODY:
        detail = f"expected a session with the scope {missing[0]}, got one without"
        denied = Deny(Code.SCOPE_NOT_ALLOWED, "scopes", detail)
        raise forbid(denied)


class Door:
    """The door to one world."""

    def __init__(self, world: World, reads: Reads) -> None:
        self._world = world
        self._reads = reads

    def admit(self, route: Write, principal: Principal, key: bytes | None, ask: Asked) -> Admitted:
        """
        Return what lets a write happen.

        Args:
            key: The ``Idempotency-Key`` header.

        Raises:
            Unauthenticated, Forbidden: The principal may not write here.
            Malformed: The request has no unique id.
        """
        expect_entry(route, principal)
        request = _request(route, principal, self._key(route, key), ask)
        return Admitted(self._world, principal, request, self._reads)

    def let_out(self, route: Leave, principal: Principal, key: bytes | None, ask: Asked) -> Exit:
        """
        Return what lets a session end itself.

        Raises:
            Unauthenticated, Forbidden: The principal is no session.
            Malformed: The request has no unique id.
        """
        expect_entry(route, principal)
        request = _request(route, principal, self._key(route, key), ask)
        return Exit(self._world, principal, request, self._reads)

    def _key(self, route: Write | Leave, key: bytes | None) -> bytes | None:
        if key is None and route.is_new_each_time:
            return self._world.new_id(Prefix.REQUEST).encode()
        return key


def _request(route: Write | Leave, principal: Principal, key: bytes | None, ask: Asked) -> Request:
    """
    Return the unique id of a write, with the hash of what is asked for: every name in the path too.

    A signed request carries its id in the signature, as the nonce; the header is then not looked
    at, for it is not signed.
    """
    asked = {"names": list(ask.names), "body": msgspec.to_builtins(ask.body)}
    try:
        mark = request_hash(f"{route.method} {route.path}", asked)
    except ValueError as error:
        raise Malformed(
            Code.MALFORMED_BODY, f"body: expected JSON that is exact, {error}"
        ) from None
    if principal.request_id is not None:
        return Request(principal.request_id, mark)
    if key is None and isinstance(route, Write) and route.is_repeatable:
        return Request(f"same/{mark}", mark)
    if key is None:
        detail = "expected an Idempotency-Key header, or a signed request, got neither"
        raise Malformed(Code.REQUEST_ID_MISSING, detail)
    if not 1 <= len(key) <= MAX_REQUEST_ID_CHARS or any(byte not in _PRINTABLE for byte in key):
        detail = f"Idempotency-Key: expected 1 to {MAX_REQUEST_ID_CHARS} printable characters"
        raise Malformed(Code.MALFORMED_REQUEST, detail)
    return Request(key.decode(), mark)
