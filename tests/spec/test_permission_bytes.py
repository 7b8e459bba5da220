"""The grant format: its vectors, its strictness, and that one text means one grant."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from eth_account.messages import encode_defunct, encode_typed_data
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.spec.grants import calls, grants
from valetkey.spec import eip712
from valetkey.spec import permission_bytes as pb
from valetkey.spec.keccak import keccak256

VECTORS: Final = json.loads((Path(__file__).parent / "vectors" / "grants.json").read_text())
KEY: Final = b"\x11" * 20
TARGET: Final = b"\x22" * 20
TRANSFER: Final = bytes.fromhex("a9059cbb")
ACCOUNT: Final = b"\x77" * 20
PLAIN: Final = pb.Grant(
    key=KEY,
    salt=7,
    starts_at=0x65F00000,
    expires_at=0x65F15180,
    max_calls=pb.NO_CALL_LIMIT,
    caps=(pb.Cap(20 * 10**6),),
    rules=(pb.Rule(pb.RuleKind.CALL, TARGET, TRANSFER, (pb.Meter(1, 0),)),),
)
FULL: Final = pb.Grant(
    key=KEY,
    salt=0xFFFFFFFF,
    starts_at=0,
    expires_at=pb.NEVER_EXPIRES,
    max_calls=1,
    relayer=b"\x33" * 20,
    caps=(pb.Cap(2**128 - 1, 86_400), pb.Cap(0, 0xFFFFFFFF)),
    rules=(
        pb.Rule(
            kind=pb.RuleKind.CALL,
            target=TARGET,
            selector=bytes(4),
            meters=(pb.Meter(pb.NATIVE_VALUE, 1), pb.Meter(1, 0)),
            constraints=(
                pb.Constraint(0, pb.Operator.EQUALS, (0,)),
                pb.Constraint(62, pb.Operator.ONE_OF, (5, int("44" * 20, 16))),
                pb.Constraint(pb.NATIVE_VALUE, pb.Operator.AT_MOST, (256,)),
            ),
        ),
        pb.Rule(pb.RuleKind.SEND, b"\x55" * 20, None, (pb.Meter(pb.NATIVE_VALUE, 1),)),
    ),
)
NAMED: Final = {"plain": PLAIN, "full": FULL}


def written(name: str) -> bytes:
    """Return the bytes that the vector *name* writes out."""
    return bytes.fromhex("".join(part for part, _ in VECTORS[name]["fields"]))


def with_field(name: str, comment: str, replacement: str) -> bytes:
    """Return the vector's bytes with the field *comment* replaced."""
    fields = VECTORS[name]["fields"]
    assert comment in {label for _, label in fields}
    return bytes.fromhex(
        "".join(replacement if label == comment else part for part, label in fields)
    )


def signed(grant: pb.Grant, **replaced: Any) -> bytes:
    """Return what the owner signs for *grant*."""
    where = {"epoch": 0, "chain_id": 31337, "account": ACCOUNT} | replaced
    return eip712.digest(pb.grant_typed_data(grant, **where))


@pytest.mark.parametrize("name", sorted(NAMED))
def test_a_grant_is_the_bytes_that_the_format_says(name: str) -> None:
    """Encoding gives the vector written out by hand, and decoding gives the grant back."""
    assert pb.encode_grant(NAMED[name]).hex() == written(name).hex()
    assert pb.decode_grant(written(name)) == NAMED[name]
    assert pb.grant_id(written(name)) == keccak256(written(name))


@given(grants())
def test_every_grant_survives_the_round_trip(grant: pb.Grant) -> None:
    """What is encoded decodes to the same value."""
    assert pb.decode_grant(pb.encode_grant(grant)) == grant


@pytest.mark.parametrize("name", sorted(NAMED))
def test_every_truncation_is_refused(name: str) -> None:
    """No beginning of a grant is itself a grant."""
    for end in range(len(written(name))):
        with pytest.raises(pb.GrantFormatError):
            pb.decode_grant(written(name)[:end])


