"""Credentials on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.program import valetkey

if TYPE_CHECKING:
    from tests.cli.conftest import Live


def test_a_key_is_added_lessened_and_revoked(live: Live) -> None:
    """Each step counts from the key's next request on."""
    made = valetkey("credential", "add", "--label", "ci", "--json", env=live.env).document
    key, env = made["credential"]["id"], live.env | {"VALETKEY_API_KEY": made["token"]}
    assert made["credential"]["role"] == "operator"
    refused = valetkey("credential", "add", "--json", env=env)
    assert (refused.code, refused.error) == (1, "scope_missing")
    listed = valetkey("credential", "list", env=env).out
    assert "auditor" not in listed
    said = valetkey("credential", "set-role", key, "auditor", "--scope", "audit:read", env=live.env)
    assert (said.code, said.out) == (0, f"{key} may audit:read, self\n")
    refused = valetkey("credential", "list", "--json", env=env)
    assert (refused.code, refused.error) == (1, "scope_missing")
    assert valetkey("credential", "revoke", key, env=live.env).code == 0
    refused = valetkey("credential", "list", "--json", env=env)
    assert (refused.code, refused.error) == (1, "proof_refused")
    listed = valetkey("credential", "list", env=live.env).out
    assert "revoked" in listed
    assert made["token"] not in listed


def test_a_key_for_a_vendors_wire_format_works_there_alone(live: Live) -> None:
    """It looks like what it is, and is unknown to the native API."""
    made = valetkey("credential", "add", "--surface", "portal", "--json", env=live.env).document
    assert made["credential"]["surface"] == "portal"
    rows = valetkey("credential", "list", env=live.env).out.splitlines()
    assert [row.split()[1] for row in rows if row.startswith(made["credential"]["id"])] == [
        "portal"
    ]
    assert made["token"].startswith("vk_cust_")
    env = live.env | {"VALETKEY_API_KEY": made["token"]}
    refused = valetkey("credential", "list", "--json", env=env)
    assert (refused.code, refused.error) == (1, "proof_refused")
    wrong = ("credential", "add", "--publishable", "--surface", "portal", "--json")
    refused = valetkey(*wrong, env=live.env)
    assert (refused.code, refused.error) == (1, "malformed_body")


def test_sessions_of_a_vendors_clients_are_as_their_key_says(live: Live) -> None:
    """Half an hour unless said; out of bounds, or for a native key, nothing is changed."""
    wanted = ("--publishable", "--surface", "para")
    made = valetkey("credential", "add", *wanted, "--json", env=live.env).document
    key = made["credential"]["id"]
    assert made["token"].startswith("dev_vk_public_")
    said = valetkey("credential", "set-terms", key, "--idle", "1m", "--reviews", env=live.env).out
    times = "1 min unused, 30 d at most"
    assert said == f"{key} opens sessions of {times}, each signature confirmed by its user\n"
    wrong = valetkey("credential", "set-terms", key, "--idle", "31d", "--json", env=live.env)
    assert (wrong.code, wrong.error) == (1, "malformed_body")
    native = valetkey("credential", "add", "--json", env=live.env).document["credential"]["id"]
    wrong = valetkey("credential", "set-terms", native, "--json", env=live.env)
    assert (wrong.code, wrong.error) == (1, "conflict")


def test_a_publishable_key_says_whose_pages_may_frame_it(live: Live) -> None:
    """Each origin is exact; without any, no page may. What is none changes nothing."""
    wanted = ("--publishable", "--surface", "openfort")
    made = valetkey("credential", "add", *wanted, "--json", env=live.env).document
    key = made["credential"]["id"]
    assert made["token"].startswith("pk_test_")
    page = "https://app.example"
    said = valetkey("credential", "set-origins", key, page, env=live.env).out
    assert said == f"{key} may be in a frame of {page}\n"
    wrong = valetkey("credential", "set-origins", key, "*", "--json", env=live.env)
    assert (wrong.code, wrong.error) == (1, "malformed_body")
    listed = valetkey("credential", "list", "--json", env=live.env).document["items"]
    assert [one["origins"] for one in listed if one["id"] == key] == [[page]]
    none = valetkey("credential", "set-origins", key, env=live.env).out
    assert none == f"{key} may be in a frame of no page\n"


def test_the_last_owner_is_not_revoked_by_a_slip(live: Live) -> None:
    """One sentence, the code, and the key still works; what is no role is a wrong use."""
    found = valetkey("credential", "list", "--json", env=live.env).document["items"]
    (owner,) = [one["id"] for one in found if one["role"] == "owner"]
    refused = valetkey("credential", "revoke", owner, "--json", env=live.env)
    assert (refused.code, refused.error) == (1, "last_owner")
    assert valetkey("credential", "add", "--role", "root", env=live.env).code == 2
    for more in (("--role", "owner"), ("--scope", "read")):
        assert valetkey("credential", "add", "--publishable", *more, env=live.env).code == 2
    assert valetkey("credential", "list", "--json", env=live.env).document["items"] == found
    said = valetkey("credential", "add", "--publishable", env=live.env).out
    assert "may carry what owners sign" in said
    assert "vk_public_" in said
