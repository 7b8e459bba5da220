"""Which local chain this machine can run."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

from valetkey.core.errors import Code, Unavailable

_IN_NODE_MODULES = "node_modules/@foundry-rs/anvil-*/bin/anvil"


class Engine(StrEnum):
    """What executes the blocks."""

    ANVIL = "anvil"
    PYEVM = "py-evm"


@dataclass(frozen=True, slots=True)
class Choice:
    """
    A chain that can be launched.

    Args:
        command: The program and its first arguments.
        why: For a person, such as ``found on the PATH``.
    """

    engine: Engine
    command: tuple[str, ...]
    why: str


def pick() -> Choice:
    """
    Return the best chain that this machine can run.

    Raises:
        Unavailable: It can run none.
    """
    anvil, pyevm = choose(Engine.ANVIL), choose(Engine.PYEVM)
    if anvil is not None:
        return anvil
    if pyevm is not None:
        return replace(pyevm, why=f"{pyevm.why}, anvil is not")
    raise Unavailable(
        Code.CHAIN_UNREACHABLE,
        "no local chain: put anvil on the PATH, run `npm install` in the checkout,"
        " or `pip install valetkey[devchain]`",
    )


def choose(engine: Engine) -> Choice | None:
    """Return how *engine* is run here, or None if it is not installed."""
    return _anvil() if engine is Engine.ANVIL else _pyevm()


def _anvil() -> Choice | None:
    on_path = shutil.which("anvil")
    if on_path is not None:
        return Choice(Engine.ANVIL, (on_path,), f"anvil is on the PATH, {on_path}")
    for start in (Path.cwd(), Path(__file__).resolve().parent):
        for folder in (start, *start.parents):
            for binary in sorted(folder.glob(_IN_NODE_MODULES)):
                why = f"anvil is in {folder / 'node_modules'}"
                return Choice(Engine.ANVIL, (str(binary),), why)
    return None


def _pyevm() -> Choice | None:
    if find_spec("eth") is None:
        return None
    command = (sys.executable, "-P", "-m", "valetkey.devchain.pyevm")
    return Choice(Engine.PYEVM, command, "py-evm is installed")
