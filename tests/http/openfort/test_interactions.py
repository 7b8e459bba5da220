"""Interactions: contracts by id, functions by name, arguments in every form that callers write."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import pytest
from eth_abi.abi import encode

from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.effects import selector_of
from valetkey.http.dialects.openfort.abi import Function, functions_of
from valetkey.http.dialects.openfort.interactions import Interaction, calls_of
from valetkey.wire.base import read_address

GAME: Final = bytes.fromhex("2522f4fc9af2e1954a3d13f7a5b2683a00a4543a")
ALICE: Final = b"\xa1" * 20
NAMES: Final = {"con_game": GAME, "acc_alice": ALICE, "pla_alice": ALICE}
ITEM: Final = {
    "type": "tuple",
    "name": "item",
    "components": [{"type": "uint256", "name": "id"}, {"type": "address", "name": "owner"}],
}
ABI: Final[list[dict[str, Any]]] = [
    {"type": "function", "name": "mint", "inputs": [{"type": "address", "name": "to"}]},
    {"type": "event", "name": "Minted", "inputs": []},
    {
        "type": "function",
        "name": "mint",
        "inputs": [{"type": "address"}, {"type": "uint256"}],
    },
    {"type": "function", "name": "name", "inputs": [{"type": "uint256"}]},
    {"type": "function", "name": "name", "inputs": [{"type": "bytes32"}]},
    {"type": "function", "name": "put", "inputs": [ITEM]},
    {"type": "function", "name": "puts", "inputs": [{**ITEM, "type": "tuple[]"}]},
    {"type": "function", "name": "grid", "inputs": [{"type": "uint8[2][]"}]},
    {
        "type": "function",
        "name": "all",
        "inputs": [
            {"type": "int8"},
            {"type": "bool"},
            {"type": "string"},
            {"type": "bytes"},
            {"type": "bytes4"},
        ],
    },
]


class Book:
    """What three ids stand for, and one contract."""

    def __init__(self, abi: list[dict[str, Any]]) -> None:
        self._functions = functions_of(abi)

    def address_of(self, text: str, where: str) -> bytes:
        """Return an address."""
        if text in NAMES:
            return NAMES[text]
        try:
            return read_address(text, where, code=CALL)
        except Malformed as error:
            raise Malformed(CALL, error.detail, field=where) from None

    def functions_at(self, address: bytes) -> tuple[Function, ...]:
        """Return the functions of the game."""
        return self._functions if address == GAME else ()


CALL: Final = Code.MALFORMED_CALL


def data(name: str, *args: object, contract: str = "con_game", **more: object) -> bytes:
    """Return the input that one interaction is, whose one call goes where it should."""
    told = {"contract": contract, "functionName": name, "functionArgs": list(args), **more}
    (call,) = calls_of([msgspec.convert(told, Interaction)], Book(ABI))
    assert call.to == NAMES.get(contract, GAME)
    return call.data


def refused(**told: object) -> str:
    """Return why an interaction that stands behind a good one is refused."""
    good = Interaction(to="0x" + GAME.hex())
    with pytest.raises(Malformed) as error:
        calls_of([good, msgspec.convert(told, Interaction)], Book(ABI))
    assert error.value.code is CALL
    assert error.value.detail.startswith(f"{error.value.facts['field']}")
    assert error.value.detail.startswith("interactions[1]")
    return error.value.detail


def packed(signature: str, types: list[str], values: list[object]) -> bytes:
    """Return the calldata as another library packs it."""
    return selector_of(signature) + encode(types, values)


@pytest.mark.parametrize("whom", ["acc_alice", "pla_alice", "0x" + ALICE.hex()])
def test_ids_and_addresses_name_who_is_meant(whom: str) -> None:
    """The page's call: a contract by its id, a function by its bare name, an account by its id."""
    assert data("mint", whom) == packed("mint(address)", ["address"], [ALICE])


@pytest.mark.parametrize("amount", [7, "7", "0x7", "0x07"])
def test_an_overload_is_found_by_its_arguments(amount: object) -> None:
    """Two functions of one name differ in their number of arguments; numbers come in any form."""
    expected = packed("mint(address,uint256)", ["address", "uint256"], [ALICE, 7])
    assert data("mint", "acc_alice", amount) == expected


