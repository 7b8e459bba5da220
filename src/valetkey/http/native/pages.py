"""Lists: where a page starts, how long it is, and whose things are listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from msgspec import Meta, Struct

from valetkey.core.ids import Prefix, check_id
from valetkey.wire.base import MAX_PAGE, Page, page_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from valetkey.core.principal import Principal

Limit = Annotated[int, Meta(ge=1, le=MAX_PAGE, description="Most items in the page.")]
Cursor = Annotated[str, Meta(max_length=256, description="`next` of the page before.")]
Owner = Annotated[str, Meta(description="A child organization; left out: the caller's own.")]
T = TypeVar("T")


class Paged(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which page."""

    after: Cursor = ""
    limit: Limit = MAX_PAGE


class OwnedPage(Paged, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which page of whose things."""

    organization_id: Owner | None = None


def owner_of(principal: Principal, organization_id: str | None) -> str:
    """
    Return whose things are asked for: the principal's own unless the query says otherwise.

    Raises:
        Malformed: *organization_id* is no id of an organization.
    """
    if organization_id is None:
        return principal.organization_id
    return check_id(organization_id, Prefix.ORGANIZATION)


def page(found: Sequence[Any], write: Callable[[Any], T], query: Paged) -> Page[T]:
    """Return what was found as a page."""
    last_id = found[-1].id if found else None
    return page_of(map(write, found), limit=query.limit, last_id=last_id)
