"""The committed artefacts say what the codec expects; `make check` compiles the sources again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.chain.world import ROOT, artefact
from tools.write_value_moving_contract import SOURCE, render
from valetkey.spec import clone, erc1271, erc7710, erc7821
from valetkey.spec import permission_bytes as pb
from valetkey.spec.keccak import keccak256
from valetkey.spec.multicall import multicall_calldata
from valetkey.spec.session_view import session_of_calldata

SIGNATURE = bytes(65)
NAMES = [
    *("Account", "CloneAccount", "CloneFactory", "DemoToken"),
    *("BombTarget", "FailingTarget", "HarnessToken", "ReenteringTarget"),
    *("Adversary", "HookedToken", "Router"),
]


def signatures(kind: str, contract: str = "Account") -> dict[bytes, str]:
    """Return what the contract's ABI declares of *kind*, by selector."""
    entries = [entry for entry in artefact(contract)["abi"] if entry["type"] == kind]
    texts = [f"{e['name']}({','.join(i['type'] for i in e['inputs'])})" for e in entries]
    return {keccak256(text.encode())[:4]: text for text in texts}


@pytest.mark.parametrize("name", NAMES)
def test_an_artefact_says_how_it_was_made(name: str) -> None:
    """Compiler, settings and both bytecodes; no metadata that a comment would change."""
    found = artefact(name)
    assert found["contract"] == name
    assert found["compiler"]["version"].startswith("0.8.30+")
    assert found["compiler"]["settings"]["viaIR"] is (name != "HarnessToken")
    assert found["compiler"]["settings"]["metadata"] == {
        "bytecodeHash": "none",
        "appendCBOR": False,
    }
    assert bytes.fromhex(found["runtime"][2:]) in bytes.fromhex(found["bytecode"][2:])
    assert len(found["runtime"]) // 2 - 1 <= 24_576


def written() -> set[bytes]:
    """Return the selectors that our codecs write for every kind of account."""
    gid = bytes(32)
    calldata: list[Any] = [
        pb.run_calldata(b"", b"", SIGNATURE, nonce=0, deadline=0),
        pb.register_calldata(b"", SIGNATURE),
        pb.revoke_calldata(gid),
        pb.revoke_signed_calldata(gid, SIGNATURE),
        pb.revoke_by_key_calldata(b"", SIGNATURE),
        pb.freeze_calldata(gid),
        pb.freeze_signed_calldata(gid, SIGNATURE),
        pb.unfreeze_calldata(gid),
        pb.unfreeze_signed_calldata(gid, SIGNATURE),
        pb.raise_epoch_calldata(),
        pb.state_of_calldata(gid),
        pb.cap_of_calldata(gid, 1),
        pb.freeze_of_calldata(gid),
        pb.epoch_calldata(),
        session_of_calldata(b""),
        multicall_calldata([]),
        erc7710.redeem_calldata([]),
        erc7821.execute_calldata([]),
        erc7821.execute_nonce_calldata(0),
        erc7821.supports_execution_mode_calldata(gid),
        erc1271.is_valid_signature_calldata(gid, b""),
        keccak256(b"eip712Domain()"),
    ]
    return {data[:4] for data in calldata}


def test_every_function_of_the_account_has_its_calldata() -> None:
    """The selectors that the codecs write are those that the contract has, all of them."""
    functions = signatures("function")
    assert written() == set(functions)
    assert functions[min(functions)] == "applyRun()", "the hot function is compared first"


def test_every_function_of_a_clone_and_of_its_factory_has_its_calldata() -> None:
    """A clone has those of every account, and those about its owner."""
    nobody = bytes(20)
    own = {
        clone.owner_calldata()[:4],
        clone.is_personal_calldata()[:4],
        clone.transfer_ownership_calldata(nobody)[:4],
        clone.transfer_ownership_signed_calldata(nobody, b"")[:4],
    }
    functions = signatures("function", "CloneAccount")
    assert written() | own == set(functions)
    assert functions[min(functions)] == "applyRun()", "the hot function is compared first"
    factory = {
        clone.deploy_calldata(nobody, bytes(32))[:4],
        clone.address_of_calldata(nobody, bytes(32))[:4],
        keccak256(b"implementation()")[:4],
    }
    assert factory == set(signatures("function", "CloneFactory"))


@pytest.mark.parametrize("contract", ["Account", "CloneAccount", "CloneFactory"])
def test_every_error_of_the_account_is_known_and_documented(contract: str) -> None:
    """The codec names each refusal, and the reference describes it."""
    pages = (ROOT / "docs" / "reference" / name for name in ("grant-format.md", "accounts.md"))
    text = "".join(page.read_text() for page in pages)
    for chosen, signature in signatures("error", contract).items():
        name, _, inside = signature.removesuffix(")").partition("(")
        count = len(inside.split(",")) if inside else 0
        refusal = pb.decode_refusal(chosen + bytes(32 * count))
        assert refusal == pb.Refusal(name, (0,) * count)
        assert f"`{name}(" in text


def test_the_contract_refuses_the_published_selectors() -> None:
    """`python tools/write_value_moving_contract.py --write` brings the source up to date."""
    assert SOURCE.read_text() == render()


def test_the_account_owns_no_numbered_slots() -> None:
    """Everything lies under the ERC-7201 namespace, so no other delegate can collide with it."""
    sources = (ROOT / "contracts" / "evm").glob("*.sol")
    assert f"0x{pb.NAMESPACE:064x}" in "".join(path.read_text() for path in sources)
    assert json.dumps(artefact("Account")["abi"]).count('"type": "event"') == 4