@given(grants(), st.binary(min_size=1, max_size=40))
def test_trailing_bytes_are_refused(grant: pb.Grant, more: bytes) -> None:
    """Nothing may follow a grant."""
    with pytest.raises(pb.GrantFormatError):
        pb.decode_grant(pb.encode_grant(grant) + more)


@given(grants(), st.data())
def test_other_bytes_are_another_grant_or_none(grant: pb.Grant, data: st.DataObject) -> None:
    """
    One meaning has one encoding.

    Were there two, one signature would open two grants, each with a budget of its own.
    """
    packed = bytearray(pb.encode_grant(grant))
    at = data.draw(st.integers(0, len(packed) - 1))
    packed[at] ^= data.draw(st.integers(1, 255))
    try:
        other = pb.decode_grant(bytes(packed))
    except pb.GrantFormatError:
        return
    assert pb.encode_grant(other) == bytes(packed)
    assert other != grant
    assert signed(other) != signed(grant)


@given(grants(), grants())
def test_two_grants_are_never_signed_alike(one: pb.Grant, two: pb.Grant) -> None:
    """The signed text names every part of the grant."""
    assume(one != two)
    assert signed(one) != signed(two)


@pytest.mark.parametrize(
    ("name", "comment", "replacement"),
    [
        ("plain", "version", "02"),
        ("plain", "key type: secp256k1", "02"),
        ("plain", "key type: secp256k1", "01"),
        ("plain", "key", "00" * 20),
        ("plain", "no count", "00000000"),
        ("plain", "starts at 1710227456", "0065f15180"),
        ("plain", "flags: no relayer", "02"),
        ("plain", "flags: no relayer", "80"),
        ("plain", "one cap", "00"),
        ("plain", "one cap", "09"),
        ("plain", "one rule", "00"),
        ("plain", "27 bytes", "001a"),
        ("plain", "27 bytes", "001c"),
        ("plain", "exact, carries no value, one check", "81"),
        ("plain", "exact, carries no value, one check", "c1"),
        ("plain", "exact, carries no value, one check", "21"),
        ("plain", "exact, carries no value, one check", "00"),
        ("plain", "exact, carries no value, one check", "02"),
        ("plain", "target", "00" * 20),
        ("plain", "cap 0", "01"),
        ("full", "relayer", "00" * 20),
        ("full", "exact, carries value, five checks", "05"),
        ("full", "1 byte", "00"),
        ("full", "1 byte", "02"),
        ("full", "20 bytes", "21"),
        ("full", "two values", "00"),
        ("full", "0100", "0001"),
        ("full", "send, carries value, one check", "41"),
    ],
)
def test_a_field_out_of_its_range_is_refused(name: str, comment: str, replacement: str) -> None:
    """Strictness field by field; a length that is one off moves everything behind it."""
    label = "256" if comment == "0100" else comment
    with pytest.raises(pb.GrantFormatError):
        pb.decode_grant(with_field(name, label, replacement))


def test_a_value_longer_than_needed_is_refused() -> None:
    """The same limit in more bytes would be another grant under the same signature."""
    rule = "01" + "22" * 20 + "a9059cbb" + "80" + "02" + "0005"
    head = written("plain").hex().split("01312d0000000000")[0] + "01312d00" + "00000000" + "01"
    for longer in (rule, rule.replace("80020005", "8020" + "05".zfill(64))):
        body = bytes.fromhex(longer)
        with pytest.raises(pb.GrantFormatError, match="shortest"):
            pb.decode_grant(bytes.fromhex(head) + len(body).to_bytes(2, "big") + body)


def test_a_meter_before_a_constraint_is_refused() -> None:
    """Their order in the bytes is fixed, as the signed text lists them apart."""
    rule = bytes.fromhex("02" + "22" * 20 + "a9059cbb" + "c100" + "000105")
    start = written("plain")[: -2 - 27]
    with pytest.raises(pb.GrantFormatError, match="before the meters"):
        pb.decode_grant(start + len(rule).to_bytes(2, "big") + rule)


