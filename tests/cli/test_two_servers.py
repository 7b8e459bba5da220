"""Two servers, each a process of its own, on one store: a stop through one ends streams of both."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import pytest

from tests.leaks import note_output
from valetkey import Attempts, Unauthenticated, Valetkey
from valetkey.cli.local import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Live

ONCE = Attempts(most=1)
MOST_EVENTS = 20  # a stream that says more than that has not ended


@pytest.fixture(scope="module")
def other(live: Live) -> Iterator[str]:
    """Return the URL of a second server on the same store."""
    server = Server(live.local.home)
    yield server.url
    server.stop()
    note_output("second server", (live.local.home / "server.log").read_text())


def test_what_one_server_does_is_seen_through_the_other(live: Live, other: str) -> None:
    """Each change, and the end, from the log that both write."""
    with (
        Valetkey(live.local.url, api_key=live.local.secret) as here,
        Valetkey(other, api_key=live.local.secret, attempts=ONCE) as there,
    ):
        session_id = here.sessions.open_reader(expires_in=600).session.id
        acts = {"open": here.sessions.freeze, "frozen": here.sessions.revoke}
        states = []
        for now in there.sessions.watch(session_id):
            states.append(now.state)
            assert len(states) < MOST_EVENTS
            if now.state in acts:
                acts.pop(now.state)(session_id)
    assert states == ["open", "frozen", "revoked"]


def test_a_session_that_is_revoked_through_one_server_sees_nothing_more_of_the_other(
    live: Live, other: str
) -> None:
    """Its stream says why, and ends: no state comes behind the stop."""
    with Valetkey(live.local.url, api_key=live.local.secret) as here:
        opened = here.sessions.open_reader(expires_in=600)
        with Valetkey(other, api_key=opened.token, attempts=ONCE) as there:
            seen = there.sessions.watch(opened.session.id)
            assert next(seen).state == "open"
            here.sessions.revoke(opened.session.id)
            with pytest.raises(Unauthenticated) as ended:
                next(seen)
    assert ended.value.code == "session_revoked"


def test_a_key_that_is_revoked_through_one_server_sees_nothing_more_of_the_other(
    live: Live, other: str
) -> None:
    """Also not of what goes on."""
    with Valetkey(live.local.url, api_key=live.local.secret) as here:
        session_id = here.sessions.open_reader(expires_in=600).session.id
        credential = here.credentials.add("secret", label="for a while")
        with Valetkey(other, api_key=credential.token, attempts=ONCE) as there:
            seen, of_all = there.sessions.watch(session_id), there.sessions.top()
            assert next(seen).state == "open"
            assert next(of_all).in_use > 0
            here.credentials.revoke(credential.credential.id)
            for stream in (seen, of_all):
                with pytest.raises(Unauthenticated) as ended:
                    list(islice(stream, MOST_EVENTS))
                assert ended.value.code == "proof_refused"
