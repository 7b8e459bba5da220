"""Typed data: the standard's own example, a second implementation, and what is refused."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any, Final

import pytest
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from valetkey.spec.eip712 import (
    Field,
    TypedData,
    TypedDataError,
    digest,
    domain_separator,
    encode_type,
    from_json,
    hash_struct,
    to_json,
)
from valetkey.spec.keccak import keccak256
from valetkey.spec.secp256k1 import address_of_key, recover_address, sign_digest

MAIL: Final = json.loads((Path(__file__).parent / "vectors" / "eip712_mail.json").read_text())
DOMAIN: Final = {"name": "x", "version": "1", "chainId": 5, "verifyingContract": b"\x01" * 20}
VALUES: Final[dict[str, st.SearchStrategy[Any]]] = {
    "uint8": st.integers(0, 2**8 - 1),
    "uint256": st.integers(0, 2**256 - 1),
    "int16": st.integers(-(2**15), 2**15 - 1),
    "int256": st.integers(-(2**255), 2**255 - 1),
    "bool": st.booleans(),
    "address": st.binary(min_size=20, max_size=20),
    "bytes4": st.binary(min_size=4, max_size=4),
    "bytes32": st.binary(min_size=32, max_size=32),
    "bytes": st.binary(max_size=40),
    "string": st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
}


def mail(**replaced: object) -> dict[str, Any]:
    """Return the example's typed data with some of its parts replaced."""
    whole: dict[str, Any] = copy.deepcopy(MAIL["typed_data"])
    return whole | replaced


def one(kind: str, value: object) -> TypedData:
    """Return typed data with one field."""
    return TypedData({"One": (Field("it", kind),)}, "One", DOMAIN, {"it": value})


def theirs(typed: TypedData) -> bytes:
    """Return the digest that eth-account signs."""
    message = encode_typed_data(full_message=to_json(typed))
    return keccak256(b"\x19" + message.version + message.header + message.body)


def test_the_example_of_the_standard_gives_its_hashes() -> None:
    """Every published intermediate value is reproduced."""
    typed = from_json(MAIL["typed_data"])
    assert encode_type("Mail", typed.types) == MAIL["encode_type"]
    assert domain_separator(typed).hex() == MAIL["domain_separator"]
    assert hash_struct("Mail", typed.message, typed.types).hex() == MAIL["hash_struct"]
    assert digest(typed).hex() == MAIL["digest"]


def test_the_example_of_the_standard_gives_its_signature() -> None:
    """Signing is deterministic, so the published signature comes out bit by bit."""
    secret = keccak256(MAIL["signer_seed"].encode())
    signature = sign_digest(bytes.fromhex(MAIL["digest"]), secret)
    assert signature.hex() == MAIL["signature"]
    assert address_of_key(secret).hex() == MAIL["signer"]
    assert recover_address(bytes.fromhex(MAIL["digest"]), signature).hex() == MAIL["signer"]


def test_json_and_values_are_two_forms_of_one_thing() -> None:
    """What is written as JSON reads back as the same typed data, with the same digest."""
    typed = from_json(MAIL["typed_data"])
    assert digest(from_json(json.loads(json.dumps(to_json(typed))))) == digest(typed)


def test_the_domain_type_may_be_left_out() -> None:
    """The domain's type follows from its keys, in the standard's order."""
    types = {name: kind for name, kind in mail()["types"].items() if name != "EIP712Domain"}
    assert digest(from_json(mail(types=types))).hex() == MAIL["digest"]


def test_a_domain_alone_can_be_signed() -> None:
    """With the domain as primary type there is no message hash."""
    typed = from_json(mail(primaryType="EIP712Domain", message={}))
    separator = bytes.fromhex(MAIL["domain_separator"])
    assert digest(typed) == keccak256(b"\x19\x01" + separator)


