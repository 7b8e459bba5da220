"""The permission document, read and written."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given

from tests.core.whole import whole_permissions
from valetkey.core.errors import Malformed
from valetkey.core.permission.canonical import document, permission_id
from valetkey.core.permission.checks import check_permission
from valetkey.core.permission.model import Anything, Operator, Permission
from valetkey.wire.permission import PermissionDocument, read_permission, write_permission

TOKEN = "0x" + "ab" * 20
ALICE = "0x" + "a1" * 20
BOB = "0x" + "b0" * 20


def read(**fields: object) -> Permission:
    """Return the permission of a document with *fields* in it, by way of JSON."""
    whole = {"chain": "eip155:1", "starts_at": 1, "expires_at": 2, "recipients": [], "rules": []}
    text = msgspec.json.encode({**whole, **fields})
    return read_permission(msgspec.json.decode(text, type=PermissionDocument))


@given(whole_permissions())
def test_a_permission_is_read_as_it_was_written(permission: Permission) -> None:
    """Nothing is lost or added on the way: the id, a hash of all of it, stays the same."""
    text = msgspec.json.encode(write_permission(permission))
    again = read_permission(msgspec.json.decode(text, type=PermissionDocument))
    assert check_permission(again) == permission
    assert permission_id(again) == permission_id(permission)


@given(whole_permissions())
def test_the_document_on_the_wire_is_the_canonical_one(permission: Permission) -> None:
    """Whoever hashes what the server answers gets the permission's id."""
    assert msgspec.to_builtins(write_permission(permission)) == document(permission)


def test_a_selector_is_made_from_its_function() -> None:
    """People write functions; the chain looks at selectors."""
    rule = read(rules=[{"target": TOKEN, "function": "transfer(address,uint256)"}]).rules[0]
    assert rule.selector == bytes.fromhex("a9059cbb")
    rule = read(rules=[{"target": TOKEN, "selector": "0xa9059cbb"}]).rules[0]
    assert (rule.selector, rule.function) == (bytes.fromhex("a9059cbb"), None)
    rule = read(rules=[{"target": TOKEN}]).rules[0]
    assert (rule.selector, rule.function) == (None, None)


def test_lists_are_sorted_when_they_are_read() -> None:
    """The order in which somebody lists addresses makes no other permission."""
    assert read(recipients=[BOB, ALICE]) == read(recipients=[ALICE, BOB])
    where = {"argument": 0, "operator": "one of", "values": ["9", BOB, "0x" + "00" * 31 + "07"]}
    rule = read(rules=[{"target": TOKEN, "selector": "0x01020304", "where": [where]}]).rules[0]
    assert rule.where[0].operator is Operator.ONE_OF
    assert rule.where[0].values == (7, 9, int(BOB, 16))


def test_anybody_is_a_word_and_nobody_is_an_empty_list() -> None:
    """An empty list allows nothing; "everything" is written out (DESIGN 3)."""
    assert read(recipients=[]).recipients == ()
    assert isinstance(read(recipients="anything").recipients, Anything)


def test_the_native_coin_has_18_decimals_unless_somebody_says_so_wrongly() -> None:
    """A token's decimals are said; the native coin's are known."""
    assert read(caps=[{"asset": "native", "lifetime": "1"}]).caps[0].decimals == 18
    with pytest.raises(Malformed, match=r"caps\[0\]\.decimals"):
        read(caps=[{"asset": TOKEN, "lifetime": "1"}])


def test_times_that_are_left_out_are_the_session_s() -> None:
    """A session that is opened says when; a permission alone must."""
    whole = PermissionDocument(chain="eip155:1", recipients=[], rules=[])
    permission = read_permission(whole, starts_at=5, expires_at=9)
    assert (permission.starts_at, permission.expires_at) == (5, 9)
    with pytest.raises(Malformed, match="starts_at and expires_at"):
        read_permission(whole)
