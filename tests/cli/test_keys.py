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


def states(home: Path) -> dict[str, str]:
    """Return the ids of the RSA keys by their states."""
    items = valetkey("keys", "list", "--home", home, "--json").document["items"]
    return {one["state"]: one["id"] for one in items if one["role"] == "rsa token"}


def test_the_next_rsa_key_signs_from_now_on(home: Path) -> None:
    """It was published as the next one before; the one that it follows is checked once more."""
    assert states(home) == {}  # nobody has asked for a token yet
    told = valetkey("keys", "rotate-rsa", "--home", home, "--json")
    assert told.code == 0
    first = states(home)
    assert first["current"] == told.document["kid"]
    assert set(first) == {"current", "next", "former"}
    told = valetkey("keys", "rotate-rsa", "--home", home)
    assert (told.code, first["next"] in told.err + told.out) == (0, True)
    second = states(home)
    assert (second["current"], second["former"]) == (first["next"], first["current"])
    assert first["former"] not in second.values()


def test_there_must_be_a_server(tmp_path: Path) -> None:
    """Nothing is made where no server was made."""
    told = valetkey("keys", "rotate-token", "--home", tmp_path)
    assert told.code == 1
    assert "valetkey init" in told.err
    assert not list(tmp_path.iterdir())
