"""What a permission says is kept, and never said of another one."""

from __future__ import annotations

from dataclasses import replace

from tests.core.examples import ANN, BOB, PERMISSION, TOKEN
from valetkey.core.permission.explain import explain, headline
from valetkey.wire.permission import write_permission
from valetkey.wire.words import KEPT, words_of


def test_the_words_are_those_of_the_permission_and_are_made_once() -> None:
    """Whoever asks again gets the very same."""
    first = words_of(PERMISSION, "a", names={})
    assert first.headline == headline(PERMISSION, names={})
    assert first.sentences == tuple(explain(PERMISSION, names={}))
    assert first.document == write_permission(PERMISSION)
    assert words_of(replace(PERMISSION), "a", names={}) is first


def test_another_permission_under_the_same_id_is_told_as_it_is() -> None:
    """An id that somebody has put on another permission shows nobody the wrong words."""
    words_of(PERMISSION, "a", names={})
    narrower = replace(PERMISSION, recipients=(ANN,))
    assert words_of(narrower, "a", names={}).document == write_permission(narrower)
    assert words_of(PERMISSION, "a", names={}).document == write_permission(PERMISSION)


def test_other_names_are_said_at_once() -> None:
    """What the operator calls an address is in the words, so it decides which are known."""
    plain = words_of(PERMISSION, "a", names={})
    named = words_of(PERMISSION, "a", names={TOKEN: "Tokens of Ann", BOB: "Bob"})
    assert named.sentences == tuple(explain(PERMISSION, names={TOKEN: "Tokens of Ann", BOB: "Bob"}))
    assert named.sentences != plain.sentences


def test_what_was_not_asked_for_longest_is_forgotten() -> None:
    """However many permissions there are, so many are kept and no more."""
    first, second = (words_of(PERMISSION, key, names={}) for key in ("first", "second"))
    for number in range(KEPT - 2):
        words_of(PERMISSION, str(number), names={})
    assert words_of(PERMISSION, "first", names={}) is first
    words_of(PERMISSION, "one more", names={})
    assert words_of(PERMISSION, "first", names={}) is first
    assert words_of(PERMISSION, "second", names={}) is not second
