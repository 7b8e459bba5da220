"""RFC 8785, the JSON Canonicalization Scheme."""

from __future__ import annotations

from typing import Any

import rfc8785


def canonical_json(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """
    Return the one canonical UTF-8 form of *value*.

    Raises:
        ValueError: *value* has an integer beyond 2^53 - 1, a NaN, or is not a JSON value.

    Spec:
        RFC 8785.
    """
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise ValueError(str(error)) from None
