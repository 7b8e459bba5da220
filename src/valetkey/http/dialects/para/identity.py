"""Who a user is to an integrator: the address that they have proven."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from valetkey.core.contact import Contact
from valetkey.flows.gate import present

if TYPE_CHECKING:
    from valetkey.http.sight import Reads


class Identity(Struct, frozen=True, rename="camel"):
    """What a user has proven."""

    auth_type: Literal["email"]
    identifier: str


async def identity_of(see: Reads, user_id: str) -> Identity:
    """Return what the user called *user_id* has proven."""
    found = await see.store.read(lambda view: view.find(Contact, user_id=user_id, limit=1))
    return Identity("email", present(found[0] if found else None, "user").address)
