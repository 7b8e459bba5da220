"""Base58 against its draft."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from valetkey.spec.base58 import encode

VECTORS = json.loads((Path(__file__).parent / "vectors" / "base58.json").read_text())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda one: one["text"])
def test_bytes_are_written_as_the_draft_says(vector: dict[str, str]) -> None:
    """Leading zeros are ones; nothing is nothing."""
    assert encode(bytes.fromhex(vector["data"])) == vector["text"]
    assert encode(b"") == ""
