"""``valetkey session list``: every filter of the API, and the order."""

from __future__ import annotations

import json
import time
from contextlib import chdir
from typing import TYPE_CHECKING

import pytest

from tests.cli.program import Ended, valetkey
from tests.cli.test_session import SHOP, open_one
from valetkey import StampKey, Valetkey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Live

NOBODY = "0x" + "7e" * 20


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path) -> Iterator[None]:
    """Let each test write its files to a folder of its own."""
    with chdir(tmp_path):
        yield


def listed(live: Live, *options: object) -> list[str]:
    """Return the ids of what is listed with *options*."""
    ended = valetkey("session", "list", "--json", *options, env=live.env)
    assert ended.code == 0, ended.err
    return [one["id"] for one in ended.document["items"]]


def said(live: Live, *options: object) -> Ended:
    """Run the command as a person does."""
    return valetkey("session", "list", *options, env=live.env)


def test_each_filter_lets_its_own_through(live: Live) -> None:
    """A payer's session is found by all that it is; a reader's by its user, its key and its end."""
    paying = open_one(live)["session"]
    key = StampKey.generate()
    with Valetkey(live.local.url, api_key=live.local.secret) as server:
        user = server.users.add("reader")
        reading = server.sessions.open_reader(expires_in=600, key=key.public_key, user_id=user.id)
        wallet = server.accounts.get(live.account_id).wallet_id
    payer, reader = paying["id"], reading.session.id
    paid: tuple[tuple[object, ...], ...] = (
        ("--account", live.account_id),
        ("--wallet", wallet),
        ("--permission", paying["permission_id"]),
        ("--key", paying["session_key"]),
        ("--contract", live.token),
        ("--token", live.token),
        ("--contract", SHOP, "--state", "open"),
    )
    for options in paid:
        found = listed(live, *options)
        assert payer in found, options
        assert reader not in found, options
    read: tuple[tuple[object, ...], ...] = (
        ("--user", user.id),
        ("--key", f"0x{key.public_key.data.hex()}"),
        ("--expires-before", "15m", "--user", user.id),
        ("--expires-before", int(time.time()) + 900, "--user", user.id),
    )
    for options in read:
        assert listed(live, *options) == [reader], options
    nobody: tuple[tuple[object, ...], ...] = (
        ("--contract", NOBODY, "--user", user.id),
        ("--user", user.id, "--state", "frozen"),
        ("--user", user.id, "--expires-before", "1s"),
        ("--under", payer),
    )
    for options in nobody:
        assert listed(live, *options) == [], options
    assert said(live, "--user", user.id, "--state", "frozen").out == "no sessions\n"


def test_the_order_and_the_limit_say_which_come(live: Live) -> None:
    """The newest first, or the oldest; a person is told when there are more."""
    with Valetkey(live.local.url, api_key=live.local.secret) as server:
        user = server.users.add("many").id
        made = [server.sessions.open_reader(expires_in=60, user_id=user) for _ in range(3)]
    ids = [one.session.id for one in made]
    assert listed(live, "--user", user) == ids[::-1]
    assert listed(live, "--user", user, "--order", "oldest") == ids
    assert listed(live, "--user", user, "--order", "oldest", "--limit", 2) == ids[:2]
    assert "more than 2" in said(live, "--user", user, "--limit", 2).err
    assert said(live, "--user", user, "--limit", 3).err == ""


def test_those_of_an_organization_below_are_listed(live: Live) -> None:
    """By those above; one that is not below is not found."""
    with Valetkey(live.local.url, api_key=live.local.secret) as server:
        child = server.organizations.open("Below")
    with Valetkey(live.local.url, api_key=child.secret_key or "") as below:
        opened = below.sessions.open_reader(expires_in=60)
    assert listed(live, "--organization", child.id) == [opened.session.id]
    env = live.env | {"VALETKEY_API_KEY": child.secret_key or ""}
    own = live.local.organization_id
    refused = valetkey("session", "list", "--organization", own, "--json", env=env)
    assert (refused.code, refused.error) == (1, "not_found")


@pytest.mark.parametrize(
    "options",
    [
        ("--state", "nonsense"),
        ("--order", "sideways"),
        ("--expires-before", "tomorrow"),
        ("--expires-before", "-1"),
        ("--limit", "0"),
    ],
)
def test_what_is_no_filter_is_a_wrong_use(live: Live, options: tuple[str, str]) -> None:
    """Exit code 2, and nothing is asked."""
    assert said(live, *options).code == 2


@pytest.mark.parametrize("options", [("--key", "0x12"), ("--contract", "alice")])
def test_what_the_server_refuses_is_told(live: Live, options: tuple[str, str]) -> None:
    """With its code, as one document."""
    refused = valetkey("session", "list", "--json", *options, env=live.env)
    assert refused.code == 1
    assert json.loads(refused.out)["error"]["code"].startswith("malformed")