@pytest.mark.parametrize(
    "make",
    [
        lambda: replace(PLAIN, key=b"\x11" * 21),
        lambda: replace(PLAIN, key=bytes(20)),
        lambda: replace(PLAIN, salt=2**32),
        lambda: replace(PLAIN, salt=-1),
        lambda: replace(PLAIN, starts_at=-1),
        lambda: replace(PLAIN, expires_at=2**40),
        lambda: replace(PLAIN, expires_at=PLAIN.starts_at),
        lambda: replace(PLAIN, max_calls=0),
        lambda: replace(PLAIN, max_calls=2**32),
        lambda: replace(PLAIN, relayer=b"\x33"),
        lambda: replace(PLAIN, relayer=bytes(20)),
        lambda: replace(PLAIN, rules=()),
        lambda: replace(PLAIN, rules=PLAIN.rules * 256),
        lambda: replace(PLAIN, caps=()),
        lambda: replace(PLAIN, caps=PLAIN.caps * 9),
        lambda: pb.Cap(2**128),
        lambda: pb.Cap(1, 2**32),
        lambda: pb.Meter(64, 0),
        lambda: pb.Meter(0, 8),
        lambda: pb.Constraint(64, pb.Operator.EQUALS, (1,)),
        lambda: pb.Constraint(0, pb.Operator.EQUALS, ()),
        lambda: pb.Constraint(0, pb.Operator.EQUALS, (1, 2)),
        lambda: pb.Constraint(0, pb.Operator.AT_MOST, (2**256,)),
        lambda: pb.Constraint(0, pb.Operator.ONE_OF, ()),
        lambda: pb.Constraint(0, pb.Operator.ONE_OF, (1,) * 256),
        lambda: pb.Rule(pb.RuleKind.CALL, TARGET),
        lambda: pb.Rule(pb.RuleKind.CALL, TARGET, b"abc"),
        lambda: pb.Rule(pb.RuleKind.CALL, TARGET[1:], TRANSFER),
        lambda: pb.Rule(pb.RuleKind.CALL, bytes(20), TRANSFER),
        lambda: pb.Rule(pb.RuleKind.SEND, TARGET, TRANSFER),
        lambda: pb.Rule(pb.RuleKind.CALL, TARGET, TRANSFER, (pb.Meter(1, 0),) * 32),
    ],
)
def test_a_value_that_cannot_be_encoded_cannot_be_made(make: Any) -> None:
    """A grant that exists has an encoding."""
    with pytest.raises(pb.GrantFormatError, match="expected"):
        make()


@given(st.data(), grants())
def test_calls_survive_the_round_trip(data: st.DataObject, grant: pb.Grant) -> None:
    """What is packed unpacks to the same calls, and a byte more or less does not."""
    made = tuple(data.draw(st.lists(calls(grant), max_size=4)))
    packed = pb.encode_calls(grant, made)
    assert pb.decode_calls(grant, packed) == made
    for other in (packed[:-1], packed + b"\0"):
        with pytest.raises(pb.GrantFormatError):
            pb.decode_calls(grant, other)


def test_calls_are_the_bytes_that_the_format_says() -> None:
    """Rule, native value where the rule carries one, length, arguments."""
    made = (pb.RunCall(0, b"\xaa\xbb", 5), pb.RunCall(1, value_wei=1))
    expected = "02" + "00" + "05".zfill(32) + "0002" + "aabb" + "01" + "01".zfill(32) + "0000"
    assert pb.encode_calls(FULL, made).hex() == expected
    assert pb.encode_calls(PLAIN, [pb.RunCall(0, b"\xaa")]).hex() == "01" + "00" + "0001" + "aa"
    assert pb.encode_calls(PLAIN, []) == b"\0"


@pytest.mark.parametrize(
    ("grant", "call"),
    [
        (PLAIN, pb.RunCall(1)),
        (PLAIN, pb.RunCall(-1)),
        (PLAIN, pb.RunCall(0, value_wei=1)),
        (FULL, pb.RunCall(1, b"\0")),
        (FULL, pb.RunCall(1, value_wei=2**128)),
        (FULL, pb.RunCall(1, value_wei=-1)),
        (PLAIN, pb.RunCall(0, bytes(65_536))),
    ],
)
def test_a_call_that_its_rule_has_no_room_for_is_refused(grant: pb.Grant, call: pb.RunCall) -> None:
    """Nothing is cut or dropped on the way into a run."""
    with pytest.raises(pb.GrantFormatError, match="expected"):
        pb.encode_calls(grant, [call])


