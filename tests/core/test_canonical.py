"""The id of a permission: one document, one id, for as long as there are permissions."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.examples import PERMISSION
from tests.core.narrowing import narrower
from tests.core.test_explain import RICH
from tests.core.whole import EVERYTHING, whole_permissions
from valetkey.core.permission.canonical import document, permission_id
from valetkey.core.permission.model import (
    ANYTHING,
    Cap,
    Constraint,
    FieldConstraint,
    MessageTemplate,
    Operator,
    Permission,
    Rate,
    Rule,
    TypedDataTemplate,
    WideRule,
    Window,
)

if TYPE_CHECKING:
    import random


class Vector(TypedDict):
    """A document as it was written down, and the id that it has had since."""

    name: str
    document: dict[str, Any]
    id: str


VECTORS: list[Vector] = json.loads(
    (Path(__file__).parent / "vectors" / "permission_ids.json").read_text(encoding="utf-8")
)
NOTHING = Permission("eip155:1", (), (), 0, 1, ())
ANYBODY = Permission(
    "eip155:8453",
    (Rule(b"\x99" * 20, b"\xde\xad\xbe\xef", "f((uint256,bytes)[],address)"),),
    (),
    0,
    2**40 - 1,
    ANYTHING,
    relayer=b"\x0a" * 20,
)
NAMED = {
    "nothing": NOTHING,
    "ordinary": PERMISSION,
    "rich": RICH,
    "anything": ANYBODY,
    "everything": EVERYTHING,
}


def read(written: dict[str, Any]) -> Permission:
    """Return the permission that *written* is the document of."""
    listed = written["recipients"]
    assert written["version"] == 1
    return Permission(
        chain=written["chain"],
        rules=tuple(_read_rule(rule) for rule in written["rules"]),
        caps=tuple(_read_cap(cap) for cap in written["caps"]),
        starts_at=written["starts_at"],
        expires_at=written["expires_at"],
        recipients=ANYTHING if listed == "anything" else tuple(_bytes(who) for who in listed),
        max_calls=written["max_calls"],
        relayer=None if written["relayer"] is None else _bytes(written["relayer"]),
        fee_budget_wei=_int(written["fee_budget_wei"]),
        wide_rules=tuple(_read_wide(wide) for wide in written["wide_rules"]),
        rate=None if written["rate"] is None else Rate(**written["rate"]),
        messages=tuple(MessageTemplate(tuple(one["text"])) for one in written["messages"]),
        typed_data=tuple(_read_typed(typed) for typed in written["typed_data"]),
        scopes=tuple(written["scopes"]),
    )


def _read_wide(written: dict[str, Any]) -> WideRule:
    target = written["target"]
    return WideRule(ANYTHING if target == "anything" else _bytes(target), written["payable"])


def _read_typed(written: dict[str, Any]) -> TypedDataTemplate:
    return TypedDataTemplate(
        written["name"],
        written["version"],
        _bytes(written["verifying_contract"]),
        written["type"],
        tuple(
            FieldConstraint(
                tuple(where["field"]),
                Operator(where["operator"]),
                tuple(int(value, 16) for value in where["values"]),
            )
            for where in written["where"]
        ),
    )


def _read_rule(written: dict[str, Any]) -> Rule:
    return Rule(
        _bytes(written["target"]),
        None if written["selector"] is None else _bytes(written["selector"]),
        written["function"],
        payable=written["payable"],
        where=tuple(
            Constraint(
                where["argument"],
                Operator(where["operator"]),
                tuple(int(value, 16) for value in where["values"]),
            )
            for where in written["where"]
        ),
    )


def _read_cap(written: dict[str, Any]) -> Cap:
    window = written["window"]
    return Cap(
        asset=None if written["asset"] == "native" else _bytes(written["asset"]),
        decimals=written["decimals"],
        per_call=_int(written["per_call"]),
        lifetime=_int(written["lifetime"]),
        window=None if window is None else Window(int(window["limit"]), window["window_s"]),
    )


def _bytes(text: str) -> bytes:
    assert text.startswith("0x")
    return bytes.fromhex(text[2:])


def _int(text: str | None) -> int | None:
    return None if text is None else int(text)


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_an_id_never_changes(vector: Vector) -> None:
    """Sessions of years ago are found by what their owners agreed to."""
    permission = NAMED[vector["name"]]
    assert document(permission) == vector["document"]
    assert permission_id(permission) == vector["id"]
    assert read(vector["document"]) == permission


def test_every_example_is_written_down() -> None:
    """A permission without a vector would protect nothing."""
    assert {vector["name"] for vector in VECTORS} == set(NAMED)


@given(whole_permissions())
def test_the_document_says_everything(permission: Permission) -> None:
    """It can be read back, so no two permissions share one: ids collide only as hashes do."""
    written = json.loads(json.dumps(document(permission)))
    assert read(written) == permission


@given(whole_permissions(), st.randoms(use_true_random=False))
def test_the_id_is_the_hash_of_the_sorted_document(
    permission: Permission, chance: random.Random
) -> None:
    """Whoever has the document can compute it: sorted keys, no blanks, SHA-256."""
    members = list(document(permission).items())
    chance.shuffle(members)
    text = json.dumps(dict(members), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert permission_id(permission) == "0x" + hashlib.sha256(text.encode()).hexdigest()


@given(st.data())
def test_ids_differ_exactly_when_permissions_do(data: st.DataObject) -> None:
    """The smallest difference makes another id; the same content the same."""
    first = data.draw(whole_permissions())
    second = data.draw(st.one_of(whole_permissions(), narrower(first)))
    assert (permission_id(first) == permission_id(second)) is (first == second)
    assert permission_id(read(document(first))) == permission_id(first)
