"""The server's own keys are replaced by a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.program import valetkey

if TYPE_CHECKING:
    from pathlib import Path


def test_a_new_key_signs_tokens_from_now_on(home: Path) -> None:
    """Each rotation makes another key; its id is a thumbprint (RFC 7638)."""
    told = [valetkey("keys", "rotate-token", "--home", home, "--json") for _ in range(2)]
    assert [one.code for one in told] == [0, 0]
    first, second = (one.document["kid"] for one in told)
    assert first != second
    assert len(first) == len(second) == 43


def test_a_person_is_told_when_the_next_may_come(home: Path) -> None:
    """A second one at once takes away the key that checks tokens which are still about."""
    told = valetkey("keys", "rotate-token", "--home", home)
    assert told.code == 0
    assert "wait 300 s" in told.err + told.out


def test_there_must_be_a_server(tmp_path: Path) -> None:
    """Nothing is made where no server was made."""
    told = valetkey("keys", "rotate-token", "--home", tmp_path)
    assert told.code == 1
    assert "valetkey init" in told.err
    assert not list(tmp_path.iterdir())
