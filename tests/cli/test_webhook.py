"""Webhooks on the command line, with a receiver that listens."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.cli.program import valetkey
from tests.crash.test_webhooks import receiving
from valetkey import webhook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Live
    from tests.crash.test_webhooks import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Give somebody who listens on loopback."""
    with receiving() as made:
        yield made


def test_a_receiver_is_added_tried_and_removed(live: Live, receiver: Receiver) -> None:
    """From the command to the message that the receiver believes, with the server between."""
    args = ("--event", "user:*", "--label", "shop", "--json")
    added = valetkey("webhook", "add", receiver.url, *args, env=live.env).document
    key = added["webhook"]["id"]
    tried = valetkey("webhook", "test", key, "--json", env=live.env)
    assert (tried.code, tried.document["status"]) == (0, 204)
    fields, body = receiver.got[-1]
    assert webhook.verify(body, fields, added["secret"]).type == "webhook:tested"
    listed = valetkey("webhook", "list", env=live.env).out
    assert key in listed
    assert "shop" in listed
    shown = valetkey("webhook", "show", key, env=live.env).out
    assert "webhook:tested" in shown
    assert added["secret"] not in listed + shown
    rotated = valetkey("webhook", "rotate", key, "--json", env=live.env).document
    assert rotated["secret"] != added["secret"]
    again = valetkey("webhook", "replay", tried.document["id"], env=live.env)
    assert (again.code, again.out) == (0, "1 delivery is tried again\n")
    none = valetkey("webhook", "replay", key, "--since", "1h", env=live.env)
    assert (none.code, none.out) == (0, "0 deliveries are tried again\n")
    assert valetkey("webhook", "remove", key, env=live.env).code == 0
    gone = valetkey("webhook", "show", key, "--json", env=live.env)
    assert (gone.code, gone.error) == (1, "not_found")


def test_a_receiver_that_does_not_answer_is_an_error(live: Live) -> None:
    """With the reason, for a person and for a script."""
    nobody = "http://127.0.0.1:1/"
    said = valetkey("webhook", "add", nobody, "--event", "alert:*", env=live.env).out
    assert "secret  whsec_" in said
    key = said.split()[0]
    tried = valetkey("webhook", "test", key, env=live.env)
    assert tried.code == 1
    assert "no connection" in tried.out
    assert valetkey("webhook", "show", key, "--dead", env=live.env).code == 0
    valetkey("webhook", "remove", key, env=live.env)


def test_a_test_that_is_not_over_in_time_is_said_to_be_under_way(live: Live) -> None:
    """A receiver that takes the connection and says nothing: nobody is left with an empty row."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        said = valetkey("webhook", "add", url, "--event", "alert:*", env=live.env).out
        key = said.split()[0]
        tried = valetkey("webhook", "test", key, "--wait", "1s", env=live.env)
        assert tried.code == 1
        assert "no answer within 1 s" in tried.err
        valetkey("webhook", "remove", key, env=live.env)


def test_what_may_not_be_a_receiver_is_refused(live: Live) -> None:
    """One sentence and the code; nothing to tell is a wrong use."""
    refused = valetkey("webhook", "add", "ftp://a/", "--event", "*", "--json", env=live.env)
    assert (refused.code, refused.error) == (1, "url_refused")
    assert valetkey("webhook", "add", "https://a.example/", env=live.env).code == 2
    unknown = valetkey("webhook", "test", "whk_" + "0" * 24, "--json", env=live.env)
    assert (unknown.code, unknown.error) == (1, "not_found")
    assert "no webhooks" in valetkey("webhook", "list", env=live.env).out


def test_a_receiver_of_a_vendors_form_is_looked_after_here(live: Live, receiver: Receiver) -> None:
    """Added through the vendor's format, with a key of it; shown, tried and removed as any."""
    args = ("--surface", "openfort", "--role", "owner", "--json")
    key = valetkey("credential", "add", *args, env=live.env).document["token"]
    trigger = {"target": receiver.url, "type": "webhook"}
    body = {"topic": "transaction_intent.successful", "triggers": [trigger]}
    answer = httpx.post(
        f"{live.local.url}/openfort/v1/subscriptions",
        json=body,
        headers={"authorization": f"Bearer {key}"},
    )
    assert answer.status_code == 201, answer.text
    (one,) = (
        found
        for found in valetkey("webhook", "list", "--json", env=live.env).document["items"]
        if found["surface"] == "openfort"
    )
    assert "that of openfort" in valetkey("webhook", "show", one["id"], env=live.env).out
    assert valetkey("webhook", "test", one["id"], env=live.env).code == 0
    fields, _ = receiver.got[-1]
    assert fields["openfort-signature"]
    assert valetkey("webhook", "remove", one["id"], env=live.env).code == 0
