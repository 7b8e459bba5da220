"""The published vectors of slots, stops and refusals, read as another implementation would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak

from tests.spec.test_grant_vectors import NAMESPACE, digest_of, unhexed, vectors
from valetkey.spec import permission_bytes as pb

if TYPE_CHECKING:
    from collections.abc import Callable

SLOTS = vectors("slots")
CONTROL = vectors("control")
STATUSES = ["none", "open", "frozen", "revoked"]
DECODERS: dict[str, Callable[[bytes], object]] = {
    "cap": pb.decode_cap_state,
    "freeze": pb.decode_freeze_state,
    "owner": pb.decode_owner_state,
}
SIGNED = {
    "register": ["bytes", "bytes"],
    "revoke": ["bytes32"],
    "revokeSigned": ["bytes32", "bytes"],
    "revokeByKey": ["bytes", "bytes"],
    "freeze": ["bytes32"],
    "freezeSigned": ["bytes32", "bytes"],
    "unfreeze": ["bytes32"],
    "unfreezeSigned": ["bytes32", "bytes"],
    "raiseEpoch": [],
    "stateOf": ["bytes32"],
    "capOf": ["bytes32", "uint8"],
    "freezeOf": ["bytes32"],
    "epoch": [],
}


def bits(word: str, high: int, low: int) -> int:
    """Return bits *low* to *high* of a word, as the document counts them."""
    return int(word, 16) >> low & (1 << high - low + 1) - 1


@pytest.mark.parametrize("vector", SLOTS["state"], ids=lambda each: each["word"][:10])
def test_a_state_slot_is_laid_out_as_the_document_says(vector: dict[str, Any]) -> None:
    """Field by field, and which nonces are left."""
    word = vector["word"]
    assert STATUSES[bits(word, 255, 254)] == vector["status"]
    assert bits(word, 253, 222) == vector["calls_used"]
    assert bits(word, 221, 190) == vector["window"]
    assert bits(word, 189, 158) == vector["nonce_base"]
    assert bits(word, 157, 128) == vector["nonce_bitmap"]
    assert bits(word, 127, 0) == int(vector["spent"])
    used = [index for index in range(30) if vector["nonce_bitmap"] >> index & 1]
    base = vector["nonce_base"]
    reach = [base, *(base + 1 + index for index in range(30) if index not in used)]
    assert vector["usable_nonces"] == [nonce for nonce in reach if nonce < 2**32]
    state = pb.decode_slot_state(unhexed(word))
    assert pb.encode_slot_state(state) == unhexed(word)
    assert (state.spent, state.calls_used) == (int(vector["spent"]), vector["calls_used"])


def test_the_other_slots_are_laid_out_as_the_document_says() -> None:
    """Caps, freezes and the owner of a clone, at their places."""
    for cap in SLOTS["cap"]:
        found = (bits(cap["word"], 159, 128), bits(cap["word"], 127, 0))
        assert found == (cap["window"], int(cap["spent"]))
        assert pb.decode_cap_state(unhexed(cap["word"])) == pb.CapState(*found)
    for freeze in SLOTS["freeze"]:
        read = (bits(freeze["word"], 31, 0), bool(bits(freeze["word"], 32, 32)))
        assert read == (freeze["sequence"], freeze["was_open"])
        assert pb.decode_freeze_state(unhexed(freeze["word"])) == pb.FreezeState(*read)
    for owned in SLOTS["owner"]:
        owner = bits(owned["word"], 159, 0).to_bytes(20, "big")
        epoch, personal = bits(owned["word"], 223, 160), bool(bits(owned["word"], 224, 224))
        assert (owner, str(epoch)) == (unhexed(owned["owner"]), owned["epoch"])
        assert personal is owned["takes_personal"]
        state = pb.OwnerState(owner, epoch, personal)
        assert pb.decode_owner_state(unhexed(owned["word"])) == state
    assert int(SLOTS["namespace"], 16) == NAMESPACE
    assert int(SLOTS["epoch_slot"], 16) == NAMESPACE + 256
    assert int(SLOTS["owner_slot"], 16) == NAMESPACE + 257


@pytest.mark.parametrize("slot", sorted(DECODERS))
def test_a_word_with_other_bits_is_refused(slot: str) -> None:
    """No contract of this format wrote it."""
    assert SLOTS["malformed"][slot]
    for word in SLOTS["malformed"][slot]:
        with pytest.raises(pb.GrantFormatError, match="expected"):
            DECODERS[slot](unhexed(word))


@pytest.mark.parametrize(
    "vector", CONTROL["signed"], ids=lambda each: each["typed_data"]["primaryType"]
)
def test_a_stop_is_signed_as_wallets_sign(vector: dict[str, Any]) -> None:
    """Hashed by another implementation of EIP-712, and signed by the owner of the vectors."""
    message = encode_typed_data(full_message=vector["typed_data"])
    assert digest_of(message) == unhexed(vector["digest"])
    assert unhexed(vector["typed_data"]["message"]["grant"]) == unhexed(CONTROL["id"])
    signer = Account.recover_message(message, signature=unhexed(vector["owner_signature"]))
    assert signer.lower() == vector["typed_data"]["domain"]["verifyingContract"].lower()


@pytest.mark.parametrize("name", sorted(SIGNED))
def test_calldata_is_that_of_the_abi(name: str) -> None:
    """As another encoder writes it."""
    values: dict[str, list[Any]] = {
        "revokeByKey": [unhexed(CONTROL["grant"]), b"\x99" * 65],
        "register": [unhexed(CONTROL["grant"]), b"\x99" * 65],
        "capOf": [unhexed(CONTROL["id"]), 1],
    }
    types = SIGNED[name]
    given = values.get(name, [unhexed(CONTROL["id"]), b"\x99" * 65][: len(types)])
    selector = keccak(text=f"{name}({','.join(types)})")[:4]
    assert unhexed(CONTROL["calldata"][name]) == selector + encode(types, given)


def test_every_function_of_the_document_has_calldata() -> None:
    """None of the vectors is left unchecked."""
    assert sorted(CONTROL["calldata"]) == sorted(SIGNED)


@pytest.mark.parametrize("vector", CONTROL["refusals"], ids=lambda each: each["name"])
def test_a_refusal_is_read_from_its_revert(vector: dict[str, Any]) -> None:
    """Its name and its numbers."""
    data = unhexed(vector["data"])
    count = len(vector["facts"])
    assert data == keccak(text=vector["error"])[:4] + encode(["uint256"] * count, vector["facts"])
    assert pb.decode_refusal(data) == pb.Refusal(vector["name"], tuple(vector["facts"]))
