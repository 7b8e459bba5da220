"""An organization and all below it, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.organization import MAX_LEVELS, Organization
from valetkey.flows.gate import present

if TYPE_CHECKING:
    from valetkey.ports import View


def next_below(view: View, root_id: str, at_id: str) -> str | None:
    """
    Return the organization that comes after *at_id* among *root_id* and all below it.

    Parents come before their children, and siblings in the order in which they were opened.

    Args:
        at_id: *root_id*, or below it.
    """
    first = view.find(Organization, parent_id=at_id, limit=1)
    if first:
        return first[0].id
    at = at_id
    for _ in range(MAX_LEVELS + 1):
        if at == root_id:
            return None
        parent_id = present(view.get(Organization, at), "organization").parent_id
        siblings = view.find(Organization, parent_id=parent_id, after=at, limit=1)
        if siblings:
            return siblings[0].id
        at = parent_id or root_id
    return None


def is_within(view: View, root_id: str, organization_id: str) -> bool:
    """Say whether an organization is *root_id* or below it."""
    at: str | None = organization_id
    for _ in range(MAX_LEVELS + 1):
        if at == root_id:
            return True
        found = view.get(Organization, at) if at else None
        at = found.parent_id if found else None
    return False
