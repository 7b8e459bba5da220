"""The session that a user's client gets when they log in on a vendor's surface."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.ids import Prefix
from valetkey.core.permission.decide import Spent
from valetkey.core.principal import Access, Principal, PrincipalKind
from valetkey.core.session import Proof, Session, State, Usage
from valetkey.core.terms import Terms
from valetkey.core.token import fingerprint
from valetkey.flows.opening import write_opened

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.surface import Surface
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View


def key_principal(organization_id: str, credential_id: str) -> Principal:
    """Return whom the publishable key that a client came with proves."""
    return Principal(PrincipalKind.PUBLISHABLE, organization_id, credential_id, Access.READ)


def terms_of_key(view: View, key: Principal) -> Terms:
    """Return what a publishable key opens."""
    known = view.get(Terms, key.subject_id)
    return known or Terms(key.subject_id, key.organization_id)


def open_client_session(
    world: World,
    tx: Tx,
    key: Principal,
    request: Request,
    *,
    user_id: str,
    surface: Surface,
    label: str,
    token: str | None = None,
) -> Session:
    """
    Return the session of a user's client: ordinary, with the times that *key* has.

    Args:
        key: The publishable key that the client came with.
        token: What proves it from now on; None if something else does.

    Raises:
        Limited: Too many sessions are open.
    """
    terms, now = terms_of_key(tx, key), world.clock.now()
    session = Session(
        id=world.new_id(Prefix.SESSION),
        organization_id=key.organization_id,
        user_id=user_id,
        wallet_id=None,
        account_id=None,
        proof=Proof.BEARER,
        access=Access.WRITE,
        state=State.OPEN,
        label=label,
        device="",
        created_at=now,
        starts_at=now,
        expires_at=now + min(terms.most_s, world.bounds.max_session_s),
        idle_s=terms.idle_s,
        fingerprint=fingerprint(token) if token else None,
        key=None,
        permission=None,
        permission_id=None,
        owner_key=None,
        grant=None,
        surface=surface,
    )
    usage = Usage(session.id, now, Spent(0, ()))
    write_opened(world, tx, key, request, (session, usage))
    return session