@given(st.data(), st.sampled_from(sorted(VALUES)))
def test_every_atomic_type_hashes_as_in_eth_account(data: st.DataObject, kind: str) -> None:
    """A second implementation agrees on every type and value, also in lists and structs."""
    value = data.draw(VALUES[kind])
    values = data.draw(st.lists(VALUES[kind], max_size=3))
    types = {
        "Outer": (Field("one", kind), Field("many", f"{kind}[]"), Field("inner", "Inner[1]")),
        "Inner": (Field("it", kind),),
    }
    message = {"one": value, "many": values, "inner": [{"it": value}]}
    typed = TypedData(types, "Outer", DOMAIN, message)
    assert digest(typed) == theirs(typed)
    assert digest(from_json(json.loads(json.dumps(to_json(typed))))) == digest(typed)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("uint8", 256),
        ("uint8", -1),
        ("int8", 128),
        ("int8", -129),
        ("uint256", True),
        ("uint256", "5"),
        ("uint256", 1.0),
        ("uint7", 1),
        ("uint264", 1),
        ("uint", 1),
        ("bytes33", b"\0" * 33),
        ("bytes4", b"\0" * 3),
        ("bytes4", "00000000"),
        ("address", b"\0" * 32),
        ("bool", 1),
        ("string", b"text"),
        ("string", "\ud800"),
        ("bytes", bytearray(1)),
        ("uint8[]", 5),
        ("uint8[]", b"\1\2"),
        ("uint8[2]", [1]),
        ("Missing", {}),
        ("One", {}),
        ("One", 7),
    ],
)
def test_a_value_that_does_not_fit_its_type_is_refused(kind: str, value: object) -> None:
    """Nothing is rounded, cut, padded or converted on the way to a signature."""
    with pytest.raises(TypedDataError):
        digest(one(kind, value))


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        mail(more=1),
        mail(primaryType=5),
        mail(primaryType="Nothing"),
        mail(types=[]),
        mail(types={"Mail": {}}),
        mail(types={"Mail": ["x"]}),
        mail(types={"Mail": [{"name": "x"}]}),
        mail(types={"Mail": [{"name": "x", "type": 5}]}),
        mail(types=mail()["types"] | {"EIP712Domain": []}),
        mail(domain={"colour": "red"}),
        mail(domain={"chainId": "-1"}),
        mail(domain={"verifyingContract": "0x11"}),
        mail(message=[]),
        mail(message={}),
        mail(message=mail()["message"] | {"more": 1}),
        mail(message=mail()["message"] | {"from": {"name": "Cow", "wallet": "0xabc"}}),
        mail(message=mail()["message"] | {"from": {"name": "Cow", "wallet": 5}}),
        mail(message=mail()["message"] | {"from": "Cow"}),
        mail(message={1: 2}),
        mail(primaryType="EIP712Domain"),
        mail(
            primaryType="A", types={"A": [{"name": "a b", "type": "bool"}]}, message={"a b": True}
        ),
        mail(primaryType="A B", types={"A B": []}, message={}),
        mail(
            primaryType="A",
            types={"A": [{"name": "a", "type": "bool"}, {"name": "a", "type": "bool"}]},
            message={"a": True},
        ),
        mail(primaryType="A", types={"A": [{"name": "a", "type": "bool[]"}]}, message={"a": True}),
    ],
)
def test_malformed_json_is_refused(data: object) -> None:
    """A missing part, a part too many or a wrong form is an error that says what was expected."""
    with pytest.raises(TypedDataError, match=r"expected .*got|: expected|expected "):
        from_json(data)


def test_depth_is_bounded_in_json_and_in_values() -> None:
    """A nesting bomb is refused before it exhausts the stack."""
    kind, value = "uint8", 1
    nested: Any = value
    for _ in range(40):
        kind, nested = f"{kind}[]", [nested]
    typed = one(kind, nested)
    with pytest.raises(TypedDataError, match="levels"):
        digest(typed)
    with pytest.raises(TypedDataError, match="levels"):
        from_json(to_json(typed))


def test_what_is_no_typed_value_cannot_become_json() -> None:
    """`to_json` writes only what the standard's types hold."""
    with pytest.raises(TypedDataError, match="float"):
        to_json(one("uint8", 1.5))
