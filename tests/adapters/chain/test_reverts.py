"""Revert data, from wherever it comes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valetkey.adapters.chain.evm.reverts import CODES, rejection, revert_data
from valetkey.core.errors import Code
from valetkey.core.permission.contract_errors import CONTRACT_ERRORS

ROOT = Path(__file__).resolve().parents[3]
ERROR_STRING = bytes.fromhex("08c379a0")


def test_every_refusal_of_the_account_has_a_code() -> None:
    """The list here is the list of the contracts: of a delegate, and of a clone."""
    artefacts = [
        json.loads((ROOT / "src/valetkey/contracts" / f"{name}.json").read_text())
        for name in ("Account", "CloneAccount")
    ]
    declared = {
        entry["name"]: len(entry["inputs"])
        for artefact in artefacts
        for entry in artefact["abi"]
        if entry["type"] == "error"
    }
    declared.setdefault("SignatureRefused", 0)
    assert {name: len(facts) for name, (_, facts) in CODES.items()} == declared


# The contract's word for what `decide` tells apart by what the argument is.
ARGUMENTS = {Code.RECIPIENT_NOT_ALLOWED, Code.PER_CALL_CAP_EXCEEDED}


@pytest.mark.parametrize(("code", "error"), CONTRACT_ERRORS.items())
def test_both_planes_refuse_in_the_same_words(code: Code, error: str) -> None:
    """What the contract says is read back as the code that `decide` would have given."""
    assert CODES[error][0] is (Code.ARGUMENT_REFUSED if code in ARGUMENTS else code)


@given(st.binary(max_size=200) | st.binary(max_size=200).map(ERROR_STRING.__add__))
def test_no_revert_data_is_too_strange(data: bytes) -> None:
    """A hostile target chooses it; there is always one printable answer."""
    found = rejection(data)
    assert isinstance(found.code, Code)
    assert found.detail.isprintable()
    json.dumps(found.facts)


def test_a_reason_is_shown_as_one_short_printable_line() -> None:
    """A target writes it, and it ends in logs and terminals."""
    text = ("\x1b[2J\n" + "x" * 5000).encode()
    encoded = (32).to_bytes(32, "big") + len(text).to_bytes(32, "big") + text
    found = rejection(ERROR_STRING + encoded)
    assert found.detail.isprintable()
    assert len(found.detail) < 300


@pytest.mark.parametrize(
    "data",
    [
        "af9adea1",  # right
        "af9adea100",  # one byte too long
        "af9adea1" + "00" * 32,
    ],
)
def test_only_the_exact_length_is_the_account_s(data: str) -> None:
    """What is longer or shorter was made by somebody else."""
    found = rejection(bytes.fromhex(data))
    expected = Code.SESSION_REVOKED if data == "af9adea1" else Code.CALL_REVERTED
    assert found.code is expected


def test_revert_data_is_looked_for_within_bounds() -> None:
    """Neither depth nor length is the node's to choose."""
    nested: object = "0xaf9adea1"
    for _ in range(4):
        nested = {"data": nested}
    assert revert_data(nested) == bytes.fromhex("af9adea1")
    assert revert_data({"data": nested}) is None
    assert len(revert_data("0x" + "00" * 10_000) or b"") == 4096
    nothings: list[object] = [None, 7, [], {}, "", "reverted", {"message": "0xaf9adea1"}]
    for nothing in nothings:
        assert revert_data(nothing) is None


@pytest.mark.parametrize(
    ("name", "selector"),
    [
        ("ERC20InsufficientBalance", "e450d38c"),
        ("ERC20InsufficientAllowance", "fb8f41b2"),
        ("InsufficientBalance", "db42144d"),
    ],
)
def test_a_token_that_has_too_little_says_how_much(name: str, selector: str) -> None:
    """ERC-6093; whoever forgot to fund the account reads it, and not four bytes."""
    words = [b"\x11" * 20, (7).to_bytes(1, "big"), (10**6).to_bytes(3, "big")]
    data = bytes.fromhex(selector) + b"".join(one.rjust(32, b"\0") for one in words)
    error = rejection(data)
    assert error.code is Code.CALL_REVERTED
    shown = f"0x{'11' * 20} has 7, 1000000 needed, in the smallest unit"
    assert error.detail == f"reverted: {name}: {shown}"
    assert "unknown error" in rejection(data[:-1]).detail
