"""The key-encryption key is replaced by two commands, in a file and in a variable."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from tests.adapters.vault.test_vault import Drawn
from tests.cli.program import valetkey
from tests.leaks import secret
from valetkey.adapters.vault.key_ring import KeyChange

if TYPE_CHECKING:
    from pathlib import Path

OLD: Final = secret(Drawn("old").take(32)).hex()
NEW: Final = secret(Drawn("new").take(32)).hex()


def test_a_new_key_takes_the_place_of_the_old_one(home: Path) -> None:
    """Made, everything brought under it, and only then put in its place; the old one is kept."""
    path = home / "key-encryption-key"
    old = path.read_text()
    told = valetkey("keys", "rotate-encryption", "--home", home, "--json")
    assert told.code == 0
    assert told.document["rewrapped"] == told.document["records"] > 3
    again = valetkey("keys", "rotate-encryption", "--home", home, "--json").document
    assert again == {**told.document, "rewrapped": 0}
    done = valetkey("keys", "retire-encryption", "--home", home, "--json")
    assert (done.code, done.document["rewrapped"]) == (0, 0)
    kept = home / f"key-encryption-key.retired-{told.document['from']}"
    assert (done.document["kept"], kept.read_text()) == (str(kept), old)
    assert path.read_text() != old
    doctor = valetkey("doctor", "--home", home).out
    assert "vault" in doctor
    assert valetkey("keys", "rotate-token", "--home", home).code == 0


def test_nothing_is_retired_that_is_still_needed(home: Path) -> None:
    """Not begun, or not done, or at the same time as another: refused, and nothing has changed."""
    path = home / "key-encryption-key"
    old = path.read_text()
    told = valetkey("keys", "retire-encryption", "--home", home, "--json")
    assert (told.code, told.error) == (1, "conflict")
    with KeyChange.changing(path) as change:
        change.begin(Drawn("new"))
        for verb in ("rotate-encryption", "retire-encryption"):
            assert "under way" in valetkey("keys", verb, "--home", home).err
    told = valetkey("keys", "retire-encryption", "--home", home)
    assert told.code == 1
    assert "expected no record under the old key" in told.err
    assert path.read_text() == old


def test_a_key_in_a_variable_is_changed_with_a_second_variable(tmp_path: Path) -> None:
    """The new key stands in another variable until nothing is under the old one."""
    home, config = tmp_path / "home", tmp_path / "valetkey.toml"
    del config
    env = {"SEALING": OLD}
    made = valetkey("init", "--home", home, env=env)
    assert made.code == 0
    path = home / "valetkey.toml"
    path.write_text('key_variable = "SEALING"\n' + path.read_text())
    env = {"SEALING": (home / "key-encryption-key").read_text().strip()}
    secret(bytes.fromhex(env["SEALING"]))
    for verb in ("rotate-encryption", "retire-encryption"):
        told = valetkey("keys", verb, "--home", home, "--json", env=env)
        assert (told.code, told.error) == (1, "conflict")
        assert "SEALING_NEXT" in json.dumps(told.document)
    both = {**env, "SEALING_NEXT": NEW}
    refused = valetkey("keys", "retire-encryption", "--home", home, "--json", env=both)
    assert (refused.code, refused.error) == (1, "conflict")
    told = valetkey("keys", "rotate-encryption", "--home", home, "--json", env=both)
    assert told.document["rewrapped"] == told.document["records"] > 3
    assert valetkey("keys", "retire-encryption", "--home", home, env=both).code == 0
    assert valetkey("keys", "rotate-token", "--home", home, env={"SEALING": NEW}).code == 0
    assert valetkey("keys", "rotate-token", "--home", home, env=env).code == 0  # seals, signs not
