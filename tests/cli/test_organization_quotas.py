"""Quotas on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.program import valetkey
from valetkey import Valetkey

if TYPE_CHECKING:
    from tests.cli.conftest import Live


def test_quotas_are_shown_and_set_for_one_below(live: Live) -> None:
    """Every quota with what is in use; the daily one with the day's end; less is less at once."""
    with Valetkey(live.local.url, api_key=live.local.secret) as server:
        child = server.organizations.open("Child")
    said = valetkey("organization", "quotas", child.id, env=live.env)
    assert said.code == 0
    for name in ("sessions", "users", "wallets", "credentials", "webhooks", "activities_per_day"):
        assert name in said.out
    assert "00:00 UTC" in said.out
    told = valetkey("organization", "set-quota", child.id, "webhooks", "2", env=live.env)
    assert (told.code, told.out) == (0, f"{child.id} may have 2 webhooks, and has 0\n")
    daily = ("activities_per_day", "0")
    valetkey("organization", "set-quota", child.id, *daily, env=live.env)
    shown = valetkey("organization", "quotas", child.id, "--json", env=live.env).document
    limits = {one["quota"]: one["limit"] for one in shown["quotas"]}
    assert (limits["webhooks"], limits["activities_per_day"]) == (2, 0)
    below = live.env | {"VALETKEY_API_KEY": child.secret_key or ""}
    refused = valetkey("credential", "add", "--json", env=below)
    assert (refused.code, refused.error) == (1, "quota_exceeded")


def test_nobody_sets_their_own_quota(live: Live) -> None:
    """One sentence and the code; what is no quota, or no number, is a wrong use."""
    own = live.local.organization_id
    refused = valetkey("organization", "set-quota", own, "users", "5", "--json", env=live.env)
    assert (refused.code, refused.error) == (1, "not_allowed")
    for quota, limit in (("everything", "5"), ("users", "-1"), ("users", "many")):
        assert valetkey("organization", "set-quota", own, quota, limit, env=live.env).code == 2
    unknown = "org_" + "0" * 24
    refused = valetkey("organization", "quotas", unknown, "--json", env=live.env)
    assert (refused.code, refused.error) == (1, "not_found")
