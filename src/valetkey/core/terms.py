"""What sessions are like that clients open with an API key of a vendor's surface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from valetkey.core.errors import Code, Malformed
from valetkey.core.units import DAY_S

LEAST_S: Final = 60
MOST_S: Final = 30 * DAY_S
DEFAULT_S: Final = 1800


@dataclass(frozen=True, slots=True)
class Terms:
    """
    What an API key opens. ``id`` is the credential's.

    Args:
        idle_s: A session ends when it was not used for so long; each use begins it anew.
        most_s: And in any case after so long.
        reviews: Whether its user confirms each signature on a page of ours.
    """

    id: str
    organization_id: str
    idle_s: int = DEFAULT_S
    most_s: int = MOST_S
    reviews: bool = False


def check_terms(terms: Terms) -> Terms:
    """
    Return *terms* if both times are within their bounds.

    Raises:
        Malformed: One is not.
    """
    for name, got in (("idle_s", terms.idle_s), ("most_s", terms.most_s)):
        if not LEAST_S <= got <= MOST_S:
            detail = f"{name}: expected {LEAST_S} to {MOST_S} seconds, got {got}"
            raise Malformed(Code.MALFORMED_BODY, detail)
    if terms.most_s < terms.idle_s:
        detail = f"most_s: expected at least idle_s, which is {terms.idle_s}, got {terms.most_s}"
        raise Malformed(Code.MALFORMED_BODY, detail)
    return terms
