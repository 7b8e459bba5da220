"""What an API key of a vendor's surface opens: looked at, and set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.credential import Credential
from valetkey.core.errors import Code, Conflict
from valetkey.core.scope import Scope
from valetkey.core.surface import Surface
from valetkey.core.terms import Terms, check_terms
from valetkey.flows.gate import expect_reach, expect_scope, present
from valetkey.flows.record import admit, begin, write_down

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.flows.sight import Sight
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View


async def terms(world: Sight, principal: Principal, *, credential_id: str) -> Terms:
    """Return what an API key opens."""
    expect_scope(principal, Scope.READ)

    def body(view: View) -> Terms:
        credential = present(view.get(Credential, credential_id), "credential")
        expect_reach(view, principal, credential.organization_id, "credential")
        known = view.get(Terms, credential_id)
        return known or Terms(credential_id, credential.organization_id)

    return await world.store.read(body)


async def set_terms(world: World, principal: Principal, request: Request, wanted: Terms) -> Terms:
    """
    Return what an API key opens from now on. Sessions that are open keep what they have.

    Args:
        wanted: Its organization is not looked at: it is the credential's.

    Raises:
        Malformed: A time is out of its bounds.
        Conflict: The credential is one of our own surface, whose sessions say all that themselves.
    """
    expect_scope(principal, Scope.CREDENTIALS_WRITE)
    check_terms(wanted)

    def body(tx: Tx) -> Terms:
        credential = present(tx.get(Credential, wanted.id), "credential")
        owner = credential.organization_id
        expect_reach(tx, principal, owner, "credential", widens=True)
        if credential.surface is Surface.NATIVE:
            detail = "expected a key of a vendor's surface, got one of the native API"
            raise Conflict(Code.CONFLICT, detail)
        if admit(world, tx, principal, request) is not None:
            return present(tx.get(Terms, wanted.id), "terms")
        made = Terms(wanted.id, owner, wanted.idle_s, wanted.most_s, wanted.reviews)
        tx.put(made)
        activity = begin(
            world,
            principal,
            request,
            "credential:set_terms",
            organization_id=owner,
            subject_id=wanted.id,
        )
        facts = {"idle_s": str(made.idle_s), "most_s": str(made.most_s)}
        write_down(world, tx, activity, "credential:terms_set", **facts, reviews=str(made.reviews))
        return made

    return await world.store.write(body)