def test_an_overload_is_found_by_what_its_arguments_can_be() -> None:
    """Where the number is the same, the one that takes them is it; where both do, ask in full."""
    assert data("name", "9") == packed("name(uint256)", ["uint256"], [9])
    word = "0x" + "ab" * 32
    assert "one of name(uint256), name(bytes32), in full" in refused(
        contract="con_game", functionName="name", functionArgs=[word]
    )
    expected = packed("name(bytes32)", ["bytes32"], [b"\xab" * 32])
    assert data("name(bytes32)", word) == expected


@pytest.mark.parametrize("name", ["mint(address)", "function mint(address)", "mint( address )"])
def test_a_whole_signature_needs_no_abi(name: str) -> None:
    """A contract that is not stored here can be called by its address."""
    elsewhere = "0x" + GAME.hex()
    told = Interaction(to="0x" + "77" * 20, function_name=name, function_args=[elsewhere])
    (call,) = calls_of([told], Book([]))
    assert call.data == packed("mint(address)", ["address"], [GAME])
    assert call.to == b"\x77" * 20


def test_a_signature_with_an_alias_is_that_of_the_type() -> None:
    """``uint`` is ``uint256`` in what the selector hashes."""
    assert data("set(uint,(int,bool)[])", "1", [["-2", "true"]]) == packed(
        "set(uint256,(int256,bool)[])", ["uint256", "(int256,bool)[]"], [1, [(-2, True)]]
    )


@pytest.mark.parametrize("item", [["5", "acc_alice"], {"id": "5", "owner": "acc_alice"}])
def test_tuples_come_as_lists_and_as_objects(item: object) -> None:
    """SDKs send both, and lists of them."""
    assert data("put", item) == packed(
        "put((uint256,address))", ["(uint256,address)"], [(5, ALICE)]
    )
    assert data("puts", [item, item]) == packed(
        "puts((uint256,address)[])", ["(uint256,address)[]"], [[(5, ALICE)] * 2]
    )


def test_every_kind_of_value_is_packed_as_its_type() -> None:
    """Forms carry text alone; JSON carries numbers and truths."""
    types = ["int8", "bool", "string", "bytes", "bytes4"]
    expected = packed(
        "all(int8,bool,string,bytes,bytes4)", types, [-128, False, "né", b"\x01", b"abcd"]
    )
    assert data("all", "-128", "false", "né", "0x01", "0x61626364") == expected
    assert data("all", *[-128, False], "né", "0x01", "0x61626364") == expected
    assert data("grid", [["1", 2], [3, "4"]]) == packed(
        "grid(uint8[2][])", ["uint8[2][]"], [[[1, 2], [3, 4]]]
    )


@pytest.mark.parametrize(("value", "wei"), [(7, 7), ("7", 7), ("0x07", 7), (None, 0), ("0", 0)])
def test_value_comes_in_decimal_and_in_hex(value: object, wei: int) -> None:
    """A payment is an interaction with a value alone."""
    told = msgspec.convert({"to": "0x" + GAME.hex(), "value": value}, Interaction)
    (call,) = calls_of([told], Book(ABI))
    assert (call.value_wei, call.data) == (wei, b"")


def test_data_and_suffix_go_as_they_are() -> None:
    """Whoever packs calls on their own is believed; a suffix stands behind any input."""
    told = Interaction(to="0x" + GAME.hex(), data="0x01020304", data_suffix="0xff")
    (call,) = calls_of([told], Book(ABI))
    assert call.data == b"\x01\x02\x03\x04\xff"
    assert data("mint", "acc_alice", dataSuffix="0xbeef").endswith(b"\xbe\xef")


