"""The codecs of accounts against what the standards publish."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from valetkey.spec import clone, erc1271, erc7710, erc7739, erc7821
from valetkey.spec.eip712 import Field, TypedData, digest, encode_type

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parent / "vectors" / "accounts.json").read_text()
)


@pytest.mark.parametrize("vector", VECTORS["create2"], ids=lambda vector: vector["source"])
def test_an_address_by_create2_is_that_of_the_standard(vector: dict[str, str]) -> None:
    """Deployer, salt and creation code; nothing else."""
    found = clone.create2_address(
        *(bytes.fromhex(vector[name]) for name in ("deployer", "salt", "code"))
    )
    assert found.hex() == vector["address"]


def test_the_code_of_a_clone_is_that_of_the_standard() -> None:
    """So explorers know it; the creation code ends with it."""
    vector = VECTORS["runtime"]
    implementation = bytes.fromhex(vector["implementation"])
    assert clone.runtime_code(implementation).hex() == vector["code"]
    code = clone.creation_code(implementation, b"\1" * 20)
    assert code.endswith(bytes.fromhex(vector["code"]))
    assert len(code) == 67 + 10 + 45


def test_selectors_are_those_that_the_standards_state() -> None:
    """What others call is what we answer to."""
    written = {
        "isValidSignature": erc1271.is_valid_signature_calldata(bytes(32), b""),
        "execute": erc7821.execute_calldata([]),
        "supportsExecutionMode": erc7821.supports_execution_mode_calldata(bytes(32)),
    }
    for vector in VECTORS["selectors"]:
        assert written[vector["name"]][:4].hex() == vector["selector"]
    pair = (clone.owner_calldata()[:4], clone.transfer_ownership_calldata(bytes(20))[:4])
    joined = bytes(one ^ other for one, other in zip(*pair, strict=True))
    assert joined.hex() == VECTORS["ownable"]["id"]


def test_only_the_one_word_means_that_a_signature_holds() -> None:
    """Not another word, not a cut one, not one with something behind it."""
    good = erc1271.VALID.ljust(32, b"\0")
    assert erc1271.is_valid(good)
    for answer in (b"", erc1271.VALID, good[:-1], good + b"\0", b"\xff" * 32, bytes(32)):
        assert not erc1271.is_valid(answer)


def test_a_nested_type_is_written_as_the_standard_writes_it() -> None:
    """The text that ERC-7739 gives for ``Mail``, and its explicit description."""
    types = {"Mail": (Field("from", "address"), Field("to", "address"), Field("message", "string"))}
    app = {"name": "app", "version": "1", "chainId": 1, "verifyingContract": bytes(20)}
    mail = TypedData(types, "Mail", app, {"from": bytes(20), "to": bytes(20), "message": "hi"})
    nested = erc7739.nested_typed_data(mail, account=app | {"name": "valetkey"})
    form = "Mail(address from,address to,string message)"
    assert encode_type("TypedDataSign", nested.types) == (
        "TypedDataSign(Mail contents,string name,string version,uint256 chainId,"
        "address verifyingContract,bytes32 salt)" + form
    )
    assert nested.domain == app
    wrapped = erc7739.wrap_signature(mail, bytes(65))
    assert wrapped.endswith((form + "Mail").encode() + (len(form) + 4).to_bytes(2, "big"))
    assert digest(nested) != digest(mail)


def test_a_context_says_whether_an_owners_signature_follows() -> None:
    """By the highest bit in front of the grant, as in a run."""
    assert erc7710.permission_context(b"grant", [3, 4]) == b"\0\5grant\3\4"
    signed = erc7710.permission_context(b"grant", [3], owner_signature=bytes(65))
    assert signed == b"\x80\5grant\3" + bytes(65)
