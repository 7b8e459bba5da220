"""Tickets, made for whoever may watch a session, and used up at its meter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Limited, Unauthenticated, ValetkeyError
from valetkey.core.ticket import LIFE_S, MOST, Ticket
from valetkey.core.token import MAX_TOKEN_CHARS, TOKEN_BYTES, TokenPrefix, fingerprint, make_token
from valetkey.flows import reads
from valetkey.flows.holder import prove_again

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.ports import Tx

SWEPT: Final = 100


@dataclass(frozen=True, slots=True)
class Ticketed:
    """A ticket, and the first second at which it is refused."""

    ticket: str = field(repr=False)
    expires_at: int


async def issue_ticket(world: World, principal: Principal, *, session_id: str) -> Ticketed:
    """
    Return a ticket with which the meter of a session is opened once, as by *principal*.

    Only its fingerprint is stored.

    Raises:
        NotFound: The principal may not know of the session.
        Limited: The principal has `MOST` that are not used up.
    """
    await reads.session(world, principal, session_id=session_id)
    now = world.clock.now()
    token = make_token(TokenPrefix.TICKET, world.entropy.take(TOKEN_BYTES))
    ticket = Ticket(
        id=fingerprint(token),
        session_id=session_id,
        organization_id=principal.organization_id,
        subject_id=principal.subject_id,
        kind=principal.kind,
        key=principal.key,
        expires_at=now + LIFE_S,
    )

    def body(tx: Tx) -> None:
        prove_again(tx, principal, now=now)
        out = tx.find(Ticket, subject_id=principal.subject_id)
        late = [one for one in out if one.expires_at <= now]
        if len(out) - len(late) >= MOST:
            detail = f"expected at most {MOST} tickets that are not used up, got one more"
            raise Limited(Code.TOO_MANY_STREAMS, f"{detail}; each ends after {LIFE_S} s")
        for one in late:
            tx.drop(Ticket, one.id)
        tx.add(ticket)

    await world.store.write(body)
    return Ticketed(token, ticket.expires_at)


async def take_ticket(world: World, token: str, *, session_id: str) -> Principal:
    """
    Return whom the ticket *token* stands for; it is used up, also when it is refused.

    1. it is known; 2. used up; 3. in time, and for this session; 4. its principal is still let in.

    Raises:
        Unauthenticated, Forbidden: One of them is not so.
    """
    now = world.clock.now()
    if len(token) > MAX_TOKEN_CHARS or not token.startswith(TokenPrefix.TICKET):
        raise _refused()

    def body(tx: Tx) -> Principal | ValetkeyError:
        ticket = tx.get(Ticket, fingerprint(token))  # 1: found by its hash, as tokens are
        if ticket is None:
            return _refused()
        tx.drop(Ticket, ticket.id)  # 2: what is returned, and not raised, undoes nothing
        if now >= ticket.expires_at or ticket.session_id != session_id:  # 3
            return _refused()
        try:
            return prove_again(tx, ticket.principal, now=now)  # 4
        except ValetkeyError as error:
            return error

    found = await world.store.write(body)
    if isinstance(found, ValetkeyError):
        raise found
    return found


async def forget_tickets(world: World) -> None:
    """Drop tickets that nobody has used in time."""
    now = world.clock.now()
    after = ""
    while True:
        page = await world.store.read(
            lambda view, after=after: view.find(Ticket, after=after, limit=SWEPT)  # type: ignore[misc]
        )
        late = [one.id for one in page if one.expires_at <= now]
        if late:
            await world.store.write(lambda tx, late=late: _drop(tx, late))  # type: ignore[misc]
        if len(page) < SWEPT:
            return
        after = page[-1].id


def _drop(tx: Tx, ids: list[str]) -> None:
    for one in ids:
        tx.drop(Ticket, one)


def _refused() -> Unauthenticated:
    detail = f"expected a ticket for this session, not used before and no older than {LIFE_S} s"
    return Unauthenticated(Code.PROOF_REFUSED, detail)
