"""The published vectors of executions by a session key, read as another implementation would."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data
from eth_utils.crypto import keccak

from tests.spec.test_grant_vectors import digest_of, unhexed, vectors
from valetkey.spec import erc7821

EXECUTIONS = vectors("executions")
MODE = bytes.fromhex("01000000000078210001").ljust(32, b"\0")


@pytest.mark.parametrize("name", EXECUTIONS)
def test_what_is_signed_is_what_wallets_hash(name: str) -> None:
    """By the key of the grant, in the form that the vector names."""
    vector = EXECUTIONS[name]
    message = encode_typed_data(full_message=vector["typed_data"])
    assert digest_of(message) == unhexed(vector["digest"])
    signature = unhexed(vector["signature"])
    if vector["form"] == "EIP-191":
        message = encode_defunct(unhexed(vector["digest"]))
        signature = signature[:64] + bytes((signature[64] - 4,))
    signer = Account.recover_message(message, signature=signature)
    assert unhexed(signer) == unhexed(vector["grant"])[2:22]


@pytest.mark.parametrize("name", EXECUTIONS)
def test_what_travels_beside_is_laid_out_as_the_document_says(name: str) -> None:
    """nonce32 | deadline32 | signature65 | head2 | grant | nonce4 | deadline5 | rule1* | owner."""
    vector = EXECUTIONS[name]
    grant, owner = unhexed(vector["grant"]), unhexed(vector["owner_signature"] or "0x")
    head = len(grant) | (0x8000 if owner else 0)
    expected = (
        encode(["uint256", "uint256"], [int(vector["nonce"]), vector["deadline"]])
        + unhexed(vector["signature"])
        + head.to_bytes(2, "big")
        + grant
        + vector["run_nonce"].to_bytes(4, "big")
        + vector["run_deadline"].to_bytes(5, "big")
        + bytes(vector["rules"])
        + owner
    )
    assert unhexed(vector["op_data"]) == expected
    written = erc7821.session_op_data(
        int(vector["nonce"]),
        vector["deadline"],
        unhexed(vector["signature"]),
        grant=grant,
        run_nonce=vector["run_nonce"],
        run_deadline=vector["run_deadline"],
        rules=vector["rules"],
        owner_signature=owner or None,
    )
    assert written == expected


@pytest.mark.parametrize("name", EXECUTIONS)
def test_the_calldata_is_that_of_the_abi(name: str) -> None:
    """As another encoder writes it; the run that follows from it says the same calls."""
    vector = EXECUTIONS[name]
    rows = [(each["to"], int(each["value"]), unhexed(each["data"])) for each in vector["calls"]]
    data = encode(["(address,uint256,bytes)[]", "bytes"], [rows, unhexed(vector["op_data"])])
    selector = keccak(text="execute(bytes32,bytes)")[:4]
    assert unhexed(vector["calldata"]) == selector + encode(["bytes32", "bytes"], [MODE, data])
    run, grant = unhexed(vector["run"]), unhexed(vector["grant"])
    calls = b"".join(bytes((0, 0, 64)) + data[4:] for _, _, data in rows)
    owner = unhexed(vector["owner_signature"] or "0x")
    assert run[6 : 6 + len(grant)] == grant
    assert run.endswith(bytes((len(rows),)) + calls + bytes(64) + b"\1" + owner)
