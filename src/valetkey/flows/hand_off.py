"""A session is handed to a backend: a code for one use becomes a narrower session of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from valetkey.core.errors import Code, Forbidden, Limited, Unauthenticated
from valetkey.core.hand_off import MOST, HandOff, check_life
from valetkey.core.principal import Access, PrincipalKind
from valetkey.core.session import Session
from valetkey.core.token import MAX_TOKEN_CHARS, TOKEN_BYTES, TokenPrefix, fingerprint, make_token
from valetkey.flows.gate import expect_known, expect_secret, present
from valetkey.flows.holder import prove_again
from valetkey.flows.open_child import open_child
from valetkey.flows.opening import Opened, opened_by
from valetkey.flows.record import audit, earlier

if TYPE_CHECKING:
    from collections.abc import Callable

    from valetkey.core.activity import Request
    from valetkey.core.command import OpenSession
    from valetkey.core.principal import Principal
    from valetkey.flows.open_child import Compare
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View


@dataclass(frozen=True, slots=True)
class HandedOff:
    """A code, shown this once, and the first second at which it is refused."""

    code: str = field(repr=False)
    expires_at: int


async def hand_off(world: World, principal: Principal, *, access: Access, ttl_s: int) -> HandedOff:
    """
    Return a code with which a backend of the organization opens one session under the one asking.

    Only its fingerprint is stored.

    Raises:
        Malformed: *ttl_s* is out of bounds.
        Forbidden: The principal is no session; or it asks for more than it has, or than its proof
            is worth.
        Limited: The session has `MOST` that are not used up.
    """
    expect_known(principal)
    if principal.kind is not PrincipalKind.SESSION:
        raise Forbidden(Code.NOT_ALLOWED, "expected the proof of a session, which is handed off")
    now = world.clock.now()
    code = make_token(TokenPrefix.HAND_OFF, world.entropy.take(TOKEN_BYTES))
    given = HandOff(
        id=fingerprint(code),
        organization_id=principal.organization_id,
        session_id=principal.subject_id,
        access=access,
        forget_at=now + check_life(ttl_s),
    )

    def body(tx: Tx) -> None:
        prove_again(tx, principal, now=now)
        session = present(tx.get(Session, principal.subject_id), "session")
        has = {session.access, principal.access}
        if access is Access.WRITE and has != {Access.WRITE}:
            detail = "scope: expected read, for the session or its proof only reads, got write"
            raise Forbidden(Code.READ_ONLY, detail)
        _expect_room(tx, session, now=now)
        tx.add(given)
        audit(
            tx,
            session.organization_id,
            "session:handed_off",
            at=now,
            subject_id=session.id,
            principal_id=principal.subject_id,
            access=access.value,
        )

    await world.store.write(body)
    return HandedOff(code, given.forget_at)


async def redeem(
    world: World,
    principal: Principal,
    request: Request,
    *,
    code: str,
    asks: Callable[[Session], OpenSession],
    compare: Compare,
) -> Opened:
    """
    Return the session that *code* lets a backend open.

    1. the code is one of the organization, in time; 2. not more is asked for than it gives; 3. the
    session is opened as any child is, and the code used up in the same transaction.

    Args:
        asks: Says what is asked for, under the session that was handed off.

    Raises:
        Unauthenticated: ``code_refused``: 1.
        Forbidden: 2, or as `open_child`.
    """
    expect_secret(principal)
    before = await world.store.read(lambda view: opened_by(view, earlier(view, principal, request)))
    if before is not None:
        return before
    id_ = fingerprint(code) if _is_code(code) else ""

    def look(view: View) -> tuple[HandOff, Session]:  # 1
        found = view.get(HandOff, id_) if id_ else None
        is_own = found is not None and found.organization_id == principal.organization_id
        if found is None or not is_own or world.clock.now() >= found.forget_at:
            raise _refused()
        return found, present(view.get(Session, found.session_id), "session")

    def use_up(tx: Tx) -> None:
        look(tx)
        tx.drop(HandOff, id_)

    given, parent = await world.store.read(look)
    command = asks(parent)
    if command.access is Access.WRITE and given.access is not Access.WRITE:  # 2
        detail = "access: expected read, which is all that was handed off, got write"
        raise Forbidden(Code.NOT_WITHIN_PARENT, detail, caveat="access")
    return await open_child(  # 3
        world,
        principal,
        request,
        parent_id=parent.id,
        command=command,
        compare=compare,
        by_leave=use_up,
    )


def _is_code(code: str) -> bool:
    return len(code) <= MAX_TOKEN_CHARS and code.startswith(TokenPrefix.HAND_OFF)


def _expect_room(tx: Tx, session: Session, *, now: int) -> None:
    out = tx.find(HandOff, session_id=session.id)
    if sum(now < one.forget_at for one in out) >= MOST:
        detail = f"expected at most {MOST} hand-offs that are not used up, got one more"
        raise Limited(Code.TOO_MANY_CODES, detail)


def _refused() -> Unauthenticated:
    detail = "expected the code of a hand-off of this organization, in time and not used before"
    return Unauthenticated(Code.CODE_REFUSED, detail)