def test_a_call_under_no_rule_and_a_send_with_arguments_do_not_decode() -> None:
    """Decoding refuses what encoding refuses."""
    send = pb.encode_calls(FULL, [pb.RunCall(1)])
    for packed in (b"\x01\x02\x00\x00", send[:-2] + b"\x00\x01\xff"):
        with pytest.raises(pb.GrantFormatError):
            pb.decode_calls(FULL, packed)


def test_a_run_has_at_most_255_calls() -> None:
    """Their number is one byte."""
    with pytest.raises(pb.GrantFormatError, match="255"):
        pb.encode_calls(PLAIN, [pb.RunCall(0)] * 256)


@given(grants(), st.binary(max_size=50))
def test_what_is_signed_is_what_eth_account_signs(grant: pb.Grant, packed: bytes) -> None:
    """A wallet that hashes the JSON form itself signs the same digests."""
    where: Any = {"chain_id": 1, "account": ACCOUNT}
    gid = pb.grant_id(pb.encode_grant(grant))
    for typed in (
        pb.grant_typed_data(grant, epoch=2**64 - 1, **where),
        pb.revoke_typed_data(gid, **where),
        pb.freeze_typed_data(gid, 5, **where),
        pb.unfreeze_typed_data(gid, 5, **where),
        pb.run_typed_data(gid, packed, nonce=2**32 - 1, deadline=2**40 - 1, **where),
    ):
        message = encode_typed_data(full_message=eip712.to_json(typed))
        theirs = keccak256(b"\x19" + message.version + message.header + message.body)
        assert eip712.digest(typed) == theirs


def test_a_signature_holds_on_one_account_one_chain_and_one_epoch() -> None:
    """Each of them is part of what is signed."""
    base = signed(PLAIN)
    assert signed(PLAIN, epoch=1) != base
    assert signed(PLAIN, chain_id=1) != base
    assert signed(PLAIN, account=b"\x78" * 20) != base


def test_the_personal_form_is_that_of_wallets() -> None:
    """``personal_sign`` over a digest is reproduced."""
    message = encode_defunct(primitive=bytes(range(32)))
    theirs = keccak256(b"\x19" + message.version + message.header + message.body)
    assert pb.personal_digest(bytes(range(32))) == theirs


def test_the_parts_of_a_run_stand_in_their_order() -> None:
    """Selector, head with the length, grant, nonce, deadline, calls, signatures."""
    packed, signature, owner = written("plain"), b"\x01" * 65, b"\x02" * 65
    run = pb.run_calldata(packed, b"\0", signature, nonce=1, deadline=2, owner_signature=owner)
    head = keccak256(b"applyRun()")[:4] + (0x8000 | len(packed)).to_bytes(2, "big")
    between = (1).to_bytes(4, "big") + (2).to_bytes(5, "big")
    assert run == head + packed + between + b"\0" + signature + owner
    plain = pb.run_calldata(packed, b"\0", signature, nonce=1, deadline=2)
    assert plain[4:6] == len(packed).to_bytes(2, "big")
    assert plain[6:] == run[6:-65]


@pytest.mark.parametrize(
    "fields",
    [
        {"nonce": 2**32},
        {"deadline": 2**40},
        {"signature": bytes(64)},
        {"owner_signature": bytes(66)},
        {"grant": bytes(0x8000)},
    ],
)
def test_a_run_with_a_part_of_another_size_is_refused(fields: dict[str, Any]) -> None:
    """A run is packed without separators, so every part has its size."""
    parts = {"grant": b"", "calls": b"", "signature": bytes(65), "nonce": 0, "deadline": 0} | fields
    with pytest.raises(pb.GrantFormatError):
        pb.run_calldata(**parts)


