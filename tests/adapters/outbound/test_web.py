"""Requests to receivers that mean us harm, or mean well."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

import pytest

from tests.adapters.outbound.receivers import (
    NAME,
    answering,
    certificate,
    endless,
    receiving,
    silent,
)
from valetkey.adapters.outbound.web import LOOKUPS, Limits, WebOutbound
from valetkey.core.errors import Malformed
from valetkey.ports import MAX_FETCHED_BYTES, Fetched, Posted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

BODY: Final = b'{"a":1}'
PUBLIC: Final = "93.184.216.34"


class Names:
    """
    A resolver that answers as told, one answer after the other, the last one for ever.

    Args:
        asked: What it was asked for.
    """

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        """Return the next answer."""
        self.asked.append((host, port))
        return [self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]]


@pytest.fixture
async def sending() -> AsyncIterator[WebOutbound]:
    """Give a way out of development, which is impatient."""
    made = WebOutbound(allow_private=True, limits=Limits(timeout_s=0.5))
    yield made
    await made.close()


async def test_what_is_posted_arrives(sending: WebOutbound) -> None:
    """Method, fields and body as they were given, and the status back."""
    async with receiving(answering("201 Created", b"thanks")) as receiver:
        url = f"http://127.0.0.1:{receiver.port}/hook?a=b"
        assert await sending.post(url, {"webhook-id": "evt_1"}, BODY) == Posted(201)
    assert receiver.bodies == [BODY]
    head = receiver.heads[0].lower()
    assert head.startswith("post /hook?a=b http/1.1\r\n")
    assert "webhook-id: evt_1" in head


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 Other", "307 Temp", "308 Perm"])
async def test_a_redirect_is_not_followed(sending: WebOutbound, status: str) -> None:
    """A public receiver is no way to the services beside us."""
    async with (
        receiving(answering("200 OK")) as inside,
        receiving(
            answering(f"{status}\r\nlocation: http://127.0.0.1:{inside.port}/admin")
        ) as receiver,
    ):
        posted = await sending.post(f"http://127.0.0.1:{receiver.port}/", {}, BODY)
        assert posted == Posted(int(status[:3]))
        assert inside.heads == []


async def test_a_name_that_leads_elsewhere_after_the_check_is_refused() -> None:
    """Each attempt looks at the address that it connects to, not at the one of before."""
    async with receiving(answering("200 OK")) as inside:
        names = Names(PUBLIC, "127.0.0.1")
        outbound = WebOutbound(resolve=names)
        url = f"https://{NAME}:{inside.port}/hook"
        await outbound.check(url)
        posted = await outbound.post(url, {}, BODY)
        assert posted.status is None
        assert "no address that is public" in posted.reason
        assert inside.heads == []
        with pytest.raises(Malformed, match="no address that is public"):
            await outbound.check(url)
        await outbound.close()


async def test_a_name_is_looked_up_once_and_what_was_found_is_what_is_asked() -> None:
    """Between the check of an address and the connection to it there is no second look-up."""
    async with receiving(answering("200 OK")) as receiver:
        names = Names("127.0.0.1", "127.0.0.99")
        outbound = WebOutbound(allow_private=True, resolve=names)
        url = f"http://{NAME}:{receiver.port}/"
        assert await outbound.post(url, {}, BODY) == Posted(200)
        await outbound.close()
    assert names.asked == [(NAME, receiver.port)]
    assert f"host: {NAME}:{receiver.port}" in receiver.heads[0].lower()


async def test_a_receiver_proves_the_name_that_it_is_asked_by(tmp_path: Path) -> None:
    """The connection goes to the address, the name to the certificate and into the request."""
    shown, trust = certificate(tmp_path)
    async with receiving(answering("204 No Content"), tls=shown) as receiver:
        outbound = WebOutbound(allow_private=True, resolve=Names("127.0.0.1"), trust=trust)
        assert await outbound.post(f"https://{NAME}:{receiver.port}/", {}, BODY) == Posted(204)
        other = await outbound.post(f"https://other.example:{receiver.port}/", {}, BODY)
        await outbound.close()
        suspicious = WebOutbound(allow_private=True, resolve=Names("127.0.0.1"))
        stranger = await suspicious.post(f"https://{NAME}:{receiver.port}/", {}, BODY)
        await suspicious.close()
    assert receiver.names[0] == NAME
    assert len(receiver.heads) == 1
    for refused in (other, stranger):
        assert refused == Posted(None, "no connection, or no HTTP on it (ConnectError)")


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(silent, id="a head that does not end"),
        pytest.param(endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="wait, wait, wait"),
    ],
)
async def test_a_slow_receiver_costs_a_bounded_time(sending: WebOutbound, behave: object) -> None:
    """Every attempt ends, however the receiver drags it out."""
    async with receiving(behave) as receiver:  # type: ignore[arg-type]
        posted = await sending.post(f"http://127.0.0.1:{receiver.port}/", {}, BODY)
    assert posted == Posted(None, "no answer within 0.5 s")


async def test_of_a_long_answer_only_the_head_is_read(sending: WebOutbound) -> None:
    """A body without end, or one that unpacks to much, is not looked at."""
    start = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n"
    async with receiving(endless(start, b"10000\r\n" + b"x" * 65536 + b"\r\n")) as receiver:
        assert await sending.post(f"http://127.0.0.1:{receiver.port}/", {}, BODY) == Posted(200)


async def test_a_head_without_end_is_cut_off(sending: WebOutbound) -> None:
    """Fields are as little to be trusted as bodies."""
    start, piece = b"HTTP/1.1 200 OK\r\n", b"x-more: " + b"x" * 8192 + b"\r\n"
    async with receiving(endless(start, piece)) as receiver:
        posted = await sending.post(f"http://127.0.0.1:{receiver.port}/", {}, BODY)
    assert posted == Posted(None, "no connection, or no HTTP on it (RemoteProtocolError)")


async def test_what_is_no_http_and_nobody_at_all_are_told_without_details(
    sending: WebOutbound,
) -> None:
    """A reason is shown to a caller: it says nothing of this machine's network."""
    async with receiving(endless(b"SSH-2.0-OpenSSH\r\n", b"x" * 8192)) as receiver:
        port = receiver.port
        posted = await sending.post(f"http://127.0.0.1:{port}/", {}, BODY)
        assert posted == Posted(None, "no connection, or no HTTP on it (RemoteProtocolError)")
    posted = await sending.post(f"http://127.0.0.1:{port}/", {}, BODY)
    assert posted == Posted(None, "no connection, or no HTTP on it (ConnectError)")


