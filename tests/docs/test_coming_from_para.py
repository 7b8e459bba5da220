"""The page for those who come from Para says what is there, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from valetkey.config import read_config_text
from valetkey.http.dialects.para.face import ROUTES

PAGE: Final = Path(__file__).parents[2] / "docs" / "how-to" / "coming-from-para.md"
ROW: Final = re.compile(r"^\| `((?:GET|POST) /[^`]*)` \|", re.MULTILINE)


def test_every_route_is_on_the_page() -> None:
    """Each once, and none that is not served."""
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    assert sorted(rows) == sorted(f"{one.method} {one.path}" for one in ROUTES)


def test_the_configuration_of_the_page_is_one() -> None:
    """It says the ports that the SDKs ask, beside the server's own."""
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    text = "\n".join(line.strip() for line in block.splitlines())
    config = read_config_text(f"{text}\n[chains]\n", {})
    assert config.dialects["para"].ports == [8080, 3003]
    assert config.port not in config.dialects["para"].ports
