"""Watching with the SDK: as it happens, again where it broke off, and no longer than allowed."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.client.both import Client, close, done, first
from tests.client.loopback import Said, answering, lying
from tests.client.service import SHOP, USDC
from valetkey import (
    Attempts,
    Forbidden,
    SessionKey,
    Unauthenticated,
    Unavailable,
    Valetkey,
    ValetkeyError,
)
from valetkey.client.sse import MAX_EVENT_BYTES, Events, Heard

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.loopback import Came
    from tests.client.service import Service
    from valetkey import Owner
    from valetkey.wire.wallet import Account

Kind = type[ValetkeyError]
EVENT = b'id: 7\nevent: snapshot\ndata: {"a":1}\n\n'
EAGER = Attempts(most=3, first_wait_s=0.01)


async def watched(values: Client, act: Callable[[int], object], *, most: int = 100) -> list[Any]:
    """Return what *values* yield to their end, *act* called after each with its number."""
    seen: list[Any] = []
    if hasattr(values, "__aiter__"):
        async for value in values:
            seen.append(value)
            await asyncio.to_thread(act, len(seen))
            assert len(seen) < most
        return seen
    for value in values:
        seen.append(value)
        act(len(seen))
        assert len(seen) < most
    return seen


async def test_an_operator_sees_use_and_the_end(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """A run, a revocation, and then the iterator ends by itself."""
    with Valetkey(service.url, api_key=service.api_key) as other:
        session = other.sessions.open(account, service.draft(), owner=owner)

        def act(count: int) -> None:
            if count == 1:
                session.transfer(service.token, SHOP, "2")
                other.sessions.revoke(session.id)

        seen = await watched(vk.sessions.watch(session.id), act)
        shown = other.sessions.get(session.id)
    assert (seen[0].state, seen[0].calls, seen[0].headline) == ("open", 0, shown.headline)
    assert (seen[-1].state, seen[-1].calls) == ("revoked", 1)
    assert seen[-1].remaining == shown.remaining
    assert int(seen[-1].remaining[0].spent) == 2 * USDC


@pytest.mark.parametrize(
    ("verb", "kind", "code"),
    [
        ("freeze", Forbidden, "session_frozen"),
        ("revoke", Unauthenticated, "session_revoked"),
    ],
)
async def test_a_holder_is_told_why_there_is_nothing_more(  # noqa: PLR0917 - fixtures
    service: Service, make: Client, owner: Owner, account: Account, verb: str, kind: Kind, code: str
) -> None:
    """Its request is signed, and from the stop on it may not look: that is the last it hears."""
    key = SessionKey.generate()
    with Valetkey(service.url, api_key=service.api_key) as operator:
        opened = operator.sessions.open(account, service.draft(), owner=owner, key=key)
        nobody = make(service.url)
        held = await done(nobody.sessions.attach(opened.id, key, account=account.address))
        assert held.id == opened.id
        with pytest.raises(kind) as ended:
            await watched(held.watch(), lambda _: getattr(operator.sessions, verb)(held.id))
        await close(nobody)
    assert ended.value.code == code


async def test_a_stream_that_breaks_off_is_asked_for_again(
    service: Service, make: Client, owner: Owner, account: Account
) -> None:
    """Each time with the id of the last event, and each begins with how things are."""
    with lying(service.url, {}) as proxy:
        vk = make(proxy.url, api_key=service.api_key, attempts=EAGER)
        session = await done(vk.sessions.open(account, service.draft(), owner=owner))
        seen = await first(vk.sessions.watch(session.id), 3)
        await close(vk)
        asked = [came for came in proxy.came if came.target.endswith("/meter")]
    assert [one.state for one in seen] == ["open"] * 3
    assert "last-event-id" not in asked[0].headers
    assert all(came.headers["last-event-id"].isdigit() for came in asked[1:])


async def test_the_most_used_come_first(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """What the organization has in use, as one value after each change."""
    held = await done(vk.sessions.open(account, service.draft(), owner=owner))
    await done(held.transfer(service.token, SHOP, "20"))
    (now,) = await first(vk.sessions.top(), 1)
    assert held.id in [one.session_id for one in now.sessions]
    used = [one.used_permille for one in now.sessions]
    assert used == sorted(used, reverse=True)
    assert used[0] == 1000
    await done(held.close())


def _says(*bodies: bytes) -> Callable[[Came], Said]:
    left = list(bodies)
    lock = threading.Lock()

    def answer(came: Came) -> Said:
        del came
        with lock:
            body = left.pop(0) if left else b""
        return Said(200, body, {"content-type": "text/event-stream"})

    return answer


END = b'event: end\ndata: {"code":"%s","detail":"because"}\n\n'


@pytest.mark.parametrize(
    ("bodies", "kind", "code"),
    [
        ((b"",), Unavailable, "server_unreachable"),
        ((END % b"not_ready",), Unavailable, "server_unreachable"),
        ((b"event: snapshot\ndata: nonsense\n\n",), Unavailable, "server_unreachable"),
        ((END % b"session_frozen",), Forbidden, "session_frozen"),
        ((END % b"not_ready", END % b"proof_refused"), Unauthenticated, "proof_refused"),
        ((b"x" * (MAX_EVENT_BYTES + 1),), Unavailable, "server_unreachable"),
    ],
)
async def test_a_server_that_says_too_little_or_too_much_is_not_asked_for_ever(
    make: Client, bodies: tuple[bytes, ...], kind: Kind, code: str
) -> None:
    """As often as `Attempts` says; a clear reason ends it at once."""
    with answering(_says(*bodies)) as loopback:
        vk = make(loopback.url, api_key="vk_secret_" + "a" * 43, attempts=EAGER)
        with pytest.raises(kind) as refused:
            await first(vk.sessions.top())
        await close(vk)
    assert refused.value.code == code
    assert len(loopback.came) <= EAGER.most


def test_events_come_in_pieces_of_any_size() -> None:
    """Whole or byte by byte, the same events; comments are none."""
    stream = b"retry: 1000\n\n:\n\n" + EVENT + b":\n\n" + EVENT
    whole = Events().feed(stream)
    assert whole == [Heard("snapshot", "7", b'{"a":1}')] * 2
    pieces = Events()
    assert [one for byte in stream for one in pieces.feed(bytes([byte]))] == whole
