"""The published vectors of the grant format, read as another implementation would read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from eth_account import Account
from eth_account.messages import SignableMessage, encode_defunct, encode_typed_data
from eth_utils.crypto import keccak

from tests.spec.second_encoder import calls_hex, grant_hex
from tools.grant_vectors.json_form import call_json, grant_json, hexed, rule_json
from tools.write_vectors import render
from valetkey.spec import permission_bytes as pb
from valetkey.spec.permission_bytes.reader import Reader
from valetkey.spec.permission_bytes.rule import decode_rule, encode_rule

FOLDER: Final = Path(__file__).parents[2] / "docs" / "reference" / "grant-vectors"
NAMESPACE: Final = 0x6FA84904F7C3C67D1AAAC4FC5A9D5A3D8F1E523AAFFDDE0CF8DB74D72692B200


def vectors(name: str) -> Any:  # noqa: ANN401 - JSON
    """Return the vectors of one file."""
    return json.loads((FOLDER / f"{name}.json").read_text())["vectors"]


def unhexed(text: str) -> bytes:
    """Return the bytes of ``0x`` and hex."""
    return bytes.fromhex(text.removeprefix("0x"))


def digest_of(message: SignableMessage) -> bytes:
    """Return the 32 bytes that a wallet signs for *message*."""
    return keccak(b"\x19" + message.version + message.header + message.body)


GRANTS: Final = {each["name"]: each for each in vectors("grants")}
RUNS: Final = {each["what"]: each for each in vectors("runs")["runs"]}
MALFORMED: Final = {each["why"]: each["grant"] for each in vectors("malformed-grants")}
TREES: Final = vectors("trees")
CONTROL: Final = vectors("control")
SLOTS: Final = vectors("slots")


def test_the_files_are_what_the_codec_writes() -> None:
    """`python -m tools.write_vectors --write` brings them up to date."""
    for name, text in render().items():
        assert (FOLDER / name).read_text() == text, name


def test_there_are_vectors_enough() -> None:
    """Of each kind, and no two malformed ones are the same bytes."""
    assert len(GRANTS) >= 20
    assert len(RUNS) >= 18
    assert len(set(MALFORMED.values())) == len(MALFORMED) >= 60


@pytest.mark.parametrize("name", GRANTS)
def test_a_grant_is_its_value_and_its_bytes(name: str) -> None:
    """Both ways, by the codec and by a second encoder, and the id is the hash of the bytes."""
    vector, packed = GRANTS[name], unhexed(GRANTS[name]["grant"])
    grant = pb.decode_grant(packed)
    assert grant_json(grant) == vector["value"]
    assert pb.encode_grant(grant) == packed
    assert keccak(packed) == unhexed(vector["id"]) == pb.grant_id(packed)
    assert grant_hex(vector["value"]) == packed.hex()
    written = "".join(part for part, _ in vector.get("fields", [[packed.hex(), "all"]]))
    assert written == packed.hex()


@pytest.mark.parametrize("name", GRANTS)
def test_an_owner_signs_what_wallets_hash(name: str) -> None:
    """The typed data of the vector, hashed by another implementation of EIP-712."""
    vector = GRANTS[name]
    message = encode_typed_data(full_message=vector["typed_data"])
    assert digest_of(message) == unhexed(vector["digest"])
    shown = vector["typed_data"]["message"]
    assert unhexed(shown["key"]) == unhexed(vector["value"]["key"])
    assert len(shown["rules"]) == len(vector["value"]["rules"])
    assert any(unhexed(shown["rulesRoot"])) is not any(shown["rules"])


@pytest.mark.parametrize("name", GRANTS)
def test_the_slots_of_a_grant_follow_from_its_id(name: str) -> None:
    """State, caps and freeze in one epoch, and the state on a clone in another."""
    found, slots = unhexed(GRANTS[name]["id"]), GRANTS[name]["slots"]
    first = int.from_bytes(keccak(found + NAMESPACE.to_bytes(32, "big")), "big")
    offsets = {"state": 0, "cap_1": 1, "cap_7": 7, "freeze": 255}
    assert {slot: int(slots[slot], 16) - first for slot in offsets} == offsets
    later = keccak(found + (NAMESPACE + 3).to_bytes(32, "big"))
    assert unhexed(slots["state_on_a_clone_in_epoch_3"]) == later


@pytest.mark.parametrize("why", MALFORMED)
def test_what_is_not_to_the_letter_is_refused(why: str) -> None:
    """Strictness field by field; the contract refuses the same list (tests/chain)."""
    with pytest.raises(pb.GrantFormatError, match="expected"):
        pb.decode_grant(unhexed(MALFORMED[why]))


@pytest.mark.parametrize("tree", TREES["trees"], ids=lambda tree: f"{len(tree['rules'])} rules")
def test_every_proof_leads_from_its_leaf_to_the_root(tree: dict[str, Any]) -> None:
    """By hand, and by the codec over the same rules."""
    rules = []
    for packed, leaf, proof in zip(tree["rules"], tree["leaves"], tree["proofs"], strict=True):
        at = keccak(b"\x00" + unhexed(packed))
        assert at == unhexed(leaf)
        for sibling in map(unhexed, proof):
            at = keccak(b"\x01" + b"".join(sorted((at, sibling))))
        assert at == unhexed(tree["root"])
        rules.append(decode_rule(Reader(unhexed(packed))))
    proven = pb.RuleTree(tuple(rules)).prove(range(len(rules)))
    assert [list(map(hexed, each.proof)) for each in proven] == tree["proofs"]
    assert [hexed(encode_rule(rule)) for rule in rules] == tree["rules"]


@pytest.mark.parametrize("vector", TREES["open_forms"], ids=lambda each: str(each["brought"]))
def test_an_open_form_is_the_grant_with_some_of_its_rules(vector: dict[str, Any]) -> None:
    """Decoded and encoded again, under the same root and the same id."""
    packed = unhexed(vector["open_form"])
    opened = pb.decode_open_grant(packed)
    assert pb.encode_open_grant(opened) == packed
    assert pb.encode_grant(opened.grant) == unhexed(vector["grant"])
    assert keccak(unhexed(vector["grant"])) == unhexed(vector["id"])
    assert keccak(packed) == unhexed(vector["signed_grant"])
    nine = next(tree for tree in TREES["trees"] if len(tree["rules"]) == 9)
    brought = [nine["rules"][index] for index in vector["brought"]]
    assert [hexed(encode_rule(rule)) for rule in opened.rules] == brought


@pytest.mark.parametrize("vector", TREES["malformed_open_forms"], ids=lambda each: each["why"])
def test_a_malformed_open_form_is_refused(vector: dict[str, Any]) -> None:
    """No other rules, no other proofs, no other lengths."""
    with pytest.raises(pb.GrantFormatError, match="expected"):
        pb.decode_open_grant(unhexed(vector["open_form"]))


@pytest.mark.parametrize("what", RUNS)
def test_the_calls_of_a_run_are_the_ones_asked_for(what: str) -> None:
    """Packed under the rules that the run carries; over a tree they count those."""
    vector = RUNS[what]
    closed, carried = unhexed(vector["grant"]), unhexed(vector["carried_grant"])
    grant = pb.decode_grant(closed)
    under = grant if grant.root is None else pb.decode_open_grant(carried)
    if isinstance(under, pb.OpenGrant):
        assert under.grant == grant
    calls = pb.decode_calls(under, unhexed(vector["calls"]))
    assert pb.encode_calls(under, calls) == unhexed(vector["calls"])
    used = sorted({asked["rule"] for asked in vector["asked"]})
    counted = [used.index(asked["rule"]) for asked in vector["asked"]]
    expected = [
        asked if grant.root is None else asked | {"rule": rule}
        for asked, rule in zip(vector["asked"], counted, strict=True)
    ]
    assert [call_json(call) for call in calls] == expected
    rules = [rule_json(rule) for rule in under.rules]
    assert calls_hex(expected, rules) == vector["calls"].removeprefix("0x")


@pytest.mark.parametrize("what", RUNS)
def test_a_run_is_signed_as_wallets_sign(what: str) -> None:
    """The digest, and the signature in each of its forms, checked by other libraries."""
    vector = RUNS[what]
    message, signature = vector["typed_data"]["message"], unhexed(vector["signature"])
    digest = digest_of(encode_typed_data(full_message=vector["typed_data"]))
    assert digest == unhexed(vector["digest"])
    assert unhexed(message["grant"]) == keccak(unhexed(vector["carried_grant"]))
    assert unhexed(message["calls"]) == unhexed(vector["calls"])
    key = pb.decode_grant(unhexed(vector["grant"])).key
    if vector["form"] == "ES256":
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + key)
        r, s = (int.from_bytes(signature[at : at + 32], "big") for at in (0, 32))
        point.verify(encode_dss_signature(r, s), digest, ec.ECDSA(SHA256()))
    elif vector["form"] == "EIP-191":
        plain = signature[:64] + bytes((signature[64] - 4,))
        signer = Account.recover_message(encode_defunct(digest), signature=plain)
        assert unhexed(signer) == key
    else:
        assert unhexed(Account._recover_hash(digest, signature=signature)) == key  # noqa: SLF001
    assert pb.is_run_signed_by(key, digest, signature)
    domain = vector["typed_data"]["domain"]
    again = pb.run_digest(
        unhexed(message["grant"]),
        unhexed(vector["calls"]),
        nonce=vector["nonce"],
        deadline=vector["deadline"],
        chain_id=int(domain["chainId"]),
        account=unhexed(domain["verifyingContract"]),
    )
    assert again == digest


@pytest.mark.parametrize(
    "vector", vectors("runs")["refused_signatures"], ids=lambda each: each["why"]
)
def test_no_other_signature_counts(vector: dict[str, str]) -> None:
    """In place of that of the run, by the key of its grant."""
    run = RUNS[vector["run"]]
    key = pb.decode_grant(unhexed(run["grant"])).key
    digest = unhexed(run["digest"])
    assert pb.is_run_signed_by(key, digest, unhexed(run["signature"]))
    assert not pb.is_run_signed_by(key, digest, unhexed(vector["signature"]))


@pytest.mark.parametrize("what", RUNS)
def test_the_calldata_of_a_run_is_its_parts(what: str) -> None:
    """Selector, head, grant, nonce, deadline, calls, signature; the owner's at the first use."""
    vector = RUNS[what]
    carried, data = unhexed(vector["carried_grant"]), unhexed(vector["calldata"])
    middle = (
        carried
        + vector["nonce"].to_bytes(4, "big")
        + vector["deadline"].to_bytes(5, "big")
        + unhexed(vector["calls"])
        + unhexed(vector["signature"])
    )
    assert data[:4] == keccak(b"applyRun()")[:4]
    assert int.from_bytes(data[4:6], "big") & 0x7FFF == len(carried)
    is_first = data[4] >> 7
    assert data[6:].startswith(middle)
    assert len(data) == 6 + len(middle) + 65 * is_first


@pytest.mark.parametrize("vector", vectors("runs")["malformed_calls"], ids=lambda each: each["why"])
def test_malformed_calls_are_refused(vector: dict[str, str]) -> None:
    """Under their grant they are no calls."""
    grant = pb.decode_grant(unhexed(vector["grant"]))
    with pytest.raises(pb.GrantFormatError, match="expected"):
        pb.decode_calls(grant, unhexed(vector["calls"]))
