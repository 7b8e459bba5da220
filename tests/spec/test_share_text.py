"""Shares as texts: whole, or refused."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valetkey.spec.share_text import (
    CLIENT,
    MAX_TEXT_CHARS,
    RECOVERY,
    ShareText,
    ShareTextError,
    read,
    write,
)

SHARE = ShareText(CLIENT, "wal_01mcc5rm00hqbvbxbdqszd4a", 7, bytes(range(64)))
TEXT = (
    "vk1.wal_01mcc5rm00hqbvbxbdqszd4a.7.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8."
    "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8."
)
LETTERS = string.ascii_letters + string.digits + "_-"


@given(
    st.sampled_from([CLIENT, RECOVERY]),
    st.text(LETTERS, min_size=1, max_size=64),
    st.integers(1, 2**31 - 1),
    st.binary(min_size=64, max_size=64),
)
def test_a_share_is_read_as_it_was_written(
    kind: str, wallet_id: str, generation: int, point: bytes
) -> None:
    """One text for one share, safe in a URL, never longer than is read."""
    share = ShareText(kind, wallet_id, generation, point)
    text = write(share)
    assert read(text) == share
    assert set(text) <= {*LETTERS, "."}
    assert len(text) <= MAX_TEXT_CHARS


def test_the_form_is_the_published_one() -> None:
    """A vector: kind, wallet, generation, x, y; the checksum follows."""
    assert write(SHARE) == TEXT + "SXZy7JH0"


@given(st.integers(0, len(TEXT) + 7), st.sampled_from(LETTERS + ". \n"))
def test_a_changed_letter_is_found(place: int, letter: str) -> None:
    """Whichever it is: what was mistyped is not taken for another share."""
    text = write(SHARE)
    changed = text[:place] + letter + text[place + 1 :]
    if changed != text:
        with pytest.raises(ShareTextError):
            read(changed)


@pytest.mark.parametrize("cut", range(1, len(TEXT) + 8, 7))
def test_a_share_that_was_cut_is_found(cut: int) -> None:
    """At its end or its beginning."""
    text = write(SHARE)
    for part in (text[:-cut], text[cut:]):
        with pytest.raises(ShareTextError):
            read(part)


def test_what_is_no_share_is_refused() -> None:
    """Other texts, longer ones, other versions."""
    text = write(SHARE)
    for other in ("", "vk1", text + "A", "A" * 10_000, "vk2" + text[3:], text + "\n", text.upper()):
        with pytest.raises(ShareTextError):
            read(other)


def test_a_generation_beyond_all_is_refused() -> None:
    """Whole, and still none of ours."""
    with pytest.raises(ShareTextError):
        read(write(ShareText(CLIENT, "wal_1", 2**31, bytes(64))))


def test_a_share_does_not_show_itself() -> None:
    """Neither in a log nor in a traceback."""
    assert repr(SHARE.point)[2:-1] not in repr(SHARE)
