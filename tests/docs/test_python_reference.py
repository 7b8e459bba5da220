"""The reference of the SDK is its docstrings."""

from __future__ import annotations

import valetkey
from tools.write_python_reference import PAGE, render


def test_the_page_is_current_and_has_every_public_name() -> None:
    """`python tools/write_python_reference.py --write` brings it up to date."""
    page = PAGE.read_text()
    assert page == render()
    names = [name for name in valetkey.__all__ if not name.startswith(("Async", "__"))]
    assert [name for name in names if f"## `{name}`" not in page] == []
