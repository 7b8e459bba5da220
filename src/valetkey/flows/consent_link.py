"""Links to the consent of a pending session: made, renewed, and what may be seen through one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from valetkey.core.consent_link import ConsentLink
from valetkey.core.errors import Code, Conflict
from valetkey.core.ids import Prefix
from valetkey.core.organization import Organization
from valetkey.core.principal import PrincipalKind
from valetkey.core.session import Session, State, Usage, state_of
from valetkey.core.token import TOKEN_BYTES, TokenPrefix, fingerprint, make_token
from valetkey.core.wallet import Account, OwnerKey
from valetkey.flows.gate import expect_reach, expect_secret, present
from valetkey.flows.record import admit, begin, write_down

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.grant import Grant
    from valetkey.core.permission.model import Permission
    from valetkey.core.principal import Principal
    from valetkey.flows.sight import Sight
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View


@dataclass(frozen=True, slots=True)
class Linked:
    """
    What a link leads to.

    Args:
        grant, permission: Of the session, which has both.
        organization: Who asks the owner.
    """

    link: ConsentLink
    session: Session
    grant: Grant
    permission: Permission
    account: Account
    organization: Organization


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link, and its token, shown this once; None when the request is repeated."""

    link: ConsentLink
    token: str | None


def write_link(world: World, tx: Tx, session: Session) -> str | None:
    """
    Return the token of a new link to the consent of *session*; any before stops working.

    None if nobody outside has to sign it.
    """
    if session.state is not State.PENDING or session.owner_key is not OwnerKey.OUTSIDE:
        return None
    _, token = _write(world, tx, session)
    return token


def _write(world: World, tx: Tx, session: Session) -> tuple[ConsentLink, str]:
    for before in tx.find(ConsentLink, session_id=session.id):
        tx.drop(ConsentLink, before.id)
    token = make_token(TokenPrefix.CONSENT_LINK, world.entropy.take(TOKEN_BYTES))
    link = ConsentLink(
        id=world.new_id(Prefix.CONSENT_LINK),
        organization_id=session.organization_id,
        session_id=session.id,
        fingerprint=fingerprint(token),
        expires_at=min(world.clock.now() + world.bounds.consent_link_s, session.expires_at),
    )
    tx.add(link)
    return link, token


async def renew_link(
    world: World, principal: Principal, request: Request, *, session_id: str
) -> NewLink:
    """
    Return a new link to the consent of a pending session; the one before stops working.

    Raises:
        Conflict: The session waits for nobody, or not for an owner whose key is outside.
    """
    expect_secret(principal)

    def body(tx: Tx) -> NewLink:
        session = present(tx.get(Session, session_id), "session")
        expect_reach(tx, principal, session.organization_id, "session", widens=True)
        if admit(world, tx, principal, request) is not None:
            links = tx.find(ConsentLink, session_id=session_id)
            return NewLink(present(links[0] if links else None, "link"), None)
        _expect_pending(world, tx, session)
        if session.owner_key is not OwnerKey.OUTSIDE:
            detail = f"expected an owner's key that is outside, got one that is {session.owner_key}"
            raise Conflict(Code.SESSION_STATE, detail)
        link, token = _write(world, tx, session)
        owner = session.organization_id
        activity = begin(
            world,
            principal,
            request,
            "session:renew_link",
            organization_id=owner,
            subject_id=session.id,
        )
        write_down(world, tx, activity, "session:link_renewed", link_id=link.id)
        return NewLink(link, token)

    return await world.store.write(body)


async def linked(world: Sight, principal: Principal) -> Linked:
    """
    Return what the link that asks leads to.

    Raises:
        NotFound: The principal is no link, or one that was replaced a moment ago.
        Conflict: The session does not wait for its owner any more.
    """

    def facts(view: View) -> Linked:
        link = _link_of(view, principal)
        session = present(view.get(Session, link.session_id), "session")
        _expect_pending(world, view, session)
        account = present(view.get(Account, session.account_id or ""), "account")
        owner = present(view.get(Organization, session.organization_id), "organization")
        granted = present(session.grant, "grant")
        permission = present(session.permission, "permission")
        return Linked(link, session, granted, permission, account, owner)

    return await world.store.read(facts)


async def session_id_of(world: Sight, principal: Principal) -> str:
    """Return the session that the link which asks leads to, whatever has become of it."""
    link = await world.store.read(lambda view: _link_of(view, principal))
    return link.session_id


def expect_link_to(view: View, principal: Principal, session_id: str) -> None:
    """
    Let pass who has the link to that session.

    Raises:
        NotFound: It leads to another one, or was replaced.
    """
    if _link_of(view, principal).session_id != session_id:
        present(None, "session")


def _link_of(view: View, principal: Principal) -> ConsentLink:
    is_link = principal.kind is PrincipalKind.LINK
    return present(view.get(ConsentLink, principal.subject_id) if is_link else None, "link")


def _expect_pending(world: Sight, view: View, session: Session) -> None:
    usage = present(view.get(Usage, session.id), "session")
    state = state_of(session, usage, now=world.clock.now())
    if state is not State.PENDING:
        detail = f"expected a pending session, got one that is {state}"
        raise Conflict(Code.SESSION_STATE, detail, state=state.value)
