"""No code block of the documentation escapes: each is run, or at least read as what it says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Final

import pytest
from msgspec import json

ROOT: Final = Path(__file__).parents[2]
_FENCE: Final = re.compile(r"^ *```([a-z]*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
PAGES: Final = sorted(
    str(one.relative_to(ROOT)) for one in [ROOT / "README.md", *(ROOT / "docs").glob("**/*.md")]
)
# Whose Python, shell and JavaScript tests of this folder run; other pages may show none.
RUNNERS: Final = ("test_code_in_docs", "test_operating", "test_typed_blocks")
RUN: Final = "".join((ROOT / f"tests/docs/{one}.py").read_text() for one in RUNNERS)
# Those whose blocks need another user of the machine, or a vendor's client, are run elsewhere.
ELSEWHERE: Final = {
    "docs/reference/custody.md": "tests/adapters/signer/test_process.py",
    "docs/how-to/coming-from-openfort.md": "tests/http/openfort/test_python.py",
    "docs/how-to/coming-from-para.md": "tests/vendor/para/test_server_sdk.py",
    "docs/how-to/coming-from-portal.md": "tests/http/test_portal_client.py",
}


_REQUEST: Final = re.compile(r"^(GET|POST) +([^ ?\n]+)", re.MULTILINE)
_DOCUMENT: Final = json.decode((ROOT / "docs/reference/openapi.json").read_bytes())
ROUTES: Final = {
    (method.upper(), path)
    for path, operations in _DOCUMENT["paths"].items()
    for method in operations
}


def blocks(page: str) -> list[tuple[str, str]]:
    """Return the language and the text of every block that *page* shows."""
    found: list[tuple[str, str]] = _FENCE.findall((ROOT / page).read_text())
    return found


def test_there_are_blocks_in_python_shell_and_json() -> None:
    """The pattern finds what this test is about."""
    languages = {language for page in PAGES for language, _ in blocks(page)}
    assert {"python", "sh", "json"} <= languages


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_what_it_says(page: str) -> None:
    """Code is run, by a test that names its page; JSON is JSON; routes are there."""
    for language, text in blocks(page):
        if language in {"python", "js", "sh"}:
            assert f'"{page}"' in RUN or (ROOT / ELSEWHERE[page]).is_file()
        if language == "python":
            compile(text, page, "exec")
        elif language == "json":
            assert json.decode(text) is not None
        elif language == "http":
            assert set(_REQUEST.findall(text)) <= ROUTES
        elif language == "sh":
            command = ["/bin/sh", "-n", "-c", text]
            ended = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)  # noqa: S603 - our own pages
            assert ended.returncode == 0, ended.stderr


def test_the_table_of_contents_lists_every_page() -> None:
    """Who looks for a page finds it from docs/README.md."""
    contents = (ROOT / "docs/README.md").read_text()
    missing = [
        page
        for page in PAGES
        if page not in {"README.md", "docs/README.md"}
        and f"({page.removeprefix('docs/')})" not in contents
    ]
    assert not missing