async def test_names_of_callers_are_looked_up_apart_from_ours(sending: WebOutbound) -> None:
    """A name server that never answers holds up nobody but those who chose it."""
    await sending.check("http://localhost:8080/")
    mine = [one.name for one in threading.enumerate() if one.name.startswith(LOOKUPS)]
    assert mine
    await sending.close()


async def test_what_is_there_is_fetched(sending: WebOutbound) -> None:
    """A plain request without a body, and the answer as it is."""
    async with receiving(answering("200 OK", b'{"keys":[]}')) as receiver:
        url = f"http://127.0.0.1:{receiver.port}/jwks.json?a=b"
        assert await sending.fetch(url) == Fetched(200, b'{"keys":[]}')
    head = receiver.heads[0].lower()
    assert head.startswith("get /jwks.json?a=b http/1.1\r\n")
    assert "accept-encoding: identity" in head
    assert receiver.bodies == [b""]


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_nothing_is_fetched_from_inside(scheme: str) -> None:
    """What an organization names as the place of its keys is no way to what stands beside us."""
    async with receiving(answering("200 OK", b"secret")) as inside:
        outbound = WebOutbound(resolve=Names("127.0.0.1"))
        fetched = await outbound.fetch(f"{scheme}://{NAME}:{inside.port}/")
        await outbound.close()
        assert (fetched.status, fetched.body, inside.heads) == (None, b"", [])


async def test_a_redirect_is_not_followed_to_what_is_there(sending: WebOutbound) -> None:
    """As for what is posted."""
    async with (
        receiving(answering("200 OK", b"secret")) as inside,
        receiving(answering(f"302 Found\r\nlocation: http://127.0.0.1:{inside.port}/")) as receiver,
    ):
        fetched = await sending.fetch(f"http://127.0.0.1:{receiver.port}/")
        assert (fetched.status, inside.heads) == (302, [])


async def test_more_than_may_be_is_not_read(sending: WebOutbound) -> None:
    """An answer that does not end costs as much as may be fetched, and is none."""
    start = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"
    async with receiving(endless(start, b"x" * 1024)) as receiver:
        fetched = await sending.fetch(f"http://127.0.0.1:{receiver.port}/")
    assert (fetched.status, fetched.body) == (None, b"")
    assert str(MAX_FETCHED_BYTES) in fetched.reason


async def test_who_never_answers_a_fetch_is_left(sending: WebOutbound) -> None:
    """In time, with a reason that says nothing of us."""
    async with receiving(silent) as receiver:
        fetched = await sending.fetch(f"http://127.0.0.1:{receiver.port}/")
    assert (fetched.status, fetched.reason) == (None, "no answer within 0.5 s")
