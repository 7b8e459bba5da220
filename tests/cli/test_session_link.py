"""The link that an owner is sent, from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from tests.cli.program import Ended, valetkey

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Live

SHOP = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"


def run(live: Live, *arguments: object) -> Ended:
    """Run a command of ``session`` against the server."""
    return valetkey("session", *arguments, env=live.env)


def open_one(live: Live, folder: Path, *options: object) -> dict[str, Any]:
    """Return what a program is told of a new session."""
    limits = ("--token", live.token, "--decimals", "6", "--to", SHOP, "--cap", "20", "--ttl", "1h")
    file = folder / f"{len(list(folder.iterdir()))}.session.json"
    opened = run(live, "open", *limits, *options, "--out", file, "--json")
    assert opened.code == 0, opened.err
    document: dict[str, Any] = opened.document
    return document


def status(live: Live, url: str) -> int:
    """Return how the server answers to the link."""
    token = url.partition("#")[2]
    headers = {"authorization": f"Bearer {token}"}
    return httpx.get(f"{live.local.url}/v1/consent", headers=headers).status_code


def test_the_owner_of_a_waiting_session_is_sent_a_link(live: Live, tmp_path: Path) -> None:
    """It is printed when the session is opened; a new one ends the one before."""
    first = open_one(live, tmp_path)["consent_url"]
    assert first.startswith(f"{live.local.url}/consent#vk_consent_")
    assert status(live, first) == 200
    waits = open_one(live, tmp_path)
    linked = run(live, "link", waits["session"]["id"])
    assert linked.code == 0
    url = linked.out.split()[-1]
    assert url != waits["consent_url"]
    assert (status(live, waits["consent_url"]), status(live, url)) == (401, 200)


def test_a_person_is_told_the_link_too(live: Live, tmp_path: Path) -> None:
    """It stands in a line of its own."""
    limits = ("--token", live.token, "--decimals", "6", "--to", SHOP, "--cap", "20", "--ttl", "1h")
    opened = run(live, "open", *limits, "--out", tmp_path / "one.session.json")
    url = opened.out.split()[-1]
    assert status(live, url) == 200


def test_a_session_that_waits_for_nobody_has_no_link(live: Live, tmp_path: Path) -> None:
    """There is nothing to sign."""
    opened = open_one(live, tmp_path, "--owner-key-file", live.owner_file)
    assert opened["consent_url"] is None
    refused = run(live, "link", opened["session"]["id"])
    assert refused.code == 1
    assert "expected a pending session, got one that is open" in refused.err
