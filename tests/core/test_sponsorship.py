"""Who pays for gas: which lines a transaction is booked to."""

from __future__ import annotations

import pytest

from valetkey.core.sponsorship import Fund, fee_line_ids, fund_line_id

RUNS = "org_1:runs/fees/0"
STOPS = "org_1:stops/fees/0"

LINES = [
    (Fund.RUNS, "usr_1", ("ses_1",), ("ses_1/fees/0", "usr_1/fees/0", RUNS)),
    (Fund.RUNS, None, ("ses_1",), ("ses_1/fees/0", RUNS)),
    (Fund.RUNS, None, ("ses_2", "ses_1"), ("ses_2/fees/0", "ses_1/fees/0", RUNS)),
    (Fund.RUNS, "usr_1", (), ("usr_1/fees/0", RUNS)),
    (Fund.RUNS, None, (), (RUNS,)),
    (Fund.STOPS, "usr_1", ("ses_1",), (STOPS,)),
    (Fund.STOPS, None, (), (STOPS,)),
]


@pytest.mark.parametrize(("fund", "user_id", "session_ids", "lines"), LINES)
def test_a_run_is_booked_narrowest_first_and_a_stop_to_its_own_fund(
    fund: Fund, user_id: str | None, session_ids: tuple[str, ...], lines: tuple[str, ...]
) -> None:
    """A session that has used up every budget can still be stopped."""
    found = fee_line_ids(
        organization_id="org_1", user_id=user_id, session_ids=session_ids, fund=fund
    )
    assert found == lines


def test_spending_and_stopping_share_no_line() -> None:
    """So that no amount of spending empties what pays for revocations."""
    runs, stops = (
        set(
            fee_line_ids(
                organization_id="org_1", user_id="usr_1", session_ids=("ses_1",), fund=fund
            )
        )
        for fund in Fund
    )
    assert not runs & stops
    assert fund_line_id("org_1", Fund.STOPS) in stops
