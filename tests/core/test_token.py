"""Bearer strings: what is stored cannot be presented."""

from __future__ import annotations

import ast
import hashlib
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

import valetkey
from valetkey.core.token import (
    MAX_TOKEN_CHARS,
    UUIDS,
    TokenPrefix,
    entropy_of,
    fingerprint,
    make_token,
    matches,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

ENTROPY = st.binary(min_size=32, max_size=32)
SOURCES: Final = Path(valetkey.__file__).parent
ROOMS: Final = ("spec", "core", "flows", "http", "wire", "client")
# What stands in the store for a token, a code or a share, and what is held against it.
SECRET: Final = frozenset({"mark", "fingerprint", "stored", "checksum", "token_hash"})


def test_a_token_says_what_it_is_for() -> None:
    """People and secret scanners can tell."""
    assert make_token(TokenPrefix.SESSION, bytes(32)) == "vk_session_" + "A" * 43
    assert make_token(TokenPrefix.SECRET_KEY, b"\xff" * 32) == "vk_secret_" + "_" * 42 + "8"
    assert make_token(TokenPrefix.PUBLISHABLE_KEY, bytes(32)).startswith("vk_public_")
    zero = "00000000-0000-4000-8000-000000000000"
    assert make_token(TokenPrefix.OPENFORT_SECRET_KEY, bytes(16)) == f"sk_test_{zero}"


@given(st.sampled_from(sorted(UUIDS)), st.binary(min_size=16, max_size=16))
def test_a_token_of_a_vendor_is_a_uuid_behind_its_prefix(
    prefix: TokenPrefix, entropy: bytes
) -> None:
    """Its clients take the prefix and the dashes off, and have 32 hex digits."""
    text = make_token(prefix, entropy).removeprefix(prefix)
    assert uuid.UUID(text).version == 4
    assert str(uuid.UUID(text)) == text
    assert "_" not in text


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_entropy_of_another_length_is_refused(length: int) -> None:
    """A token of fewer bits would be a token that can be guessed."""
    with pytest.raises(ValueError, match=f"expected 32 bytes of entropy, got {length}"):
        make_token(TokenPrefix.SESSION, bytes(length))


@pytest.mark.parametrize("length", [0, 15, 32])
def test_a_uuid_of_another_length_is_refused(length: int) -> None:
    """It has one form, and 122 bits of chance."""
    with pytest.raises(ValueError, match=f"expected 16 bytes of entropy, got {length}"):
        make_token(TokenPrefix.OPENFORT_PUBLISHABLE_KEY, bytes(length))


@given(st.sampled_from(TokenPrefix), ENTROPY)
def test_only_the_token_itself_matches_its_fingerprint(prefix: TokenPrefix, entropy: bytes) -> None:
    """Not the fingerprint, not another token, not the same bytes for another purpose."""
    token = make_token(prefix, entropy[: entropy_of(prefix)])
    stored = fingerprint(token)
    assert stored == hashlib.sha256(token.encode()).hexdigest()
    assert len(token) <= MAX_TOKEN_CHARS
    assert matches(token, stored)
    assert not matches(stored, stored)
    assert not matches(token[:-1], stored)
    assert not matches(token + "A", stored)
    assert not matches(token, stored.upper())
    for other in set(TokenPrefix) - {prefix}:
        assert not matches(make_token(other, entropy[: entropy_of(other)]), stored)


@given(ENTROPY, ENTROPY)
def test_other_entropy_makes_another_token(first: bytes, second: bytes) -> None:
    """All 256 bits are in it."""
    tokens = [make_token(TokenPrefix.SESSION, entropy) for entropy in (first, second)]
    assert (tokens[0] == tokens[1]) is (first == second)


def test_no_prefix_begins_another() -> None:
    """What a string is for is read off its beginning, without a doubt."""
    for one in TokenPrefix:
        assert [other for other in TokenPrefix if other.startswith(one)] == [one]


def compared(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of each operand of ``==`` and ``!=``."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and any(
            isinstance(one, ast.Eq | ast.NotEq) for one in node.ops
        ):
            for one in (node.left, *node.comparators):
                named = one.func if isinstance(one, ast.Call) else one
                yield node.lineno, str(getattr(named, "id", getattr(named, "attr", "")))


def test_what_proves_somebody_is_compared_in_constant_time() -> None:
    """Nowhere by ``==``, which ends at the first byte that differs and so tells how many fit."""
    assert list(compared("mark == seen.fingerprint")) == [(1, "mark"), (1, "fingerprint")]
    files = [file for room in ROOMS for file in (SOURCES / room).rglob("*.py")]
    found = [
        f"{file.relative_to(SOURCES)}:{line} {name}"
        for file in files
        for line, name in compared(file.read_text())
        if name in SECRET
    ]
    assert len(files) > len(ROOMS)
    assert found == []
