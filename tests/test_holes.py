"""A run in CI proves what it says: nothing is left out in silence."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

SKIPPED: Final = """
import pytest

def test_a_tool(): pytest.skip("forge is not installed")

@pytest.mark.skip(reason="not now")
def test_a_mark(): pass

@pytest.fixture
def browser(): pytest.skip("no browser")

def test_a_fixture(browser): pass

def test_another_case(): pytest.skip("this chain has no precompile")
"""
A_WHOLE_FILE: Final = "import pytest\npytest.skip('no node', allow_module_level=True)\n"
A_LONG_NAME: Final = """
import pytest

@pytest.mark.parametrize("a", [1], ids=["x" * 5000])
def test_it(a): pass
"""


def run(folder: Path, *, ci: bool) -> tuple[int, str]:
    """Return how pytest ends, with our plugin, over *folder*, and what it says."""
    kept = {name: value for name, value in os.environ.items() if name != "CI"}
    done = subprocess.run(  # noqa: S603 - pytest
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.holes", "--rootdir", folder, folder],
        env={**kept, **({"CI": "true"} if ci else {})},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_what_is_skipped_fails_in_ci(tmp_path: Path) -> None:
    """A tool that is missing there is a fault of the run; what another case asks is none."""
    (tmp_path / "test_some.py").write_text(SKIPPED)
    code, said = run(tmp_path, ci=True)
    assert (code, "\n1 failed, 1 skipped, 2 errors in " in said) == (1, True)
    code, said = run(tmp_path, ci=False)
    assert (code, "\n4 skipped in " in said) == (0, True)


def test_a_file_that_is_skipped_stops_a_run_in_ci(tmp_path: Path) -> None:
    """It would take all its tests away."""
    (tmp_path / "test_all.py").write_text(A_WHOLE_FILE)
    code, said = run(tmp_path, ci=True)
    assert (code, "\n1 error in " in said) == (2, True)


def test_a_name_with_a_file_in_it_is_refused(tmp_path: Path) -> None:
    """It would be printed, and be in the environment of every process that the test starts."""
    (tmp_path / "test_it.py").write_text(A_LONG_NAME)
    code, said = run(tmp_path, ci=False)
    assert (code, "at most 4096 characters" in said) == (4, True)
