"""The watch over the logs sees what it must see."""

from __future__ import annotations

import logging

import pytest

from tests.leaks import _Watch, forms_of
from valetkey.core.token import TokenPrefix, make_token

SECRET = bytes(range(32))


def lines_of(watch: _Watch) -> list[str]:
    """Return what *watch* found."""
    return list(watch.leaks())


@pytest.mark.parametrize("form", sorted(forms_of(SECRET)))
def test_a_secret_is_found_in_each_form_that_it_could_be_written_in(form: str) -> None:
    """No log line holds a secret, in whatever form."""
    watch = _Watch()
    watch.secrets.add(SECRET)
    watch.keep("somebody", f"token={form}, and more")
    assert len(lines_of(watch)) == 1


def test_a_secret_in_an_extra_field_of_a_record_is_found() -> None:
    """Structured fields are part of the log."""
    watch = _Watch()
    watch.secrets.add(SECRET)
    record = logging.makeLogRecord(
        {"msg": "opened", "token": make_token(TokenPrefix.SESSION, SECRET)}
    )
    watch.emit(record)
    assert len(lines_of(watch)) == 1


def test_a_fingerprint_is_no_secret() -> None:
    """What is stored may be logged."""
    watch = _Watch()
    watch.secrets.add(SECRET)
    watch.keep("somebody", "fingerprint=" + "ab" * 32)
    assert lines_of(watch) == []
