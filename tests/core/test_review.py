"""What a person is shown of a signature hides nothing from them."""

from __future__ import annotations

from valetkey.core.permission.signing import SignDigest, SignMessage
from valetkey.core.review import mark_of, shown_of


def test_an_approval_is_for_one_signature_alone() -> None:
    """The same bytes as a message and as a digest are two wishes."""
    marks = {mark_of(one) for one in (SignMessage(bytes(32)), SignDigest(bytes(32)))}
    assert len(marks) == 2


def test_text_that_would_hide_something_is_written_out() -> None:
    """What turns the order of letters around, or is invisible, stands there by its number."""
    text = "pay \u202e001 ot\u202c\u200b\x07 me\nagain"
    shown = shown_of(SignMessage(text.encode()))["text"]
    assert shown == "pay \\u{202e}001 ot\\u{202c}\\u{200b}\\u{7} me\nagain"


def test_text_that_is_left_out_is_counted() -> None:
    """Two thousand characters are shown; whoever reads them knows that there are more."""
    assert shown_of(SignMessage(b"a" * 2000))["text"] == "a" * 2000
    assert shown_of(SignMessage(b"a" * 2003))["text"] == "a" * 2000 + " … and 3 characters more"


def test_a_digest_is_shown_as_it_is() -> None:
    """In hex: nobody can read what it is for."""
    assert shown_of(SignDigest(b"\x07" * 32)) == {"kind": "digest", "digest": "0x" + "07" * 32}
