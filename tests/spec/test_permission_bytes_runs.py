"""The grant format: calls, calldata, slots and refusals."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.spec.grants import FULL, IN_TREE, PLAIN, TARGET, WIDE, calls, listed_grants
from valetkey.spec import permission_bytes as pb
from valetkey.spec.keccak import keccak256


@given(st.data(), listed_grants())
def test_calls_survive_the_round_trip(data: st.DataObject, grant: pb.Grant) -> None:
    """What is packed unpacks to the same calls, and a byte more or less does not."""
    made = tuple(data.draw(st.lists(calls(grant.rules), max_size=4)))
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


def test_calls_under_wide_rules_bring_what_the_rule_leaves_open() -> None:
    """The whole input under any selector, and the target before it under any call."""
    made = (pb.RunCall(0, b"\xaa\xbb\xcc\xdd\xee"), pb.RunCall(1, b"", 1, TARGET))
    expected = "02" + "00" + "0005" + "aabbccddee" + "01" + "01".zfill(32) + "22" * 20 + "0000"
    assert pb.encode_calls(WIDE, made).hex() == expected


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
        (PLAIN, pb.RunCall(0, target=TARGET)),
        (WIDE, pb.RunCall(0, target=TARGET)),
        (WIDE, pb.RunCall(1)),
        (WIDE, pb.RunCall(1, target=TARGET[1:])),
        (IN_TREE, pb.RunCall(0)),
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


def test_the_parts_of_a_run_stand_in_their_order() -> None:
    """Selector, head with the length, grant, nonce, deadline, calls, signatures."""
    packed, signature, owner = pb.encode_grant(PLAIN), b"\x01" * 65, b"\x02" * 65
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
    parts: Any = {
        "grant": b"",
        "calls": b"",
        "signature": bytes(65),
        "nonce": 0,
        "deadline": 0,
    } | fields
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


def test_a_refusal_is_told_from_another_reason() -> None:
    """Only a known selector with exactly its arguments is one of the account's refusals."""
    data = keccak256(b"CapExceeded(uint256,uint256)")[:4] + bytes(31) + b"\2" + bytes(31) + b"\1"
    assert pb.decode_refusal(data) == pb.Refusal("CapExceeded", (2, 1))
    assert pb.decode_refusal(keccak256(b"Malformed()")[:4]) == pb.Refusal("Malformed")
    for other in (b"", data[:-1], data + b"\0", bytes.fromhex("08c379a0")):
        assert pb.decode_refusal(other) is None
