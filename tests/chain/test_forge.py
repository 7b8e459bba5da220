"""Fuzz and invariants in Solidity (`contracts/evm/test/*.t.sol`), run by forge."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Final

import pytest

from tests.chain.differential.report import write
from tests.chain.world import ROOT

IN_NODE_MODULES: Final = "node_modules/@foundry-rs/forge-*/bin/forge"


@pytest.mark.timeout(3600 if "VALETKEY_FUZZ" in os.environ else 600)
def test_the_slot_keeps_its_laws_under_forge() -> None:
    """Never above a limit, no nonce twice, revoked is for ever, and windows only go forwards."""
    forge = shutil.which("forge") or next(map(str, ROOT.glob(IN_NODE_MODULES)), None)
    if forge is None or shutil.which("node") is None:
        pytest.skip("forge, or the node that its compiler runs in, is not installed")
    profile = "long" if "VALETKEY_FUZZ" in os.environ else "default"
    done = subprocess.run(  # noqa: S603 - a tool that package-lock.json pins
        [forge, "test", "--color", "never"],
        cwd=ROOT / "contracts",
        env={**os.environ, "FOUNDRY_PROFILE": profile},
        capture_output=True,
        text=True,
        check=False,
    )
    write(done.stdout, "forge.txt")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 failed, 0 skipped" in done.stdout
    assert "[PASS] invariant_theSlotsAreWhatWasAccepted() (runs: " in done.stdout
