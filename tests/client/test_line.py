"""What goes over the wire: sent again only where that is safe, and every answer understood."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from tests.client.both import Client, close, done, first
from tests.client.loopback import Came, Said, answering
from tests.leaks import secret
from valetkey import Attempts, Malformed, RateLimited, Unavailable
from valetkey.core.errors import Code
from valetkey.core.token import TokenPrefix, make_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = make_token(TokenPrefix.SECRET_KEY, secret(bytes(range(1, 33))))
USER = {"id": "usr_1", "organization_id": "org_1", "reference": "ann", "created_at": 1}
AT_ONCE = Attempts(most=3, first_wait_s=0.0)
BUSY = Said(503, {"code": "store_unavailable", "detail": "expected the store, got none"})


def hurried(wait: str | None, *, retry_after_s: object = 3600) -> Said:
    """Return the answer to one request too many."""
    body = {"code": "rate_limited", "detail": "wait", "retry_after_s": retry_after_s}
    return Said(429, body, headers={} if wait is None else {"retry-after": wait})


def in_turn(*said: Said) -> Callable[[Came], Said]:
    """Give these answers one after another, the last one for ever."""
    waiting = list(said)
    return lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0]


async def test_a_write_that_got_no_answer_is_sent_again_with_its_id(make: Client) -> None:
    """The server cannot take the second one for another request."""
    with answering(in_turn(Said(hangs_up=True), BUSY, Said(201, USER))) as server:
        vk = make(server.url, api_key=KEY, attempts=AT_ONCE)
        user = await done(vk.users.add("ann"))
        await close(vk)
    assert user.id == "usr_1"
    assert len(server.came) == 3
    assert len({came.headers["idempotency-key"] for came in server.came}) == 1
    assert {came.body for came in server.came} == {b'{"reference":"ann"}'}
    assert {came.headers["authorization"] for came in server.came} == {f"Bearer {KEY}"}


async def test_two_writes_have_two_ids(make: Client) -> None:
    """Adding the same twice is adding two."""
    with answering(in_turn(Said(201, USER))) as server:
        vk = make(server.url, api_key=KEY)
        await done(vk.users.add("ann"))
        await done(vk.users.add("ann"))
        await done(vk.users.add("ann", request_id="mine"))
        await close(vk)
    ids = [came.headers["idempotency-key"] for came in server.came]
    assert len(set(ids)) == 3
    assert ids[2] == "mine"


async def test_what_was_not_looked_at_is_sent_again_when_the_server_says(make: Client) -> None:
    """Too many requests: nothing was done, so a write is sent again too, with its id."""
    with answering(in_turn(hurried("0"), Said(201, USER))) as server:
        vk = make(server.url, api_key=KEY, attempts=AT_ONCE)
        assert (await done(vk.users.add("ann"))).id == "usr_1"
        await close(vk)
    assert len({came.headers["idempotency-key"] for came in server.came}) == 1
    assert len(server.came) == 2


@pytest.mark.parametrize("wait", ["3600", "9" * 40, "soon", None])
async def test_a_long_wait_is_the_callers_to_decide(make: Client, wait: str | None) -> None:
    """The exception says how long; so it is for limits that no wait ends."""
    with answering(in_turn(hurried(wait))) as server:
        vk = make(server.url, api_key=KEY, attempts=AT_ONCE)
        with pytest.raises(RateLimited) as refused:
            await done(vk.users.add("ann"))
        await close(vk)
    assert (refused.value.code, refused.value.retry_after_s) == (Code.RATE_LIMITED, 3600)
    assert len(server.came) == 1


async def test_it_gives_up_asking_a_server_that_counts(make: Client) -> None:
    """After a few times it is the caller's turn; a fact that is none is one second."""
    with answering(in_turn(hurried("0", retry_after_s="x"))) as server:
        vk = make(server.url, api_key=KEY, attempts=AT_ONCE)
        with pytest.raises(RateLimited) as refused:
            await done(vk.users.add("ann"))
        await close(vk)
    assert refused.value.retry_after_s == 1
    assert len(server.came) == 3


async def test_it_gives_up_after_a_few_times(make: Client) -> None:
    """A server that is down is reported as that, with its own reason."""
    with answering(in_turn(BUSY)) as server:
        vk = make(server.url, api_key=KEY, attempts=AT_ONCE)
        with pytest.raises(Unavailable, match="expected the store") as refused:
            await done(vk.users.get("usr_1"))
        await close(vk)
    assert refused.value.code is Code.STORE_UNAVAILABLE
    assert len(server.came) == 3


async def test_a_refusal_is_not_asked_for_twice(make: Client) -> None:
    """What the server decided stays decided."""
    said = Said(500, {"code": "internal", "detail": "the log has the reason"})
    with answering(in_turn(said)) as server:
        vk = make(server.url, api_key=KEY, attempts=AT_ONCE)
        with pytest.raises(Unavailable) as refused:
            await done(vk.users.add("ann"))
        await close(vk)
    assert refused.value.code is Code.INTERNAL
    assert len(server.came) == 1


