"""Subset of what may be signed, and of scopes: said for all texts, by one text."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from tests.core.examples import ACCOUNT, ANN, PERMISSION, ROUTER
from tests.core.proof import is_within, proven
from tests.core.strategies import START
from tests.searched import searched
from valetkey.core.permission.checks import check_permission
from valetkey.core.permission.model import (
    FieldConstraint,
    MessageTemplate,
    Operator,
    Permission,
    TypedDataTemplate,
)
from valetkey.core.permission.signing import (
    Signable,
    SignMessage,
    SignTypedData,
    decide_signature,
)
from valetkey.core.permission.subset import NotSubset, Subset
from valetkey.core.permission.trace import SignText, SignWords
from valetkey.spec.eip712 import Field, TypedData
from valetkey.spec.keccak import keccak256

if TYPE_CHECKING:
    from collections.abc import Sequence

LETTERS: Final = "ab\n"
PIECES: Final = ["", "a", "b", "ab", "ba", "\n", "a\n"]
KINDS: Final = ("uint8", "int8", "bool", "address", "bytes2", "string")
TYPE: Final = f"T({','.join(f'{kind} f{at}' for at, kind in enumerate(KINDS))})"


def texts(*templates: tuple[str, ...]) -> Permission:
    """Return a permission that signs texts."""
    messages = tuple(MessageTemplate(one) for one in sorted(templates))
    return check_permission(replace(PERMISSION, messages=messages))


def holes(text: str) -> tuple[str, ...]:
    """Return the pieces of a text with ``*`` for each hole."""
    return tuple(text.split("*"))


ROWS: list[tuple[str, str, bool]] = [
    ("hello", "hello", True),
    ("hello", "hell*", True),
    ("hello", "hello*", False),
    ("hel*", "h*", True),
    ("h*", "hel*", False),
    ("a*b", "a*", True),
    ("a*b*c", "a*c", True),
    ("a*c", "a*b*c", False),
    ("a*", "*", True),
    ("*", "a*", False),
    ("*a*", "*", True),
    ("*", "*a*", False),
    ("a\n*", "*", False),
    ("a\n*", "a\n*", True),
    ("x*ab", "x*b", True),
    ("a" * 15 + "*" + "b" * 16, "*", True),
    ("a" * 15 + "*" + "b" * 16, "a*a", False),
]


@pytest.mark.parametrize(("child", "parent", "within"), ROWS)
def test_a_text_is_within_a_wider_one(child: str, parent: str, within: bool) -> None:  # noqa: FBT001 - a column
    """A hole takes one character or more, in one line."""
    assert is_within(texts(holes(child)), texts(holes(parent))) is within
    assert not is_within(texts(holes(child)), texts())
    assert is_within(texts(), texts(holes(parent)))


@pytest.mark.parametrize("text", ["a" * 32, "0" * 64, "0x" + "f" * 64])
def test_a_text_that_is_never_signed_is_within_anything(text: str) -> None:
    """It could be a digest, so no permission signs it."""
    assert is_within(texts((text,)), texts())


def fits(template: MessageTemplate, text: str) -> bool:
    """Say whether *text* has the pieces, by another way than the one that decides."""
    pattern = "[^\n]+".join(map(re.escape, template.text))
    return re.fullmatch(pattern, text) is not None


def every_text(longest: int) -> list[str]:
    """Return all texts of the letters, and of one more that is in no template."""
    found = [""]
    for _ in range(longest):
        found += [text + letter for text in found for letter in LETTERS + "z"]
    return sorted(set(found))


ALL: Final = every_text(5)
MESSAGES = st.lists(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=3)
    .filter(lambda pieces: all(pieces[1:-1]))
    .map(lambda pieces: MessageTemplate(tuple(pieces))),
    max_size=2,
    unique=True,
).map(lambda found: tuple(sorted(found, key=lambda one: one.text)))


@searched(150)
@given(MESSAGES, MESSAGES)
def test_one_text_stands_for_all_that_fill_the_holes(
    child: tuple[MessageTemplate, ...], parent: tuple[MessageTemplate, ...]
) -> None:
    """The answer is what trying every short text says: some templates of the parent together."""
    small, wide = replace(PERMISSION, messages=child), replace(PERMISSION, messages=parent)
    beyond = [
        text
        for text in ALL
        if any(fits(one, text) for one in child) and not any(fits(one, text) for one in parent)
    ]
    answer = proven(check_permission(small), check_permission(wide))
    event("within" if isinstance(answer, Subset) else "beyond")
    # A text beyond may need more letters than were tried, but one that was tried is enough.
    assert isinstance(answer, NotSubset) or not beyond
    if isinstance(answer, NotSubset):
        (request,) = answer.trace.requests
        assert isinstance(request, SignText)
        assert any(fits(one, request.text) for one in child)
        assert not any(fits(one, request.text) for one in parent)


def word_of(kind: str, value: object) -> int:
    """Return the word of a value, apart from the code that is tested."""
    if isinstance(value, str):
        return int.from_bytes(keccak256(value.encode()))
    if isinstance(value, bytes):
        return int.from_bytes(value.ljust(32, b"\0") if kind == "bytes2" else value)
    assert isinstance(value, int)
    return value % 2**256


VALUES: Final[dict[str, Sequence[object]]] = {
    "uint8": [*range(256)],
    "int8": [*range(-128, 128)],
    "bool": [False, True],
    "address": [number.to_bytes(20) for number in range(80)] + [b"\xff" * 20],
    "bytes2": [number.to_bytes(2) for number in range(80)] + [b"\xff\xff"],
    "string": [str(number) for number in range(80)],
}


@st.composite
def constraints(draw: st.DrawFn) -> tuple[FieldConstraint, ...]:
    """Draw constraints on a few fields, some with words that their type has not."""
    made: set[FieldConstraint] = set()
    for at in draw(st.lists(st.integers(0, len(KINDS) - 1), max_size=3)):
        kind = KINDS[at]
        words = [word_of(kind, one) for one in (*VALUES[kind][-4:], *VALUES[kind][:4])]
        strange = [] if kind == "string" else [2**255 + 1]  # of which text would that be the hash
        value = st.sampled_from([*words, *strange])
        if kind == "uint8" and draw(st.booleans()):
            most = draw(st.sampled_from([0, 3, 254, 255, 300]))
            made.add(FieldConstraint((f"f{at}",), Operator.AT_MOST, (most,)))
            continue
        listed = tuple(sorted(draw(st.sets(value, max_size=3))))
        made.add(FieldConstraint((f"f{at}",), Operator.ONE_OF, listed))
    return tuple(sorted(made, key=lambda one: one.key))


def typed(*where: FieldConstraint) -> Permission:
    """Return a permission that signs typed data."""
    template = TypedDataTemplate("Shop", None, ROUTER, TYPE, where)
    return check_permission(replace(PERMISSION, typed_data=(template,)))


def field_holds(constraint: FieldConstraint, word: int) -> bool:
    """Say whether a word is allowed."""
    if constraint.operator is Operator.AT_MOST:
        return word <= constraint.values[0]
    return word in constraint.values


@searched(200)
@given(constraints(), constraints())
def test_fields_are_as_free_as_their_type_leaves_them(
    own: tuple[FieldConstraint, ...], others: tuple[FieldConstraint, ...]
) -> None:
    """The answer is what trying every value of every field says; the proof is real data."""
    free: dict[int, list[object]] = {}
    for at, kind in enumerate(KINDS):
        mine = [one for one in own if one.field == (f"f{at}",)]
        free[at] = [
            value
            for value in VALUES[kind]
            if all(field_holds(one, word_of(kind, value)) for one in mine)
        ]
    usable = all(free.values())
    beyond = usable and any(
        not field_holds(one, word_of(KINDS[at], value))
        for one in others
        for at in [int(one.field[0][1:])]
        for value in free[at]
    )
    answer = proven(typed(*own), typed(*others))
    assert isinstance(answer, NotSubset) is beyond
    if isinstance(answer, NotSubset):
        (request,) = answer.trace.requests
        assert isinstance(request, SignWords)
        signed = SignTypedData(data_of(request))
        verdicts = [
            decide_signature(signed, one, now=START, accounts=(ACCOUNT,))
            for one in (typed(*own), typed(*others))
        ]
        assert isinstance(verdicts[0], Signable)
        assert not isinstance(verdicts[1], Signable)


def data_of(request: SignWords) -> TypedData:
    """Return data whose fields have the words of *request*."""
    words = {field: word for (field,), word in request.words}
    message: dict[str, object] = {}
    for at, kind in enumerate(KINDS):
        known = {word_of(kind, value): value for value in VALUES[kind]}
        message[f"f{at}"] = known[words[f"f{at}"]] if f"f{at}" in words else VALUES[kind][0]
    return TypedData(
        domain={"name": "Shop", "chainId": 31337, "verifyingContract": ROUTER},
        primary_type="T",
        types={"T": tuple(Field(f"f{at}", kind) for at, kind in enumerate(KINDS))},
        message=message,
    )


def test_other_typed_data_is_beyond() -> None:
    """Another contract, type or domain; and a template that nothing fits is within anything."""
    one = TypedDataTemplate("Shop", "1", ROUTER, "Login(string name)")
    parent = replace(PERMISSION, typed_data=(one,))
    for change in (
        {"verifying_contract": ANN},
        {"type": "Login(string user)"},
        {"name": None},
        {"version": "2"},
    ):
        other = replace(one, **change)
        answer = proven(replace(PERMISSION, typed_data=(other,)), parent)
        assert isinstance(answer, NotSubset)
        assert answer.caveat == "typed_data"
    never = replace(one, where=(FieldConstraint(("name",), Operator.ONE_OF, ()),))
    assert is_within(replace(PERMISSION, typed_data=(never,)), PERMISSION)


def test_a_message_is_not_signed_by_a_template_of_the_same_words() -> None:
    """What the proof asks for is what would be signed, byte for byte."""
    answer = proven(texts(("Log in as ", "")), texts())
    assert isinstance(answer, NotSubset)
    (request,) = answer.trace.requests
    assert isinstance(request, SignText)
    signed = SignMessage(request.text.encode())
    allowed = decide_signature(signed, texts(("Log in as ", "")), now=START, accounts=())
    assert isinstance(allowed, Signable)


@pytest.mark.parametrize(
    ("child", "parent", "within"),
    [
        ((), (), True),
        (("a",), ("a", "b"), True),
        (("a", "b"), ("a",), False),
        (("a",), (), False),
        (("session:run",), (), True),
        ((), ("session:run",), False),
        (("a",), ("a", "session:run"), False),
        (("session:self",), ("session:run",), True),
        (("session:read", "session:run"), ("session:run",), False),
    ],
)
def test_scopes_are_a_set(child: tuple[str, ...], parent: tuple[str, ...], within: bool) -> None:  # noqa: FBT001 - a column
    """One that the parent has not is the proof; none of ours is all of them."""
    small, wide = replace(PERMISSION, scopes=child), replace(PERMISSION, scopes=parent)
    assert is_within(small, wide) is within
