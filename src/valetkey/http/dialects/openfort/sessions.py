"""Sessions: asked for by a backend, signed by the owner, ended by the owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from valetkey.core.command import OpenSession
from valetkey.core.errors import ChainRejected, Code, ValetkeyError
from valetkey.core.ids import Prefix
from valetkey.core.organization import Organization, User
from valetkey.core.principal import Access
from valetkey.core.scope import Scope
from valetkey.core.session import Proof, Session
from valetkey.core.surface import Surface
from valetkey.flows.gate import expect_reach, present
from valetkey.flows.open_session import open_session
from valetkey.flows.opening import opened_by
from valetkey.flows.reached import account_to_read, own_user
from valetkey.flows.record import earlier, part_of
from valetkey.flows.register import register
from valetkey.flows.stop import revoke
from valetkey.http.dialects.openfort import ids
from valetkey.http.dialects.openfort.chains import ChainId, chain_of
from valetkey.http.dialects.openfort.lists import Part, Window, part, sifted
from valetkey.http.dialects.openfort.meaning import Frame, Wanted, permission_of
from valetkey.http.dialects.openfort.session_json import Expand, SessionJson, write_session
from valetkey.http.dialects.openfort.session_keys import expect_new_key, same_waiting
from valetkey.http.dialects.openfort.whose import Whose, account_for, expect_not_kept
from valetkey.http.routes import SECRET_OR_SESSION, Ask, NoQuery, Read, Route, Write
from valetkey.wire.base import read_address

if TYPE_CHECKING:
    from valetkey.core.permission.model import Permission
    from valetkey.core.principal import Principal
    from valetkey.core.wallet import Account
    from valetkey.flows.register import Registered
    from valetkey.http.admitted import Admitted
    from valetkey.http.sight import Reads
    from valetkey.ports import View

PATH: Final = "/v1/sessions"
OF_PLAYER: Final = "/v1/players/{player}/sessions"


class Create(Struct, frozen=True, rename="camel"):
    """
    A session to open.

    Args:
        address: Of the session key.
        valid_after, valid_until: First and last valid second; 0 in *valid_after* is now.
        account, player: Whose; a player has the account on that chain.
        whitelist: What it may call; nothing or none is any contract.
        limit: How many calls it may make; none is any number.
        policy: What is to pay for putting it on chain; none is the organization's fund.
        external_owner_address: Who owns the account, if the player has none there yet.
        optimistic: Looked past: what is answered is what is known.
    """

    address: str
    chain_id: ChainId
    valid_after: int
    valid_until: int
    account: str | None = None
    player: str | None = None
    whitelist: list[str] | None = None
    limit: int | None = None
    policy: str | None = None
    external_owner_address: str | None = None
    optimistic: bool | None = None


class Sessions(Window, frozen=True, kw_only=True):
    """Whose sessions."""

    player: str
    expand: list[Expand] = field(default_factory=list)


class OfPlayer(Window, frozen=True, kw_only=True):
    """Which of a player's sessions."""

    expand: list[Expand] = field(default_factory=list)


class One(Struct, frozen=True, kw_only=True):
    """What of a session is shown in whole."""

    expand: list[Expand] = field(default_factory=list)


async def _create(admitted: Admitted, ask: Ask[Create, NoQuery]) -> SessionJson:
    world, principal, request = admitted.world, admitted.principal, admitted.request
    before = await world.store.read(lambda view: opened_by(view, earlier(view, principal, request)))
    if before is None:
        command = await _command(admitted, ask.body)
        again = await world.store.read(lambda view: same_waiting(world, view, command))
        if again is not None:  # clients ask again by themselves, without saying so
            return await answered(admitted.reads, again)
        before = await open_session(world, principal, request, command)
    session = before.session
    if session.grant and session.grant.owner_signature:  # this server has the owner's key
        session = await _registered(admitted, session)
    return await answered(admitted.reads, session)


async def _registered(admitted: Admitted, session: Session) -> Session:
    """Return a session that this server has signed, on chain; what is refused there is ended."""
    world, principal, request = admitted.world, admitted.principal, admitted.request
    part = part_of(request, "register")
    try:
        done = await register(world, principal, part, session_id=session.id)
        expect_registered(done)
    except ValetkeyError:
        await revoke(world, principal, part_of(request, "end"), session_id=session.id)
        raise
    return done.session


async def _command(admitted: Admitted, body: Create) -> OpenSession:
    """Return what *body* asks for, as any session is asked for."""
    chain = chain_of(admitted.world.chains, body.chain_id)
    key = read_address(body.address, "address")
    whose = Whose(chain, body.account, body.player, body.external_owner_address)
    account = await account_for(admitted, whose)
    await admitted.world.store.read(lambda view: expect_not_kept(view, admitted.principal, account))
    wide = await admitted.world.store.read(lambda view: _is_wide(view, account))
    permission = await _permission(admitted, body, account, as_vendor=wide)
    await admitted.world.store.read(lambda view: expect_new_key(admitted.world, view, account, key))
    return OpenSession(
        proof=Proof.CHAIN,
        access=Access.WRITE,
        user_id=None,
        account_id=account.id,
        key=None,
        key_address=key,
        permission=permission,
        starts_at=permission.starts_at,
        expires_at=permission.expires_at,
        idle_s=None,
        label="",
        device="",
        shares_key=wide,
        surface=Surface.OPENFORT,
        sponsorship_id=policy_of(body.policy),
    )


