"""Each thing that a server lacks is found, with what to do."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.program import command_of, valetkey
from valetkey.devchain import fund

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from valetkey.devchain import Deployment, Node


def findings(home: Path, **variables: str) -> dict[str, Any]:
    """Return every finding by its name; the exit code says whether all is well."""
    told = valetkey("doctor", "--home", home, "--json", env={"VALETKEY_PORT": "0", **variables})
    assert told.err == ""
    found = {one["name"]: one for one in told.document["findings"]}
    assert told.document["ok"] == all(one["ok"] for one in found.values())
    assert told.code == (0 if told.document["ok"] else 1)
    assert all(bool(one["todo"]) != one["ok"] for one in found.values())
    return found


def problems(home: Path, **variables: str) -> set[str]:
    """Return the names of what is not well."""
    return {name for name, one in findings(home, **variables).items() if not one["ok"]}


@pytest.fixture
def chained(tmp_path: Path, chain: Node, deployed: Deployment) -> Callable[..., Path]:
    """Return a maker of a server on the local chain, relayer and stopper with money."""

    def make(
        *, rpc_url: str = "", implementation: bytes = b"", name: str = "", is_funded: bool = True
    ) -> Path:
        home = tmp_path / "home"
        made = valetkey(
            *("init", "--home", home, "--json", "--allow-private"),
            *("--chain", name or f"eip155:{deployed.chain_id}"),
            *("--rpc", rpc_url or chain.rpc_url),
            *("--implementation", f"0x{(implementation or deployed.implementation).hex()}"),
        )
        if is_funded:
            for payer in ("relayer", "stopper"):
                fund(chain.rpc, deployed, bytes.fromhex(made.document[payer][2:]), 10**18)
        return home

    return make


def test_a_server_that_lacks_nothing_is_well(chained: Callable[..., Path]) -> None:
    """Every finding is ok, and the exit code is 0."""
    home = chained()
    assert problems(home) == set()
    told = valetkey("doctor", "--home", home, env={"VALETKEY_PORT": "0"})
    assert told.code == 0
    assert [line.split()[0] for line in told.out.splitlines()] == ["ok"] * 15


def test_a_folder_without_a_server(tmp_path: Path) -> None:
    """The first finding ends it, and nothing is made."""
    assert problems(tmp_path) == {"configuration"}
    assert list(tmp_path.iterdir()) == []


def test_a_configuration_with_an_unknown_key(home: Path) -> None:
    """It is named."""
    path = home / "valetkey.toml"
    path.write_text(f"nonsense = 1\n{path.read_text()}")
    assert "nonsense" in findings(home)["configuration"]["said"]


def test_a_server_without_a_chain(home: Path) -> None:
    """It can do nothing."""
    assert problems(home) == {"chains"}


def test_a_key_file_that_others_can_read(home: Path) -> None:
    """With the command that mends it."""
    (home / "key-encryption-key").chmod(0o644)
    assert problems(home) == {"chains", "key-encryption key", "vault"}
    assert "chmod 600" in findings(home)["key-encryption key"]["said"]


def test_a_key_file_that_is_gone(home: Path) -> None:
    """Only a copy helps."""
    (home / "key-encryption-key").unlink()
    assert "copy" in findings(home)["key-encryption key"]["todo"]


def test_another_key_than_the_stores(home: Path, tmp_path: Path) -> None:
    """Both files are fine, and do not belong together."""
    valetkey("init", "--home", tmp_path / "other")
    (home / "key-encryption-key").unlink()
    (tmp_path / "other" / "key-encryption-key").rename(home / "key-encryption-key")
    assert problems(home) == {"chains", "vault"}
    assert "belong together" in findings(home)["vault"]["todo"]


def test_a_store_that_is_gone(home: Path) -> None:
    """It is not made anew."""
    (home / "store.db").unlink()
    assert problems(home) == {"chains", "store", "vault"}
    assert not (home / "store.db").exists()


@pytest.mark.parametrize("content", [b"no database" * 100, b""], ids=["other bytes", "empty"])
def test_a_store_that_is_none(home: Path, content: bytes) -> None:
    """Whatever lies there."""
    (home / "store.db").write_bytes(content)
    assert problems(home) == {"chains", "store", "vault"}


def test_a_store_of_a_newer_version(home: Path) -> None:
    """It is left alone, and no copy is brought back over what a newer one has written."""
    with closing(sqlite3.connect(home / "store.db")) as store:
        store.execute("PRAGMA user_version = 900")
    finding = findings(home)["store"]
    assert "schema 900" in finding["said"]
    assert finding["todo"] == "run the valetkey that wrote it, or a newer one"


def test_a_disk_that_takes_nothing_is_no_reason_to_bring_back_a_copy(home: Path) -> None:
    """SQLite reads nothing where it can write nothing; what was written may be whole."""
    command = ["/bin/sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *command_of("doctor", "--json")]
    ended = subprocess.run(  # noqa: S603 - ourselves
        [*command, "--home", home], capture_output=True, text=True, timeout=60, check=False
    )
    found = {one["name"]: one for one in json.loads(ended.stdout)["findings"]}
    assert (ended.returncode, found["store"]["ok"]) == (1, False)
    assert "disk" in found["store"]["said"]
    assert found["store"]["todo"].startswith("make room on the disk")


def test_a_node_that_does_not_answer(chained: Callable[..., Path]) -> None:
    """What else is known of the server is still told."""
    home = chained(rpc_url="http://127.0.0.1:1")
    assert problems(home) == {"eip155:31337 node"}


def test_a_node_of_another_chain(chained: Callable[..., Path]) -> None:
    """Both numbers are said."""
    home = chained(name="eip155:1")
    said = findings(home)["eip155:1 node"]["said"]
    assert "chain 1," in said
    assert "31337" in said


def test_an_address_without_the_account_contract(
    chained: Callable[..., Path], deployed: Deployment
) -> None:
    """Neither an empty address nor another contract passes for it."""
    home = chained(implementation=b"\x77" * 20)
    assert problems(home) == {"eip155:31337 contract"}
    path = home / "valetkey.toml"
    path.write_text(path.read_text().replace("77" * 20, deployed.token.hex()))
    assert problems(home) == {"eip155:31337 contract"}


def test_a_factory_that_makes_other_clones(
    chained: Callable[..., Path], deployed: Deployment
) -> None:
    """Accounts would be where nobody can make them: said before anything is sent there."""
    home = chained()
    path, name = home / "valetkey.toml", f"eip155:{deployed.chain_id} clones"
    assert name not in findings(home)
    whole = path.read_text()
    factory, code = deployed.clone_factory, deployed.clone_implementation
    for pair, is_well in (
        ((factory, code), True),
        ((factory, deployed.implementation), False),
        ((deployed.token, code), False),
        ((b"\x77" * 20, code), False),
    ):
        named = f'clone_factory = "0x{pair[0].hex()}"\nclone_implementation = "0x{pair[1].hex()}"'
        path.write_text(f"{named}\n{whole}")
        assert findings(home)[name]["ok"] is is_well


@pytest.mark.parametrize("payer", ["relayer", "stopper"])
def test_a_payer_without_money(chained: Callable[..., Path], payer: str) -> None:
    """With the address to send it to: runs and stops have one each."""
    finding = findings(chained(is_funded=False))[f"eip155:31337 {payer}"]
    assert not finding["ok"]
    assert "send some" in finding["todo"]


def test_a_key_in_the_environment(home: Path) -> None:
    """Missing or malformed, it is said; its value is not."""
    key = (home / "key-encryption-key").read_text().strip()
    (home / "key-encryption-key").unlink()
    path = home / "valetkey.toml"
    path.write_text(path.read_text().replace("# key_variable", "key_variable"))
    assert problems(home) == {"chains", "key-encryption key", "vault"}
    assert problems(home, MY_KEY="0x12") == {"chains", "key-encryption key", "vault"}
    assert problems(home, MY_KEY=key) == {"chains"}
    assert key not in str(findings(home, MY_KEY=key))
