"""
What is skipped proves nothing: a plugin that makes a skip in CI a failure.

A tool that is missing would otherwise take its tests away without anybody noticing. What a test
does not ask of *this* chain or account is no hole: its other case asks it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

BESIDE_THE_POINT: Final = ("this chain ", "only root ", "no wheels ")
"""How the reason begins where a skip is right in CI as well."""
LONGEST_NAME: Final = 4096
"""In characters: a test's name is in the environment of all that it starts."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a name that holds a whole file."""
    for item in items:
        if len(item.nodeid) > LONGEST_NAME:
            detail = f"{item.nodeid[:200]}…: expected a name of at most {LONGEST_NAME} characters"
            raise pytest.UsageError(detail)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a skipped test fail in CI."""
    report = yield
    fill(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Let a file that is skipped fail in CI."""
    report = yield
    fill(report)
    return report


def fill(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Make a failure of *report* if it is of a skip that takes something away from CI."""
    if not os.environ.get("CI") or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if not reason.removeprefix("Skipped: ").startswith(BESIDE_THE_POINT):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where nothing may be missing: {reason}"
