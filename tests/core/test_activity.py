"""Activities: the same request is the same activity, and an end is an end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valetkey.core.activity import (
    SETTLED,
    Activity,
    ActivityState,
    nonce_line_id,
    request_hash,
    request_key,
)

IDS = st.from_regex(r"[a-z]{3}_[0-9a-z]{4}", fullmatch=True) | st.just("")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.tuples(IDS, IDS, st.text()), st.tuples(IDS, IDS, st.text()))
def test_a_request_is_unique_within_who_asked(
    first: tuple[str, str, str], second: tuple[str, str, str]
) -> None:
    """Whatever the caller's id contains, it is never somebody else's request."""
    assert (request_key(*first) == request_key(*second)) is (first == second)


@given(st.tuples(st.text(max_size=8), JSON), st.tuples(st.text(max_size=8), JSON))
def test_two_requests_share_a_hash_only_if_they_ask_for_the_same(
    first: tuple[str, object], second: tuple[str, object]
) -> None:
    """The kind and every value in the body count; the order of keys does not."""
    same = [type_strict(value) for value in (first, second)]
    assert (request_hash(*first) == request_hash(*second)) is (same[0] == same[1])


def type_strict(value: object) -> object:
    """Return *value* so that ``1`` and ``True`` are different, as they are in JSON."""
    if isinstance(value, dict):
        return {key: type_strict(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [type_strict(inner) for inner in value]
    return (type(value).__name__, value)


def test_the_order_of_keys_is_no_difference() -> None:
    """A client may write its body as it likes."""
    assert request_hash("run", {"a": 1, "b": [2]}) == request_hash("run", {"b": [2], "a": 1})
    assert request_hash("run", {"a": [1, 2]}) != request_hash("run", {"a": [2, 1]})
    assert len(request_hash("run", None)) == 64


@pytest.mark.parametrize("state", ActivityState)
def test_done_failed_and_lapsed_are_ends(state: ActivityState) -> None:
    """What is settled is never picked up again; everything else is."""
    activity = Activity(
        id="act_1",
        organization_id="org_1",
        kind="run",
        principal_id="ses_1",
        request_key="k",
        request_hash="h",
        state=state,
        created_at=0,
    )
    ends = {"done", "failed", "lapsed"}
    assert activity.settled == int(state.value in ends)
    assert (state in SETTLED) is (state.value in ends)


def test_a_relayer_has_one_nonce_line_on_each_chain() -> None:
    """The line is what two processes must not both take from."""
    assert nonce_line_id("eip155:1", b"\x01" * 20) == "eip155:1/0x" + "01" * 20
