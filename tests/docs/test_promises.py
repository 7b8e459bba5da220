"""What the pages promise in numbers is what the code does by default."""

from __future__ import annotations

from typing import Final

import pytest

from tests.docs.test_every_block import ROOT
from valetkey.cli.findings.chains import MAX_AHEAD_S
from valetkey.config.model import Bounds, Rates
from valetkey.core import dpop, session_token, stamp, ticket, webhook
from valetkey.core.principal import Access
from valetkey.core.units import DAY_S
from valetkey.http import readiness
from valetkey.http.settings import Limits
from valetkey.http.streams import told

BOUNDS: Final = Bounds()
RATES: Final = Rates()
LIMITS: Final = Limits()
_WORDS: Final = {60: "minute", 120: "two minutes", 300: "five minutes", DAY_S: "day"}
_SPANS: Final = {"s": 1, "min": 60, "h": 3600}


def span(seconds: int) -> str:
    """Return a span of time as the pages write it: 5 s, 2 min, 24 h."""
    unit = max((one for one in _SPANS if seconds % _SPANS[one] == 0), key=_SPANS.__getitem__)
    return f"{seconds // _SPANS[unit]} {unit}"


def words(seconds: float) -> str:
    """Return a span of time in words; one that no page speaks of in figures, which none has."""
    return _WORDS.get(int(seconds), f"{seconds} s")


*_first, _last = map(span, webhook.PAUSES_S)
LIVES: Final = session_token.MAX_LIFE_S
PROMISES: Final = {
    "docs/reference/native-api.md": [
        f"`created` ({stamp.CLOCK_BOUND_S} seconds either way)",
        f"`nonce` ({stamp.MIN_NONCE_CHARS} to {stamp.MAX_NONCE_CHARS} characters)",
        f"within {stamp.CLOCK_BOUND_S} seconds of now, either way; a proof has no other end",
        f"a new one each {words(dpop.NONCE_S)}, good for that minute and the next",
        f"is refused after {ticket.LIFE_S} s. Only its hash is stored",
        f"{ticket.MOST} of one principal may be out",
        f"{LIMITS.streams_of_principal} streams of one principal",
        f"{LIMITS.streams_of_organization} of one organization may be open (429)",
        f"{LIMITS.streams} in all (503)",
        f"the {told.MOST_USED} most used",
        f"At most {RATES.kept:,} addresses and as many callers are remembered",
        f"| headers | 64 fields, {LIMITS.header_bytes // 1024} KiB (431) |",
    ],
    "docs/how-to/check-a-session-elsewhere.md": [
        f"as it was at most {LIVES[Access.READ]} s ago, {LIVES[Access.WRITE]} s where the session",
    ],
    "docs/reference/webhooks.md": [
        f"Pauses are {', '.join(_first)} and {_last},",
        f"has up to {BOUNDS.webhooks} receivers",
        f"(`bounds.refusals`, {BOUNDS.refusals}, in `bounds.refusals_s`, {BOUNDS.refusals_s})",
        f"Ended deliveries are listed for {webhook.KEPT_S // DAY_S} days",
        f"for a {words(webhook.OVERLAP_S)} after the secret was rotated",
        f"refuse what is more than {words(webhook.TOLERANCE_S)} from now",
    ],
    "docs/how-to/watch-a-session.md": [f"It opens one stream, within {ticket.LIFE_S} s,"],
    "docs/how-to/run-a-server.md": [
        f"this machine's clock is {MAX_AHEAD_S} s or more off its node's",
        f"a round has come through within {words(readiness.STALE_S)}",
    ],
    "docs/reference/child-sessions.md": [
        f"at most `bounds.session_depth` below the root, {BOUNDS.session_depth} unless set",
        f"in use under one parent ({BOUNDS.session_children})",
        f"`bounds.session_tree` in the whole tree ({BOUNDS.session_tree})",
    ],
    "docs/how-to/ask-the-owner.md": [
        f"for a {words(BOUNDS.consent_link_s)} (`bounds.consent_link_s`)",
    ],
}


@pytest.mark.parametrize("page", PROMISES)
def test_the_numbers_that_a_page_promises_are_those_of_the_code(page: str) -> None:
    """Whoever changes a bound changes the page."""
    text = " ".join((ROOT / page).read_text().split())
    assert [promise for promise in PROMISES[page] if promise not in text] == []


@pytest.mark.parametrize("name", ["caller", "address", "stop"])
def test_the_rates_of_the_table_are_those_of_the_code(name: str) -> None:
    """Tokens a second, and at once."""
    page = (ROOT / "docs/reference/native-api.md").read_text()
    (row,) = (one for one in page.splitlines() if one.startswith(f"| `{name}` |"))
    per_s, burst = getattr(RATES, f"{name}_per_s"), getattr(RATES, f"{name}_burst")
    assert row.endswith(f"| {per_s:g}, {burst} |")
