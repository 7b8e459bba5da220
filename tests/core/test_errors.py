"""Codes and errors: every code is documented, and an error says what it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from valetkey.core import errors
from valetkey.core.errors import Code, ValetkeyError

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "codes.md"
ROW = re.compile(r"\| `([a-z_]+)` \| (\S.*\S) \|")
KINDS = [
    errors.Malformed,
    errors.Unauthenticated,
    errors.Forbidden,
    errors.NotFound,
    errors.Conflict,
    errors.ChainRejected,
    errors.Limited,
    errors.Unavailable,
]


def test_every_code_is_documented_once_and_in_order() -> None:
    """Whoever meets a code finds it on the page, and nothing else is there."""
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    assert [code for code, _ in rows] == [code.value for code in Code]


def test_every_code_has_a_sentence_of_its_own() -> None:
    """Two codes that mean the same would be one."""
    said = [words for _, words in ROW.findall(PAGE.read_text(encoding="utf-8"))]
    assert len(set(said)) == len(said)
    assert all(words.endswith(".") and words[0].isupper() for words in said)


@pytest.mark.parametrize("code", Code)
def test_a_code_is_its_own_name(code: Code) -> None:
    """The string that goes over the wire can be looked up in the source."""
    assert code.value == code.name.lower()


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_carries_code_detail_and_facts(kind: type[ValetkeyError]) -> None:
    """One tree: whoever catches the root has everything."""
    error = kind(Code.CONFLICT, "expected one, got two", count=2)
    assert (error.code, error.detail, error.facts) == (
        Code.CONFLICT,
        "expected one, got two",
        {"count": 2},
    )
    assert str(error) == "conflict: expected one, got two"
    assert isinstance(error, ValetkeyError)


def test_there_are_eight_kinds() -> None:
    """Each has one HTTP status; a ninth needs a table entry in every dialect."""
    assert ValetkeyError.__subclasses__() == KINDS
