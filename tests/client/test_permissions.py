"""What permissions mean, as the SDK asks for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.client.both import Client, close, done
from tests.client.service import CHAIN, OTHER, SHOP, Service
from valetkey import Malformed, payment, permission, transfer
from valetkey.client.permission import Recorded, Slack

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_draft_is_read_off_as_it_would_be_opened(service: Service, vk: Client) -> None:
    """The chain and the time are the server's; in words, in numbers, and what is unwise in it."""
    asked = vk.permissions
    told = await done(asked.explain(service.draft()))
    assert (told.compiles, told.worst_case.bounds[0].amount) == (True, "20000000")
    assert f"on {CHAIN}" in " ".join(told.explanation)
    assert await done(asked.worst_case(service.draft())) == told.worst_case
    linted = await done(asked.lint(service.draft(expires_in=90 * 86_400)))
    assert "long-lived" in [one.rule for one in linted.findings]


async def test_two_drafts_are_compared(service: Service, vk: Client) -> None:
    """Both from the same second on, so that only what they say differs."""
    narrow, wide = service.draft("5"), service.draft("20")
    assert (await done(vk.permissions.subset(narrow, wide))).within
    refused = await done(vk.permissions.subset(wide, narrow))
    assert (refused.within, refused.caveat) == (False, "rules[0]")
    assert refused.stages[0].runs[0].calls[0].to == service.token
    raised = await done(vk.permissions.diff(narrow, wide, chain="eip155:1"))
    assert [(one.before, one.after) for one in raised.changes] == [("5", "20")]
    assert raised.widens
    assert raised.new_within_old.chain == "eip155:1"


async def test_a_recording_becomes_a_permission(service: Service, vk: Client) -> None:
    """It allows the recording, and with slack a little more."""
    runs = [Recorded(100 + at, (transfer(service.token, SHOP, 5),)) for at in range(3)]
    found = await done(
        vk.permissions.propose(runs, chain=CHAIN, decimals={service.token: 6}, slack=Slack(50))
    )
    assert (found.chain, found.caps[0].lifetime, found.caps[0].decimals) == (CHAIN, 23, 6)
    report = await done(vk.permissions.backtest(found, runs, account=OTHER))
    assert (report.accepted, report.refused, report.limits[0].percent) == (3, [], 66)
    exact = await done(vk.permissions.propose(runs, chain=CHAIN))
    assert exact.caps[0].lifetime == 15
    assert (await done(vk.permissions.subset(exact, replace(found, caps=exact.caps)))).within
    own = await done(vk.permissions.backtest(found, runs, account=service.token))
    assert {one.code for one in own.refused} == {"target_forbidden"}


async def test_nobody_has_to_be_proven(service: Service, make: Client) -> None:
    """A page that shows a consent asks as nobody."""
    nobody = make(service.url)
    assert (await done(nobody.permissions.explain(service.draft()))).compiles is True
    await close(nobody)


def test_a_file_of_runs_is_read(tmp_path: Path) -> None:
    """As `valetkey record` writes it; anything else is refused."""
    file = tmp_path / "recording.json"
    file.write_text('{"runs": [{"at": 7, "calls": [{"to": "' + SHOP + '", "value_wei": "3"}]}]}')
    assert permission.load_recording(file) == (Recorded(7, (payment(SHOP, 3),)),)
    file.write_text('{"runs": [{}]}')
    with pytest.raises(Malformed, match="expected a recording"):
        permission.load_recording(file)
