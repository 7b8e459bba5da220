"""RFC 9530: ``Content-Digest``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from valetkey.spec.content_digest import ContentDigestError, check_content_digest, content_digest

VECTORS: Final = json.loads((Path(__file__).parent / "vectors" / "rfc9530.json").read_text())


@pytest.mark.parametrize("vector", VECTORS["digests"], ids=lambda v: v["source"])
def test_a_digest_says_whether_the_body_is_the_one_that_was_sent(vector: dict[str, Any]) -> None:
    """Every digest that we know has to be right, whatever else stands beside it."""
    body = vector["body"].encode()
    assert check_content_digest(vector["header"], body) is vector["matches"]


def test_a_digest_is_written_as_the_standard_prints_it() -> None:
    """Section 2: the name of the algorithm, and base64 between colons."""
    for vector in VECTORS["digests"]:
        algorithm, _, digest = vector["header"].partition("=")
        if vector["matches"] and "," not in digest:
            body = vector["body"].encode()
            assert content_digest(body, algorithm=algorithm) == vector["header"]
    assert content_digest(b"") == VECTORS["digests"][2]["header"]


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda v: v["why"])
def test_a_digest_that_cannot_be_checked_is_refused(vector: dict[str, Any]) -> None:
    """Malformed, or only by algorithms that prove nothing: an error and not a false."""
    with pytest.raises(ContentDigestError, match="content-digest: expected"):
        check_content_digest(vector["header"], b"")


def test_only_algorithms_that_hold_are_written() -> None:
    """Section 6.6: md5 and sha-1 are broken."""
    for algorithm in ("md5", "sha", "SHA-256", ""):
        with pytest.raises(ContentDigestError, match="expected sha-256 or sha-512"):
            content_digest(b"", algorithm=algorithm)
