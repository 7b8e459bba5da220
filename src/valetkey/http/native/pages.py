"""Lists: where a page starts, how long it is, and whose things are listed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

from msgspec import Meta, Struct

from valetkey.core.errors import Code, Malformed
from valetkey.core.ids import Prefix, check_id
from valetkey.flows.scan import Part
from valetkey.wire.base import MAX_PAGE, Page, page_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from valetkey.core.principal import Principal

Limit = Annotated[int, Meta(ge=1, le=MAX_PAGE, description="Most items in the page.")]
Cursor = Annotated[str, Meta(max_length=256, description="`next` of the page before.")]
Owner = Annotated[str, Meta(description="A child organization; left out: the caller's own.")]
Order = Annotated[Literal["newest", "oldest"], Meta(description="What comes first.")]
_LINE: Final = re.compile(r"[0-9]{12}")  # of the audit log, behind the organization
_BUDGET: Final = re.compile(r"[a-z]{3}_[0-9a-z]{24}(:[a-z]+)?/[0-9a-z]+/[0-9]+")
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


def cursor_of(query: Paged, prefix: Prefix) -> str:
    """
    Return where the page begins.

    Raises:
        Malformed: It is no place in such a list.
    """
    if not query.after:
        return ""
    try:
        return check_id(query.after, prefix)
    except Malformed:
        raise foreign_cursor(query.after) from None


def line_cursor(after: str, organization_id: str) -> str:
    """
    Return where a page of the audit log of that organization begins.

    Raises:
        Malformed: It is no place in that log.
    """
    owner, _, line = after.partition("/")
    if after and (owner != organization_id or not _LINE.fullmatch(line)):
        raise foreign_cursor(after)
    return after


def budget_cursor(after: str) -> str:
    """
    Return where a page of budgets begins.

    Raises:
        Malformed: It is no place in such a list.
    """
    if after and not _BUDGET.fullmatch(after):
        raise foreign_cursor(after)
    return after


def foreign_cursor(got: str) -> Malformed:
    """Return the error for a cursor that is from elsewhere."""
    detail = f"after: expected `next` of a page of this list, got {got[:60]!r}"
    return Malformed(Code.MALFORMED_REQUEST, detail)


def part_of(query: Paged, after: str, order: str) -> Part:
    """Return which part of a list is asked for."""
    return Part(after=after, limit=query.limit, newest_first=order == "newest")


def page(found: Sequence[Any], write: Callable[[Any], T], query: Paged) -> Page[T]:
    """Return what was found as a page."""
    last_id = found[-1].id if found else None
    return page_of(map(write, found), limit=query.limit, last_id=last_id)
