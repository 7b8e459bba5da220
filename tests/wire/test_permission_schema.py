"""The published schema of the permission document says what the server takes."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.test_canonical import VECTORS
from tests.core.whole import EVERYTHING, whole_permissions
from tests.wire.json_schema import is_valid
from tools.write_permission_schema import PAGE, render
from valetkey.core.errors import Malformed
from valetkey.core.permission.canonical import document
from valetkey.core.permission.checks import check_permission
from valetkey.wire.permission import PermissionDocument, read_permission

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = json.loads(PAGE.read_text(encoding="utf-8"))
WHOLE: dict[str, Any] = json.loads(json.dumps(document(EVERYTHING)))
TOKEN = "0x" + "11" * 20
Path = tuple[str | int, ...]


def has_schema(written: object) -> bool:
    """Say whether *written* has the published schema."""
    return is_valid(written, SCHEMA, SCHEMA)


def is_taken(written: object) -> bool:
    """Say whether the server would take *written* as a permission."""
    try:
        check_permission(read_permission(msgspec.convert(written, PermissionDocument)))
    except (msgspec.ValidationError, Malformed):
        return False
    return True


def changed(path: Path, value: object) -> dict[str, Any]:
    """Return the whole document with another value at *path*."""
    made = copy.deepcopy(WHOLE)
    place: Any = made
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return made


def test_the_committed_schema_is_current() -> None:
    """`python tools/write_permission_schema.py --write` brings it up to date."""
    assert PAGE.read_text(encoding="utf-8") == render()


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_every_published_permission_has_the_schema(vector: dict[str, Any]) -> None:
    """Those with their ids in tests/core/vectors."""
    assert has_schema(vector["document"])


@given(whole_permissions())
def test_every_well_formed_permission_has_the_schema(permission: object) -> None:
    """What the server writes, and what it reads back."""
    written = json.loads(json.dumps(document(permission)))  # type: ignore[arg-type]
    assert is_taken(written)
    assert has_schema(written)


def test_the_shortest_permission_has_the_schema() -> None:
    """What may be left out is not required."""
    shortest = {"chain": "eip155:1", "recipients": [], "rules": []}
    assert has_schema(shortest)
    assert has_schema({**shortest, "caps": [{"asset": "native", "lifetime": "1"}]})
    assert has_schema({**shortest, "rules": [{"target": TOKEN, "function": "pay(address)"}]})


BAD: list[tuple[str, Path, object]] = [
    ("another version", ("version",), 2),
    ("true for a version", ("version",), True),
    ("another family", ("chain",), "starknet:1"),
    ("a line behind the chain", ("chain",), "eip155:1\n"),
    ("a time as text", ("starts_at",), "1"),
    ("before time", ("starts_at",), -1),
    ("past 40 bits", ("expires_at",), 2**40),
    ("no calls", ("max_calls",), 0),
    ("the count that means none", ("max_calls",), 2**32 - 1),
    ("a short relayer", ("relayer",), "0x11"),
    ("everything by another word", ("recipients",), "everything"),
    ("no list", ("recipients",), None),
    ("recipients beside wide rules", ("recipients",), [TOKEN]),
    ("65 rules", ("rules",), [{"target": TOKEN}] * 65),
    ("a rule without a target", ("rules", 0), {"selector": "0x12345678"}),
    ("an unknown field", ("rules", 0, "amount"), "5"),
    ("three bytes of a selector", ("rules", 0, "selector"), "0x123456"),
    ("a function with a blank", ("rules", 0, "function"), "pay (address)"),
    ("6 constraints", ("rules", 0, "where"), [WHOLE["typed_data"][0]["where"][0]] * 6),
    ("argument 63", ("rules", 0, "where"), [{"argument": 63, "operator": "equals", "values": []}]),
    (
        "equal to two",
        ("rules", 0, "where"),
        [{"argument": 0, "operator": "equals", "values": ["1", "2"]}],
    ),
    (
        "another operator",
        ("rules", 0, "where"),
        [{"argument": 0, "operator": "at least", "values": ["1"]}],
    ),
    ("hex of odd length", ("typed_data", 0, "where", 0, "values"), ["0x1"]),
    ("an amount as a number", ("caps", 0, "lifetime"), 5),
    ("an amount with a zero in front", ("caps", 0, "lifetime"), "05"),
    ("an amount past 39 digits", ("caps", 0, "lifetime"), "1" * 40),
    ("a cap of nothing", ("caps", 0), {"asset": TOKEN, "decimals": 6}),
    ("an asset by name", ("caps", 0, "asset"), "USDC"),
    ("78 decimals", ("caps", 0, "decimals"), 78),
    ("a window of a second", ("caps", 1, "window"), {"limit": "1", "window_s": 1}),
    ("17 wide rules", ("wide_rules",), [{"target": TOKEN}] * 17),
    ("a wide rule for some", ("wide_rules", 0, "target"), "some"),
    ("payable as text", ("wide_rules", 0, "payable"), "true"),
    ("no call in a window", ("rate", "calls"), 0),
    ("a rate without a window", ("rate",), {"calls": 1}),
    ("a text without pieces", ("messages", 0, "text"), []),
    ("17 texts", ("messages",), [{"text": ["a"]}] * 17),
    ("typed data without a type", ("typed_data", 0), {"verifying_contract": TOKEN}),
    ("typed data of nobody", ("typed_data", 0, "verifying_contract"), "native"),
    ("a field without a name", ("typed_data", 0, "where", 0, "field"), []),
    ("equal to nothing", ("typed_data", 0, "where", 1, "values"), []),
    ("a scope in capitals", ("scopes", 0), "Orders"),
    ("a scope twice", ("scopes",), ["a", "a"]),
    ("33 scopes", ("scopes",), [f"s{n}" for n in range(33)]),
    ("an unknown caveat", ("allow",), "all"),
]


@pytest.mark.parametrize(("what", "path", "value"), BAD, ids=[row[0] for row in BAD])
def test_what_no_permission_says_has_not_the_schema(what: str, path: Path, value: object) -> None:
    """And the server does not take it either."""
    assert has_schema(WHOLE)
    bad = changed(path, value)
    assert not has_schema(bad), what
    assert not is_taken(bad)


def places(value: object, path: Path = ()) -> Iterator[Path]:
    """Yield the path of everything in *value*."""
    members: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        members = list(value.items())
    elif isinstance(value, list):
        members = list(enumerate(value))
    for name, inner in members:
        yield (*path, name)
        yield from places(inner, (*path, name))


PLACES = list(places(WHOLE))
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 70),
    st.sampled_from([2**32, 2**40, "anything", "native", TOKEN, "1", "", "a", "equals", "one of"]),
    st.sampled_from([[], [TOKEN], ["a"], {}, {"calls": 1, "window_s": 60}]),
)


@given(st.sampled_from(PLACES), VALUES)
def test_the_server_takes_nothing_that_has_not_the_schema(path: Path, value: object) -> None:
    """Wherever another value stands: the schema is never stricter than the server."""
    written = changed(path, value)
    assert has_schema(written) or not is_taken(written)
