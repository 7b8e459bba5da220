"""Types out of their text, and single fields: the standard's example and contracts in use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final, TypedDict

import pytest

from valetkey.spec.eip712 import (
    TypedDataError,
    encode_field,
    encode_type,
    from_json,
    hash_struct,
    parse_type,
)
from valetkey.spec.keccak import keccak256

VECTORS: Final = Path(__file__).parent / "vectors"


class Vector(TypedDict):
    """A type as it was published, and its hash."""

    source: str
    type: str
    type_hash: str


PUBLISHED: Final[list[Vector]] = json.loads((VECTORS / "eip712_types.json").read_text())
MAIL: Final = from_json(json.loads((VECTORS / "eip712_mail.json").read_text())["typed_data"])


@pytest.mark.parametrize("vector", PUBLISHED, ids=[vector["source"] for vector in PUBLISHED])
def test_a_type_is_read_as_it_was_published(vector: Vector) -> None:
    """Written again it is the same text, with the published hash."""
    primary, types = parse_type(vector["type"])
    assert encode_type(primary, types) == vector["type"]
    assert keccak256(vector["type"].encode()).hex() == vector["type_hash"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Mail",
        "Mail(",
        "Mail()x",
        " Mail()",
        "Mail(address)",
        "Mail(address  to)",
        "Mail(address to, string contents)",
        "Mail(address to,)",
        "Mail(address to,uint256 to)",
        "Mail(Person to)",
        "Mail(address to)Person(string name)",
        "Mail(Person to)Person(string name)Person(string name)",
        "Mail(B b,A a)B(bool x)A(bool y)",
        "Mail(uint7 x)",
        "Mail(address 1to)",
        "Mail((bool x) y)",
    ],
)
def test_any_other_text_is_refused(text: str) -> None:
    """One type has one text: what is signed is its hash."""
    with pytest.raises(TypedDataError, match="expected"):
        parse_type(text)


def test_a_field_is_the_word_that_its_struct_is_hashed_with() -> None:
    """Numbers and addresses padded, texts hashed, structures as `hashStruct`."""
    sender = MAIL.message["from"]
    wallet = bytes.fromhex("CD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826")
    assert encode_field(MAIL, ["from", "wallet"]) == wallet.rjust(32, b"\0")
    assert encode_field(MAIL, ["contents"]) == keccak256(b"Hello, Bob!")
    assert isinstance(sender, dict)
    assert encode_field(MAIL, ["from"]) == hash_struct("Person", sender, MAIL.types)


@pytest.mark.parametrize("names", [["subject"], ["from", "age"], ["contents", "x"]])
def test_a_field_that_is_not_there_is_refused(names: list[str]) -> None:
    """Also below one that has no fields."""
    with pytest.raises(TypedDataError, match="expected a"):
        encode_field(MAIL, names)
