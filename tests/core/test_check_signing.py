"""Templates and scopes that no permission may have."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tests.core.examples import ACCOUNT, ANN, ROUTER, permission_with
from tests.core.whole import EVERYTHING
from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.checks import check_permission
from valetkey.core.permission.model import (
    ZERO_ADDRESS,
    FieldConstraint,
    MessageTemplate,
    Operator,
    Permission,
    TypedDataTemplate,
)

EQUALS, ONE_OF, AT_MOST = Operator.EQUALS, Operator.ONE_OF, Operator.AT_MOST
MIXED = "Order(Part part,uint256[] list,string note,int256 delta,uint256 a)Part(bool paid)"
TYPED = TypedDataTemplate("Exchange", "1", ROUTER, MIXED)
LIMITED = FieldConstraint(("a",), AT_MOST, (5,))


def texts(*pieces: tuple[str, ...]) -> Permission:
    """Return a permission with templates of these pieces."""
    return permission_with(messages=tuple(map(MessageTemplate, pieces)))


def typed(*where: FieldConstraint, **changes: object) -> Permission:
    """Return a permission with one template of typed data."""
    template = replace(TYPED, where=where, **changes)  # type: ignore[arg-type]  # the test's names
    return permission_with(typed_data=(template,))


def field(*names: str, operator: Operator = EQUALS, values: tuple[int, ...] = (1,)) -> Permission:
    """Return a permission with one constraint on a field of typed data."""
    return typed(FieldConstraint(names, operator, values))


def scopes(*names: str) -> Permission:
    """Return a permission with scopes."""
    return permission_with(scopes=names)


REFUSED = [
    # texts
    ("17 texts", texts(*[(f"{n:02}",) for n in range(17)]), "messages: expected at most 16"),
    ("no piece", texts(()), "messages[0].text: expected 1 to 17 pieces"),
    ("18 pieces", texts(("a",) * 18), "messages[0].text: expected 1 to 17 pieces"),
    ("too long", texts(("a" * 4096, "b")), "messages[0].text: expected at most 4096"),
    ("a tab", texts(("a\tb",)), "messages[0].text: expected printable characters"),
    ("an override", texts(("a\u202eb",)), "messages[0].text: expected printable characters"),
    ("two holes at once", texts(("a", "", "b")), "messages[0].text: expected something between"),
    ("another order of texts", texts(("b",), ("a",)), "messages: expected ascending order"),
    ("one text twice", texts(("a",), ("a",)), "messages: expected ascending order"),
    # typed data
    (
        "17 templates",
        permission_with(
            typed_data=tuple(
                replace(TYPED, verifying_contract=bytes([9, n]) * 10) for n in range(17)
            )
        ),
        "typed_data: expected at most 16",
    ),
    ("the account", typed(verifying_contract=ACCOUNT), "typed_data[0].verifying_contract: exp"),
    ("nobody", typed(verifying_contract=ZERO_ADDRESS), "typed_data[0].verifying_contract: exp"),
    ("half an address", typed(verifying_contract=b"\x01"), "typed_data[0].verifying_contract: e"),
    ("our own domain", typed(name="valetkey"), "typed_data[0].name: expected a domain that is"),
    ("nearly our own domain", typed(name=" ValetKey"), "typed_data[0].name: expected a domain"),
    ("a long name", typed(name="a" * 129), "typed_data[0].name: expected at most 128"),
    ("a line break", typed(version="1\n"), "typed_data[0].version: expected at most 128"),
    ("a long type", typed(type="A(" + "a" * 2048), "typed_data[0].type: expected at most 2048"),
    ("no type", typed(type=""), "typed_data[0].type: expected encodeType"),
    ("a type that is not there", typed(type="A(B b)"), "typed_data[0].type: expected encodeType"),
    ("a type too many", typed(type="A(bool b)B()"), "typed_data[0].type: expected encodeType"),
    (
        "17 constraints",
        typed(*[FieldConstraint(("a",), EQUALS, (n,)) for n in range(17)]),
        "typed_data[0].where: expected at most 16",
    ),
    (
        "another order of constraints",
        typed(FieldConstraint(("note",), EQUALS, (1,)), LIMITED),
        "typed_data[0].where: expected ascending",
    ),
    ("one constraint twice", typed(LIMITED, LIMITED), "typed_data[0].where: expected ascending"),
    (
        "one template twice",
        permission_with(typed_data=(TYPED, replace(TYPED, where=(LIMITED,)))),
        "typed_data: expected ascending",
    ),
    # fields
    ("no field", field(), "typed_data[0].where[0].field: expected 1 to 8 names"),
    ("9 levels", field(*["part"] * 9), "typed_data[0].where[0].field: expected 1 to 8 names"),
    ("an unknown field", field("b"), "typed_data[0].where[0].field: expected a field of Order"),
    ("below a value", field("a", "b"), "typed_data[0].where[0].field: expected a field of uint256"),
    ("a whole structure", field("part"), "typed_data[0].where[0].field: expected a field with a"),
    ("a list", field("list"), "typed_data[0].where[0].field: expected a field with a single"),
    ("the order of texts", field("note", operator=AT_MOST), "typed_data[0].where[0].operator"),
    ("the order of signs", field("delta", operator=AT_MOST), "typed_data[0].where[0].operator"),
    ("equal to two", field("a", values=(1, 2)), "typed_data[0].where[0].values: expected exactly"),
    (
        "values in another order",
        field("a", operator=ONE_OF, values=(2, 1)),
        "typed_data[0].where[0].values: expected ascending",
    ),
    # scopes
    ("one of ours that is none", scopes("session:reed"), "scopes[0]: expected one of session:self"),
    ("33 scopes", scopes(*[f"s{n:02}" for n in range(33)]), "scopes: expected at most 32"),
    ("no name", scopes(""), "scopes[0]: expected [a-z0-9]"),
    ("a capital letter", scopes("Orders"), "scopes[0]: expected [a-z0-9]"),
    ("a blank", scopes("a b"), "scopes[0]: expected [a-z0-9]"),
    ("a line break", scopes("a\n"), "scopes[0]: expected [a-z0-9]"),
    ("65 characters", scopes("a" * 65), "scopes[0]: expected [a-z0-9]"),
    ("another order of scopes", scopes("b", "a"), "scopes: expected ascending"),
    ("one scope twice", scopes("a", "a"), "scopes: expected ascending"),
]


@pytest.mark.parametrize(("what", "bad", "place"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_no_permission_may_say_is_refused(what: str, bad: Permission, place: str) -> None:
    """With the place, what was expected there, and what came."""
    with pytest.raises(Malformed, match=rf"(?s){re.escape(place)}.*got") as refused:
        check_permission(bad, forbidden={ACCOUNT})
    assert refused.value.code is Code.MALFORMED_PERMISSION, what


ACCEPTED = [
    EVERYTHING,
    texts(("",), ("", ""), ("a\nb", " — "), ("b" * 4096,)),
    typed(name=None, version=None),
    typed(name="", version=""),
    field("part", "paid"),
    field("note", operator=ONE_OF, values=()),
    field("delta", values=(2**256 - 1,)),
    typed(LIMITED, FieldConstraint(("a",), ONE_OF, (1, 3))),
    permission_with(
        typed_data=(replace(TYPED, name=None), TYPED, replace(TYPED, verifying_contract=ANN))
    ),
    scopes("0", "a" * 64, "orders:read", "x/y.z-w_1"),
]


@pytest.mark.parametrize("permission", ACCEPTED)
def test_what_is_well_formed_is_returned(permission: Permission) -> None:
    """Unchanged: it is what the owner agrees to."""
    assert check_permission(permission, forbidden={ACCOUNT}) is permission
