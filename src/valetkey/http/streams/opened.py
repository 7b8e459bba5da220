"""A stream from its request to its end: by which proof, with what head."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Malformed, Unauthenticated
from valetkey.flows.tickets import take_ticket
from valetkey.http.answer import Answer, head_of
from valetkey.http.incoming import read_query
from valetkey.http.routes import check_names
from valetkey.http.streams.channel import CONTENT_TYPE

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.http.answer import Receive, Send
    from valetkey.http.incoming import Incoming
    from valetkey.http.routes import Stream
    from valetkey.http.streams.channel import Channel

MAX_EVENT_ID_DIGITS: Final = 20
_PROOFS: Final = (b"authorization", b"dpop", b"signature", b"signature-input")
_HEADERS: Final = (
    (b"referrer-policy", b"no-referrer"),  # the URL may hold a ticket
    (b"x-accel-buffering", b"no"),
)


async def by_ticket(
    world: World, route: Stream, incoming: Incoming, names: tuple[str, ...]
) -> Principal | None:
    """
    Return whom the ticket in the query stands for, or None if there is none.

    Raises:
        Unauthenticated, Forbidden: It is refused, or another proof came beside it.
    """
    if "ticket" not in route.query.__struct_fields__:
        return None
    ticket = read_query(incoming.query, route.query).ticket  # type: ignore[attr-defined]
    if ticket is None:
        return None
    if any(field in incoming.fields for field in _PROOFS):
        raise Unauthenticated(Code.PROOF_REFUSED, "expected a ticket or another proof, got both")
    return await take_ticket(world, ticket, session_id=check_names(route, names)[0])


def check_resumed(incoming: Incoming) -> None:
    """
    Let pass if ``Last-Event-ID`` is one of ours, or not there.

    Whatever it says, the answer begins with how things are now: what came in between is in that.

    Raises:
        Malformed: It is none.
    """
    said = incoming.fields.get(b"last-event-id")
    if said and not (said.isdigit() and len(said) <= MAX_EVENT_ID_DIGITS):
        detail = f"Last-Event-ID: expected at most {MAX_EVENT_ID_DIGITS} digits, got something else"
        raise Malformed(Code.MALFORMED_REQUEST, detail)


def stream_answer(channel: Channel) -> Answer:
    """Return the answer that begins with a head and goes on with what *channel* says."""
    return Answer(200, b"", CONTENT_TYPE, _HEADERS, stream=channel)


async def send_stream(
    send: Send, receive: Receive, answer: Answer, request_id: str, *, is_head: bool
) -> None:
    """Send a stream to its end, and close it; only its head if *is_head*."""
    channel = answer.stream
    if channel is None:
        return
    try:
        await send(head_of(answer, request_id, length=None))
        if is_head:
            await send({"type": "http.response.body", "body": b""})
        else:
            await channel.run(send, receive)
    finally:
        channel.close()