async def test_a_server_that_is_not_there_is_named(make: Client) -> None:
    """Who reads the error knows where nobody answers."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        vk = make(f"http://127.0.0.1:{taken.getsockname()[1]}", api_key=KEY, attempts=AT_ONCE)
        with pytest.raises(Unavailable, match=r"127\.0\.0\.1") as refused:
            await done(vk.server())
        await close(vk)
    assert refused.value.code is Code.SERVER_UNREACHABLE


@pytest.fixture
def silent() -> Iterator[str]:
    """Give a server that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        kept: list[socket.socket] = []

        def take() -> None:
            while True:
                try:
                    kept.append(listener.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=take)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in kept:
            connection.close()


async def test_waiting_has_an_end_and_is_not_repeated(make: Client, silent: str) -> None:
    """A caller waits as long as it said, not three times as long."""
    vk = make(silent, api_key=KEY, timeout_s=0.05, attempts=AT_ONCE)
    with pytest.raises(Unavailable, match="in time") as refused:
        await done(vk.users.add("ann"))
    await close(vk)
    assert refused.value.code is Code.SERVER_UNREACHABLE


@pytest.mark.parametrize(
    "said",
    [
        Said(200, b"<html>welcome</html>", {"content-type": "text/html"}),
        Said(200, {"id": 7}),
        Said(302, b"", {"location": "http://127.0.0.1:1/"}),
        Said(502, b"bad gateway", {"content-type": "text/plain"}),
        Said(200, b'"' + b"a" * (9 * 2**20) + b'"'),
    ],
    ids=["another page", "another shape", "redirect", "a proxy's error", "too large"],
)
async def test_what_is_not_our_server_is_not_believed(make: Client, said: Said) -> None:
    """Nothing is read into an answer of another kind, and no proof follows a redirect."""
    with answering(in_turn(said)) as server:
        vk = make(server.url, api_key=KEY, attempts=AT_ONCE)
        with pytest.raises(Unavailable) as refused:
            await done(vk.users.get("usr_1"))
        await close(vk)
    assert refused.value.code is Code.SERVER_UNREACHABLE
    assert len(server.came) == 1


async def test_a_list_is_fetched_page_by_page(make: Client) -> None:
    """Nobody has to know of cursors, and no page is fetched that nobody reads."""

    def pages(came: Came) -> Said:
        number = int(came.target.partition("after=")[2] or 0)
        items = [{**USER, "id": f"usr_{number}{i}"} for i in range(2)]
        return Said(200, {"items": items, "next": str(number + 1) if number < 2 else None})

    with answering(pages) as server:
        vk = make(server.url, api_key=KEY)
        found = [user.id for user in await first(vk.users.list())]
        assert found == ["usr_00", "usr_01", "usr_10", "usr_11", "usr_20", "usr_21"]
        assert [came.target for came in server.came] == [
            "/v1/users",
            "/v1/users?after=1",
            "/v1/users?after=2",
        ]
        await first(vk.users.list(), 1)
        await close(vk)
    assert len(server.came) == 4


async def test_what_stands_in_a_path_cannot_leave_it(make: Client) -> None:
    """An id from somewhere else does not reach another route."""
    with answering(in_turn(Said(200, USER))) as server:
        vk = make(server.url + "/under/", api_key=KEY)
        await done(vk.users.get("../../v1/server?x=1#"))
        await close(vk)
    assert server.came[0].target == "/under/v1/users/..%2F..%2Fv1%2Fserver%3Fx%3D1%23"


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8080", "ftp://host", "http://", "http://a:b@host", "http://host/?a=1"]
)
def test_a_wrong_address_is_refused_at_once(make: Client, url: str) -> None:
    """Before any key is sent anywhere."""
    with pytest.raises(Malformed, match="base_url"):
        make(url, api_key=KEY)


def test_a_client_shows_its_server_and_no_key(make: Client) -> None:
    """It may be printed."""
    vk = make("http://127.0.0.1:8080/", api_key=KEY)
    assert repr(vk) == f"{make.__name__}('http://127.0.0.1:8080')"
    assert KEY not in repr(vars(vk))


def test_waits_grow_and_heed_the_server() -> None:
    """A busy server is not hurried, and cannot make us wait for ever."""
    attempts = Attempts(most=4, first_wait_s=0.5)
    assert [attempts.wait_s(sent, {}) for sent in range(1, 5)] == [0.5, 1.5, 4.5, None]
    assert attempts.wait_s(1, {"retry-after": "2"}) == 2
    assert attempts.wait_s(1, {"retry-after": "3600"}) == 5
    assert attempts.wait_s(1, {"retry-after": "Fri, 31 Dec 2027 23:59:59 GMT"}) == 0.5