def test_no_interactions_are_an_empty_batch() -> None:
    """The page's curl call has none."""
    assert calls_of([], Book(ABI)) == ()


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({}, "contract: expected an id such as con_"),
        ({"to": "0x" + "00" * 20}, "to: expected an address that can be called"),
        ({"to": "0x12"}, "to: expected 20 bytes"),
        ({"contract": "con_game", "to": "0x" + "77" * 20}, "to: expected the address of the con"),
        ({"contract": "con_game", "functionName": "burn"}, "functionName: expected one of all, gr"),
        ({"to": "0x" + "77" * 20, "functionName": "mint"}, "functionName: expected a signature"),
        ({"contract": "con_game", "functionName": "mint"}, "functionArgs: expected 1 or 2 argu"),
        ({"contract": "con_game", "functionName": "f(uint7)"}, "functionName: expected a name, or"),
        ({"contract": "con_game", "functionName": "f(" + "(" * 99}, "functionName: expected a na"),
        (
            {"contract": "con_game", "functionName": f"f({'(' * 40}bool{')' * 40})"},
            "functionName: expected a name",
        ),
        ({"contract": "con_game", "functionName": "g(bool)"}, "functionArgs: expected 1 argum"),
        ({"contract": "con_game", "functionArgs": ["1"]}, "functionName: expected a function"),
        ({"contract": "con_game", "functionName": "a()", "data": "0x12"}, "data: expected none"),
        ({"contract": "con_game", "data": "nonsense"}, "data: expected 0x and hex"),
        ({"contract": "con_game", "dataSuffix": "0x1"}, "dataSuffix: expected 0x and hex"),
        ({"contract": "con_game", "value": "-1"}, "value: expected wei"),
        ({"contract": "con_game", "value": "1.5"}, "value: expected wei"),
        ({"contract": "con_game", "value": str(2**256)}, "value: expected wei"),
        ({"contract": "con_game", "value": "0x" + "f" * 65}, "value: expected wei"),
        ({"to": "0x" + "77" * 20, "data": "0x" + "00" * 70_000}, "data: expected at most"),
    ],
)
def test_what_is_no_call_names_its_place(told: dict[str, object], said: str) -> None:
    """Every refusal begins with the field that it is about."""
    assert refused(**told).startswith(f"interactions[1].{said}")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("uint8", 256),
        ("uint8", -1),
        ("uint8", True),
        ("uint8", 1.0),
        ("uint8", "1e2"),
        ("uint8", "01"),
        ("int8", 128),
        ("address", "acc"),
        ("address", 7),
        ("bool", "yes"),
        ("bool", 1),
        ("string", 7),
        ("bytes", "00"),
        ("bytes", [1]),
        ("bytes4", "0x00"),
        ("uint8[]", "1"),
        ("uint8[2]", [1]),
        ("(uint8,bool)", [1]),
        ("(uint8,bool)", {"a": 1, "b": True}),
        ("fixed128x18", "1"),
        ("uint8[99999999999][99999999999]", [[1]]),
    ],
)
def test_what_is_no_value_of_its_type_names_its_place(kind: str, value: object) -> None:
    """Nothing is rounded, cut off or filled up."""
    told = refused(contract="con_game", functionName=f"f({kind})", functionArgs=[value])
    assert told.startswith("interactions[1].functionArgs[0]")


def test_a_wrong_member_is_named_by_its_name() -> None:
    """Where the ABI has names, errors have them."""
    item = {"id": "5", "owner": "nobody"}
    told = refused(contract="con_game", functionName="puts", functionArgs=[[item]])
    assert told.startswith("interactions[1].functionArgs[0][0].owner: expected")


def test_more_calls_than_a_run_holds_are_refused() -> None:
    """64 at most."""
    many = [Interaction(to="0x" + GAME.hex())] * 65
    with pytest.raises(Malformed, match="interactions: expected at most 64, got a list of 65"):
        calls_of(many, Book(ABI))


@pytest.mark.parametrize(
    "entry",
    [
        {"type": "function", "name": "a b", "inputs": []},
        {"type": "function", "inputs": []},
        {"type": "function", "name": "f", "inputs": "none"},
        {"type": "function", "name": "f", "inputs": ["uint8"]},
        {"type": "function", "name": "f", "inputs": [{"type": "uint7"}]},
        {"type": "function", "name": "f", "inputs": [{"type": "tuple"}]},
        {"type": "function", "name": "f", "inputs": [{"type": "uint8" + "[]" * 2000}]},
    ],
)
def test_an_abi_that_is_none_is_refused(entry: dict[str, Any]) -> None:
    """Whatever is stored can be called."""
    with pytest.raises(Malformed, match=r"^malformed_call: abi\[0\]"):
        functions_of([entry])


def test_an_abi_as_deep_as_can_be_is_refused() -> None:
    """Whoever sends it cannot make us go down with it."""
    deep: dict[str, Any] = {"type": "uint8"}
    for _ in range(500):
        deep = {"type": "tuple", "components": [deep]}
    with pytest.raises(Malformed, match="at most 8 deep"):
        functions_of([{"type": "function", "name": "f", "inputs": [deep]}])
