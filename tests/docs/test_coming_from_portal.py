"""The page for those who come from Portal says what is there, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from valetkey.config import DialectConfig, read_config_text
from valetkey.http.dialects.portal.errors import IDS
from valetkey.http.dialects.portal.face import PUBLISHED, portal_face
from valetkey.http.dialects.portal.rpc import METHODS
from valetkey.http.settings import Settings

PAGE: Final = (Path(__file__).parents[2] / "docs" / "how-to" / "coming-from-portal.md").read_text(
    encoding="utf-8"
)
ROUTE: Final = re.compile(r"^\| `((?:DELETE|GET|PATCH|POST) /[^`]*)` \| ([^|]*) \|", re.MULTILINE)
ERROR: Final = re.compile(r"^\| `([a-z_]+)` \| `([A-Z_]+)` \|$", re.MULTILINE)


def test_every_route_is_on_the_page() -> None:
    """Each once, with what it does, and none that is not served."""
    table = portal_face(DialectConfig(), Settings()).table
    served = [(f"{one.method} {one.path}", one.summary) for one in table.routes]
    assert sorted(ROUTE.findall(PAGE.partition("## What is not there")[0])) == sorted(served)


def test_every_error_id_is_on_the_page() -> None:
    """As the dialect says it."""
    assert dict(ERROR.findall(PAGE)) == {code.value: told for code, told in IDS.items()}


def test_the_page_names_methods_and_limits_as_they_are() -> None:
    """Each method that signs; the limits that the vendor publishes."""
    told = PAGE.partition("The signing methods are")[2].partition("\n")[0]
    named = {name for name in re.findall(r"`(\w+)`", told) if not name.startswith("_")}
    assert named | {"eth_signTypedData_v3", "eth_signTypedData_v4"} == set(METHODS)
    assert f"| {PUBLISHED['api']} requests a minute, {PUBLISHED['mpc']} for shares |" in PAGE


def test_the_configuration_of_the_page_is_one() -> None:
    """It turns the dialect on, at a socket of its own, and names what makes clones."""
    block, clones = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    text = "\n".join(line.strip() for line in block.splitlines())
    text = clones.replace("0x…", f"0x{'11' * 20}") + text
    whole = read_config_text(f"{text}\n[chains]\n", {})
    assert whole.clone_factory == whole.clone_implementation == f"0x{'11' * 20}"
    config = whole.dialects["portal"]
    assert config.ports == [8082]
    assert portal_face(config, Settings()).cors is not None
