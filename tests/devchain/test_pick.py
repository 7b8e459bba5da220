"""Which chain is picked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.surroundings import surroundings
from valetkey.devchain import Engine, choose, pick

if TYPE_CHECKING:
    from pathlib import Path


def executable(path: Path) -> Path:
    """Return *path*, now a program."""
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_anvil_on_the_path_comes_first(tmp_path: Path) -> None:
    """It is what the user installed."""
    anvil = executable(tmp_path / "bin" / "anvil")
    with surroundings(PATH=str(anvil.parent)):
        choice = pick()
    assert (choice.engine, choice.command) == (Engine.ANVIL, (str(anvil),))
    assert "on the PATH" in choice.why


def test_anvil_is_found_in_node_modules_above(tmp_path: Path) -> None:
    """From the working directory upwards."""
    anvil = executable(tmp_path / "node_modules/@foundry-rs/anvil-some-arch/bin/anvil")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    with surroundings(folder=below, PATH=""):
        choice = choose(Engine.ANVIL)
    assert choice
    assert choice.command == (str(anvil),)
    assert "node_modules" in choice.why


def test_py_evm_runs_in_this_python() -> None:
    """With the interpreter that asks, and nothing from the working directory."""
    choice = choose(Engine.PYEVM)
    assert choice
    assert choice.command[1:] == ("-P", "-m", "valetkey.devchain.pyevm")
