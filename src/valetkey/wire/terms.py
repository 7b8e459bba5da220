"""What an API key of a vendor's surface opens, as JSON."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from valetkey.core import terms as core
from valetkey.wire.base import Asked, Told

Life = Annotated[int, Meta(ge=core.LEAST_S, le=core.MOST_S)]


class SetTerms(Asked, frozen=True, kw_only=True):
    """
    What sessions are like that clients open with an API key from now on.

    Args:
        idle_s: One ends when it was not used for so long; each use begins it anew.
        most_s: And in any case after so long.
        reviews: Whether its user confirms each signature on a page of ours, with a one-time code.
    """

    idle_s: Life = core.DEFAULT_S
    most_s: Life = core.MOST_S
    reviews: bool = False


class Terms(Told, frozen=True, kw_only=True):
    """What sessions are like that clients open with an API key; see `SetTerms`."""

    credential_id: str
    idle_s: int
    most_s: int
    reviews: bool


def write_terms(terms: core.Terms) -> Terms:
    """Return *terms* as they are answered."""
    return Terms(
        credential_id=terms.id,
        idle_s=terms.idle_s,
        most_s=terms.most_s,
        reviews=terms.reviews,
    )
