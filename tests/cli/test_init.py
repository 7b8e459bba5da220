"""A new server is made whole or not at all."""

from __future__ import annotations

import stat
import tomllib
from typing import TYPE_CHECKING

import pytest

from tests.cli.program import process, valetkey
from tests.leaks import secret
from valetkey.config import CONFIG_NAME, Bounds, Rates, read_config

if TYPE_CHECKING:
    from pathlib import Path

CHAIN = ("--chain", "eip155:1", "--rpc", "https://node.example/key")
IMPLEMENTATION = ("--implementation", "0x" + "ab" * 20)


def everything_in(folder: Path) -> dict[str, bytes]:
    """Return every file in *folder* by its name."""
    return {one.name: one.read_bytes() for one in folder.iterdir()}


def test_a_new_server_has_private_files_and_shows_its_secret_key_once(tmp_path: Path) -> None:
    """The secret key is in no file: only its fingerprint is kept."""
    home = tmp_path / "made" / "home"
    made = valetkey("init", "--home", home, "--json")
    key = made.document["secret_key"]
    secret(key.encode())
    assert made.code == 0
    assert key.startswith("vk_secret_")
    assert all(key.encode() not in content for content in everything_in(home).values())
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert {stat.S_IMODE(one.stat().st_mode) for one in home.iterdir()} == {0o600}


def test_a_person_is_told_what_to_do_next(tmp_path: Path) -> None:
    """The addresses that pay for gas, and the commands that follow."""
    made = valetkey("init", "--home", tmp_path / "home", "--organization", "Acme")
    for part in (
        "(Acme)",
        "vk_secret_",
        "relayer",
        "stopper",
        "send some",
        "valetkey doctor",
        "serve",
    ):
        assert part in made.out


def test_the_configuration_says_each_value_that_it_can_have_with_its_default(home: Path) -> None:
    """What stands in the file is what is used without it."""
    values = tomllib.loads((home / CONFIG_NAME).read_text())
    assert values["bounds"] == {name: getattr(Bounds(), name) for name in Bounds.__slots__}
    assert values["rates"] == {name: getattr(Rates(), name) for name in Rates.__slots__}
    config = read_config(home, {})
    assert (config.host, config.port, dict(config.chains)) == ("127.0.0.1", 8080, {})


def test_a_chain_can_be_named_at_once(tmp_path: Path) -> None:
    """A server for one chain needs no editor."""
    made = valetkey("init", "--home", tmp_path / "home", *CHAIN, *IMPLEMENTATION, "--json")
    chain = read_config(tmp_path / "home", {}).chains["eip155:1"]
    assert made.document["chains"] == ["eip155:1"]
    assert chain.rpc_url == "https://node.example/key"
    assert chain.implementation == "0x" + "ab" * 20
    assert not chain.allow_private


@pytest.mark.parametrize(
    "arguments",
    [CHAIN, IMPLEMENTATION, (*CHAIN, "--implementation", "0x12"), ("--nonsense",)],
    ids=["no contract", "no node", "no address", "no such option"],
)
def test_a_command_line_that_makes_no_sense_is_a_usage_error(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """Exit code 2, and nothing is made."""
    assert valetkey("init", "--home", tmp_path / "home", *arguments).code == 2
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8545/secret",
        "http://node.example/secret",
        "https://10.1.2.3/secret",
        "https://[::1]:8545/secret",
        "https://localhost/secret",
    ],
)
def test_a_node_for_development_has_to_be_meant(tmp_path: Path, url: str) -> None:
    """The refusal says how, repeats no path, and leaves nothing; then the server is made."""
    home = tmp_path / "home"
    arguments = ("init", "--home", home, "--chain", "eip155:1", "--rpc", url, *IMPLEMENTATION)
    refused = valetkey(*arguments, "--json")
    assert (refused.code, refused.error) == (1, "malformed_config")
    assert "--allow-private" in refused.err
    assert "secret" not in refused.out + refused.err
    assert not home.exists()
    assert valetkey(*arguments, "--allow-private").code == 0
    assert read_config(home, {}).chains["eip155:1"].allow_private


def test_there_is_no_second_server_in_the_same_folder(home: Path) -> None:
    """What is there is left as it is."""
    before = everything_in(home)
    again = valetkey("init", "--home", home, "--json")
    assert (again.code, again.error) == (1, "conflict")
    assert everything_in(home) == before


@pytest.mark.parametrize("name", ["key-encryption-key", "store.db"])
def test_a_file_that_is_in_the_way_is_kept_and_nothing_is_made(tmp_path: Path, name: str) -> None:
    """Nobody's key or store is written over, and the next try is not told of a half-made server."""
    (tmp_path / name).write_text("somebody's")
    failed = valetkey("init", "--home", tmp_path)
    assert failed.code == 1
    assert everything_in(tmp_path) == {name: b"somebody's"}
    (tmp_path / name).unlink()
    assert valetkey("init", "--home", tmp_path).code == 0


def test_a_server_that_cannot_be_finished_leaves_nothing_behind(tmp_path: Path) -> None:
    """The folders that were made go as well; then the next try works."""
    home = tmp_path / "made" / "home"
    failed = valetkey("init", "--home", home, env={"VALETKEY_STORE": "no/such/folder/store.db"})
    assert failed.code == 1
    assert list(tmp_path.iterdir()) == []
    assert valetkey("init", "--home", home).code == 0


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    """No traceback, and the exit code of a refusal."""
    (tmp_path / "file").write_text("")
    failed = process("init", "--home", tmp_path / "file" / "home")
    assert failed.code == 1
    assert failed.out == ""
    assert failed.err.count("\n") == 1
    assert "[malformed_config]" in failed.err


@pytest.mark.parametrize("name", ["", "a" * 121, "\x1b[2J"])
def test_a_name_that_a_terminal_cannot_show_is_refused(tmp_path: Path, name: str) -> None:
    """Names are printable and not too long."""
    failed = valetkey("init", "--home", tmp_path / "home", "--organization", name, "--json")
    assert (failed.code, failed.error) == (1, "malformed_body")
    assert not (tmp_path / "home").exists()


def test_the_folder_can_be_named_in_the_environment(tmp_path: Path) -> None:
    """VALETKEY_HOME is --home."""
    made = valetkey("init", "--json", env={"VALETKEY_HOME": str(tmp_path / "there")})
    assert made.document["home"] == str(tmp_path / "there")
    assert (tmp_path / "there" / CONFIG_NAME).exists()
