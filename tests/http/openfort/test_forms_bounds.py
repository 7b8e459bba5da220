"""How long a form and a list in it may be."""

from __future__ import annotations

import pytest

from tests.http.openfort.test_forms import query, read
from valetkey.core.errors import Malformed
from valetkey.http.dialects.openfort.forms import MAX_INDEX, MAX_PAIRS


def test_a_list_has_indices_up_to_a_hundred() -> None:
    """One more is refused though none is left out, in a body and in a query."""
    every = [f"whitelist[{at}]=a" for at in range(MAX_INDEX + 2)]
    assert read("&".join(every[:-1])).whitelist == ["a"] * (MAX_INDEX + 1)
    with pytest.raises(Malformed, match="expected indices up to 100, got 101") as refused:
        read("&".join(every))
    assert refused.value.facts.get("field") == "whitelist"
    with pytest.raises(Malformed, match="expected indices up to 100, got 101"):
        query("&".join(every).replace("whitelist", "expand"))


def test_more_pairs_than_there_may_be_are_refused() -> None:
    """Whatever they say."""
    assert len(read("&".join(["whitelist=a"] * MAX_PAIRS)).whitelist) == MAX_PAIRS
    with pytest.raises(Malformed, match=f"expected at most {MAX_PAIRS} of name=value, got"):
        read("&".join(["whitelist=a"] * (MAX_PAIRS + 1)))