def test_ids_and_signatures_in_calldata_have_their_size() -> None:
    """An id has 32 bytes and a signature 65; anything else would be read as something else."""
    with pytest.raises(pb.GrantFormatError):
        pb.revoke_calldata(bytes(31))
    with pytest.raises(pb.GrantFormatError):
        pb.revoke_signed_calldata(bytes(32), bytes(64))
    with pytest.raises(pb.GrantFormatError):
        pb.register_calldata(b"", bytes(64))


words_32: Final = st.integers(0, 2**32 - 1)
states: Final = st.builds(
    pb.SlotState,
    st.sampled_from(pb.Status),
    words_32,
    words_32,
    words_32,
    st.integers(0, 2**30 - 1),
    st.integers(0, 2**128 - 1),
)


@given(states, words_32, st.integers(0, 2**128 - 1), st.booleans())
def test_slots_survive_the_round_trip(
    state: pb.SlotState, number: int, spent: int, was_open: bool
) -> None:
    """Each word says one state, and each state is one word."""
    assert pb.decode_slot_state(pb.encode_slot_state(state)) == state
    cap = pb.CapState(number, spent)
    assert pb.decode_cap_state(pb.encode_cap_state(cap)) == cap
    frozen = pb.FreezeState(number, was_open)
    assert pb.decode_freeze_state(pb.encode_freeze_state(frozen)) == frozen


def test_bits_that_the_format_does_not_use_are_refused() -> None:
    """A word with more in it was not written by this contract."""
    with pytest.raises(pb.GrantFormatError):
        pb.decode_cap_state((1 << 160).to_bytes(32, "big"))
    with pytest.raises(pb.GrantFormatError):
        pb.decode_freeze_state((1 << 33).to_bytes(32, "big"))
    with pytest.raises(pb.GrantFormatError):
        pb.decode_slot_state(bytes(31))
    with pytest.raises(pb.GrantFormatError):
        pb.encode_slot_state(pb.SlotState(nonce_bitmap=2**30))
    with pytest.raises(pb.GrantFormatError):
        pb.cap_slot(bytes(32), 0)
    with pytest.raises(pb.GrantFormatError):
        pb.cap_slot(bytes(32), 8)


def test_the_namespace_is_that_of_erc_7201() -> None:
    """``keccak256(keccak256(name) - 1)`` with the last byte cleared."""
    inner = int.from_bytes(keccak256(b"valetkey.account.v1"), "big") - 1
    outer = int.from_bytes(keccak256(inner.to_bytes(32, "big")), "big")
    assert pb.NAMESPACE == outer - outer % 256
    assert pb.EPOCH_SLOT == (pb.NAMESPACE + 256).to_bytes(32, "big")


def test_the_words_of_a_grant_stand_behind_its_state() -> None:
    """Caps 1 to 7 directly behind, freezing at 255."""
    gid = bytes(range(32))
    first = int.from_bytes(keccak256(gid + pb.NAMESPACE.to_bytes(32, "big")), "big")
    assert int.from_bytes(pb.state_slot(gid), "big") == first
    assert int.from_bytes(pb.cap_slot(gid, 3), "big") == first + 3
    assert int.from_bytes(pb.freeze_slot(gid), "big") == first + 255


def test_a_nonce_is_usable_at_the_base_and_thirty_beyond() -> None:
    """Below the base and in the bitmap it is used, beyond thirty it is too far."""
    state = pb.SlotState(nonce_base=5, nonce_bitmap=0b10)
    usable = [nonce for nonce in range(50) if state.is_nonce_usable(nonce)]
    assert usable == [5, 6, *range(8, 36)]


def test_a_refusal_is_told_from_another_reason() -> None:
    """Only a known selector with exactly its arguments is one of the account's refusals."""
    data = keccak256(b"CapExceeded(uint256,uint256)")[:4] + bytes(31) + b"\2" + bytes(31) + b"\1"
    assert pb.decode_refusal(data) == pb.Refusal("CapExceeded", (2, 1))
    assert pb.decode_refusal(keccak256(b"Malformed()")[:4]) == pb.Refusal("Malformed")
    for other in (b"", data[:-1], data + b"\0", bytes.fromhex("08c379a0")):
        assert pb.decode_refusal(other) is None
