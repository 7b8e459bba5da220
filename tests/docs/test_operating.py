"""What the pages for those who run a server have them type, in a shell, on servers of theirs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.cli.program import valetkey
from tests.docs.test_code_in_docs import blocks
from tests.leaks import note_output

if TYPE_CHECKING:
    from collections.abc import Sequence


def shell(lines: Sequence[str], **variables: object) -> str:
    """Run *lines* as a shell that stops at the first failure, and return what they say."""
    plain = {name: one for name, one in os.environ.items() if not name.startswith("VALETKEY_")}
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    ended = subprocess.run(  # noqa: S603 - our own pages
        ["/bin/sh", "-eu", "-c", "\n".join(lines)],
        env={**plain, "PATH": programs, **{name: str(one) for name, one in variables.items()}},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    note_output("valetkey", ended.stderr)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def keys(home: Path) -> list[dict[str, Any]]:
    """Return the keys of a server."""
    listed: list[dict[str, Any]] = valetkey("keys", "list", "--home", home, "--json").document[
        "items"
    ]
    return listed


def made(home: Path) -> Path:
    """Return the folder of a new server without a chain."""
    assert valetkey("init", "--home", home).code == 0
    return home


def test_keys_are_replaced_as_the_page_says(tmp_path: Path) -> None:
    """Each command of the page works in the order of the page."""
    home = made(tmp_path / "home")
    first, rotate, retire, token, rsa, relayer, ends = blocks("docs/how-to/rotate-keys.md", "sh")
    said = shell([first, rotate, retire, token, rsa, relayer, relayer], VALETKEY_HOME=home)
    assert "the new key is in use" in said
    (former,) = (one["id"] for one in keys(home) if one["state"] == "former" and "sessions" in one)
    assert "is retired" in shell([ends.replace("0x…", former)], VALETKEY_HOME=home)


def test_an_organization_moves_as_the_page_says(tmp_path: Path) -> None:
    """There a key, here the archive, there the organization; and staying, for another one."""
    here, there = made(tmp_path / "here"), made(tmp_path / "there")
    heads = valetkey("audit", "head", "--home", here, "--json").document["items"]
    (audit_key,) = (one["id"] for one in keys(here) if one["role"] == "audit")
    *moves, stays = blocks("docs/how-to/move-an-organization.md", "sh")
    known = {"HERE": here, "THERE": there, "AUDIT_KEY": audit_key}
    organization = heads[0]["organization_id"]
    said = shell([f"cd {tmp_path}", *moves], ORGANIZATION=organization, **known)
    assert f"{organization} is in acme.zip, and acts here no more" in said
    assert "acts here from now on" in said
    assert "acts here again" in shell([stays], ORGANIZATION=organization, **known)