async def _permission(
    admitted: Admitted, body: Create, account: Account, *, as_vendor: bool
) -> Permission:
    world, see = admitted.world, admitted.reads
    await see.refresh_payers()
    chain = world.chain(account.chain)
    frame = Frame(
        now=world.clock.now(),
        chain_now=(await chain.head()).at,
        max_session_s=world.bounds.max_session_s,
        relayer=world.relayer_address,
        never=frozenset({*account.own, chain.implementation}),
        as_vendor=as_vendor,
    )
    listed = body.whitelist or []
    wanted = Wanted(
        chain=account.chain,
        whitelist=tuple(read_address(one, f"whitelist[{at}]") for at, one in enumerate(listed)),
        limit=body.limit,
        valid_after=body.valid_after,
        valid_until=body.valid_until,
    )
    return permission_of(wanted, frame)


def _is_wide(view: View, account: Account) -> bool:
    """Say whether sessions of the organization are as wide as the vendor's."""
    own = present(view.get(Organization, account.organization_id), "organization")
    return Surface.OPENFORT in own.vendor_meaning


def policy_of(text: str | None) -> str | None:
    """Return our id of the sponsorship that *text* names, None if it names none."""
    if not text:
        return None
    return ids.native(text, Prefix.SPONSORSHIP, "pol_", field="policy")


async def answered(see: Reads, session: Session, *, expand: bool = False) -> SessionJson:
    """Return *session* as it is answered."""
    return await see.store.read(lambda view: write_session(see, view, session, expand=expand))


def expect_registered(done: Registered) -> None:
    """
    Let pass what is on its chain, or on its way there.

    Raises:
        ChainRejected: The chain refused it; the owner may sign again.
    """
    outcome = done.activity.outcome
    if outcome is not None and not outcome.succeeded:
        code = Code(outcome.code or Code.CHAIN_REJECTED)
        raise ChainRejected(code, f"the session was not registered: {outcome.detail}")


def session_id_of(text: str, where: str = "id") -> str:
    """Return our id of the session that *text* names."""
    return ids.native(text, Prefix.SESSION, ids.SESSION, field=where)


def is_shown(session: Session) -> bool:
    """Say whether *session* is one of this surface's, and not a player's own log-in."""
    return session.surface is Surface.OPENFORT and session.grant is not None


async def _get(see: Reads, principal: Principal, ask: Ask[None, One]) -> SessionJson:
    session_id = session_id_of(ask.id)

    def body(view: View) -> SessionJson:
        session = present(view.get(Session, session_id), "session")
        if not is_shown(session):
            return present(None, "session")
        account_to_read(view, principal, session.account_id or "")
        return write_session(see, view, session, expand="transactionIntents" in ask.query.expand)

    return await see.store.read(body)


async def _list(see: Reads, principal: Principal, ask: Ask[None, Sessions]) -> Part[SessionJson]:
    return await _listed(see, principal, ask.query.player, ask.query, ask.query.expand)


async def _of_player(
    see: Reads, principal: Principal, ask: Ask[None, OfPlayer]
) -> Part[SessionJson]:
    return await _listed(see, principal, ask.id, ask.query, ask.query.expand)


async def _listed(
    see: Reads, principal: Principal, player: str, window: Window, expand: list[Expand]
) -> Part[SessionJson]:
    user_id = ids.native(player, Prefix.USER, ids.PLAYER, field="player")
    whole = "transactionIntents" in expand

    def body(view: View) -> Part[SessionJson]:
        user = present(view.get(User, user_id), "player")
        expect_reach(view, principal, user.organization_id, "player")
        if own_user(view, principal) not in {None, user_id}:
            return present(None, "player")
        found, total = sifted(view, Session, {"user_id": user_id}, window, is_shown)
        shown = [write_session(see, view, one, expand=whole) for one in found]
        return part(PATH, shown, window, total)

    return await see.store.read(body)


ROUTES: Final[tuple[Route, ...]] = (
    Write(
        method="POST",
        path=PATH,
        who=SECRET_OR_SESSION,
        scope=Scope.SESSIONS_OPEN,
        summary="Open a session; its owner signs what nextAction says",
        body=Create,
        answer=SessionJson,
        handle=_create,
    ),
    Read(
        method="GET",
        path=PATH,
        who=SECRET_OR_SESSION,
        scope=Scope.READ,
        summary="List sessions of a player",
        query=Sessions,
        answer=Part[SessionJson],
        handle=_list,
    ),
    Read(
        method="GET",
        path=f"{PATH}/{{session}}",
        who=SECRET_OR_SESSION,
        scope=Scope.READ,
        summary="Show a session",
        query=One,
        answer=SessionJson,
        handle=_get,
    ),
    Read(
        method="GET",
        path=OF_PLAYER,
        who=SECRET_OR_SESSION,
        scope=Scope.READ,
        summary="List sessions of a player",
        query=OfPlayer,
        answer=Part[SessionJson],
        handle=_of_player,
    ),
)
