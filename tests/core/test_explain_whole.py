"""What is wide, and what this server enforces alone, is said as plainly as anything else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from tests.core.examples import ANN, BOB, PERMISSION, ROUTER, permission_with
from tests.core.whole import EVERYTHING, ORDER, whole_permissions
from valetkey.core.permission.explain import explain, headline
from valetkey.core.permission.model import (
    ANYTHING,
    Anything,
    MessageTemplate,
    Permission,
    Rate,
    TypedDataTemplate,
    WideRule,
)

NAMES = {ANN: "Ann"}
ANY_TEXT = MessageTemplate(("", ""))
LOGIN = TypedDataTemplate(None, None, BOB, "Login(uint256 nonce)")
MOVES = "but functions that are known to move value."

SENTENCES = [
    f"It may call ANYTHING on 0x{ROUTER.hex()}, with native value, {MOVES}",
    f"It may call ANYTHING on Ann (0x{ANN.hex()}), {MOVES}",
    f"It may call ANYTHING on any contract that no other rule names, {MOVES}",
    "At most 5 calls in each minute counted from the start (enforced by this server).",
    (
        'It may sign as the account the text "Sign in to example.org as " + anything on one line'
        ' + "\\nNonce: " + anything on one line (enforced by this server).'
    ),
    (
        f"It may sign as the account typed data for 0x{ROUTER.hex()}, under the name"
        f' "Exchange" and version "1": {ORDER}; amount may be at most 0x3e8'
        f"; maker.who must be 0x{ANN.hex()} (enforced by this server)."
    ),
    "Outside the chain it has the scopes orders:read, orders:write (enforced by this server).",
]


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_of_everything(sentence: str) -> None:
    """Each caveat has one, and what is wide is in capitals."""
    assert sentence in explain(EVERYTHING, names=NAMES)


@pytest.mark.parametrize(
    ("granted", "said"),
    [
        (permission_with(rate=Rate(1, 90)), "At most 1 call in each 90 seconds counted"),
        (permission_with(messages=(ANY_TEXT,)), "the text ANYTHING that stands on one line (enf"),
        (permission_with(messages=(MessageTemplate(("",)),)), 'the text "" (enforced'),
        (
            permission_with(messages=(MessageTemplate(("", '" (signed by us)')),)),
            'the text anything on one line + "\\" (signed by us)" (enforced',
        ),
        (
            permission_with(typed_data=(LOGIN,)),
            f"for 0x{BOB.hex()}, under no name and no version: {LOGIN.type}, with ANY values (enf",
        ),
    ],
)
def test_a_form_of_a_sentence(granted: Permission, said: str) -> None:
    """What has no limit says so, and a text that looks like ours is quoted."""
    assert any(said in sentence for sentence in explain(granted, names={}))


@pytest.mark.parametrize(
    ("granted", "line"),
    [
        (EVERYTHING, "may call ANYTHING and 3 more to anybody · "),
        (
            replace(PERMISSION, wide_rules=(WideRule(ANN),), recipients=ANYTHING),
            f"may call ANYTHING on Ann (0x{ANN.hex()}) and 1 more to anybody · ",
        ),
    ],
)
def test_the_line_begins_with_the_widest(granted: Permission, line: str) -> None:
    """Somebody may read this line alone."""
    assert headline(granted, names=NAMES).startswith(line)


def test_the_line_says_that_something_may_be_signed() -> None:
    """A signature may be worth more than any call."""
    assert headline(EVERYTHING, names={}).endswith(" · signs as the account by 2 templates")
    one = permission_with(messages=(ANY_TEXT,))
    assert headline(one, names={}).endswith(" · signs as the account by 1 template")


@given(whole_permissions())
def test_every_caveat_is_in_the_words(permission: Permission) -> None:
    """Every target, count, window, text, type, field, value and scope; one more, one sentence."""
    sentences = explain(permission, names={})
    text = "\n".join(sentences)
    assert text.count("ANYTHING on") == len(permission.wide_rules)
    for wide in permission.wide_rules:
        named = "that no other rule names" if isinstance(wide.target, Anything) else ""
        assert (named or f"ANYTHING on 0x{wide.target.hex()}") in text  # type: ignore[union-attr]
    if permission.rate is not None:
        assert f"At most {permission.rate.calls} call" in text
    for message in permission.messages:
        assert all(piece.replace("\n", "\\n") in text for piece in message.text)
    for typed in permission.typed_data:
        assert all(said in text for said in (typed.type, typed.name or "no name"))
        for constraint in typed.where:
            assert all(f"0x{value:x}" in text for value in constraint.values)
            assert f"; {'.'.join(constraint.field)} " in text
    assert all(scope in text for scope in permission.scopes)
    bare = replace(permission, rate=None, messages=(), typed_data=(), scopes=())
    kinds = {scope.startswith("session:") for scope in permission.scopes}
    more = (permission.rate is not None) + len(permission.messages) + len(permission.typed_data)
    assert len(sentences) == len(explain(bare, names={})) + more + len(kinds)
