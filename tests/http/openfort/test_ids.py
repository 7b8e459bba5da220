"""Our ids as the vendor's clients know them, both ways and with nothing stored."""

from __future__ import annotations

import uuid
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valetkey.core.errors import Malformed, NotFound
from valetkey.core.ids import Prefix, check_id, make_id
from valetkey.http.dialects.openfort.ids import PLAYER, SESSION, native, shown

IDS = st.builds(
    lambda prefix, entropy, at_ms: make_id(prefix, entropy, at_ms=at_ms),
    st.sampled_from(Prefix),
    st.binary(min_size=14, max_size=14),
    st.integers(0, 2**50 - 1),
)
FIRST: Final = "pla_00000000-0000-8000-8000-000000000000"


@given(IDS)
def test_an_id_comes_back_as_it_was(native_id: str) -> None:
    """What stands between is a UUID of version 8, in its one form."""
    prefix = Prefix(native_id.partition("_")[0])
    text = shown(native_id, PLAYER)
    made = uuid.UUID(text.removeprefix(PLAYER))
    assert (made.version, made.variant, str(made)) == (8, uuid.RFC_4122, text.removeprefix(PLAYER))
    assert native(text, prefix, PLAYER) == native_id


@given(st.uuids())
def test_each_id_has_one_text(drawn: uuid.UUID) -> None:
    """A UUID that is not of ours is of nothing; none is read as another one's."""
    text = f"{SESSION}{drawn}"
    try:
        found = native(text, Prefix.SESSION, SESSION)
    except NotFound:
        assert drawn.version != 8 or drawn.int >> 60 & 15 != 8
    else:
        assert shown(check_id(found, Prefix.SESSION), SESSION) == text


def test_the_first_and_the_last() -> None:
    """All 120 bits are carried."""
    assert shown("usr_" + "0" * 24, PLAYER) == FIRST
    assert shown("usr_" + "z" * 24, PLAYER) == "pla_ffffffff-ffff-8fff-8fff-ffffffffffff"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pla_",
        "usr_" + "0" * 24,
        FIRST.replace("pla_", "ses_"),
        FIRST.removeprefix("pla_"),
        FIRST.upper(),
        FIRST.replace("-", ""),
        f"{FIRST} ",
        f"{FIRST}\n",
        FIRST[:-1] + "g",
        FIRST[:-1] + "\u0660",
        "[object Object]",
    ],
)
def test_what_is_no_id_is_refused_by_the_name_of_its_field(text: str) -> None:
    """The answer says where it stood."""
    with pytest.raises(Malformed, match="player: expected an id such as pla_") as refused:
        native(text, Prefix.USER, PLAYER, field="player")
    assert refused.value.facts["field"] == "player"
