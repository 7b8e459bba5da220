"""A person shows with a one-time code that an address is theirs, and their client has a session."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from valetkey.core.activity import Request, request_hash
from valetkey.core.contact import Contact, contact_id, count_code, read_email
from valetkey.core.credential import Credential
from valetkey.core.errors import Code, Unauthenticated, ValetkeyError
from valetkey.core.ids import Prefix
from valetkey.core.one_time_code import ENTROPY_BYTES, make_code, new_code, try_code
from valetkey.core.organization import Organization, User
from valetkey.core.principal import Access, Principal, PrincipalKind
from valetkey.core.quota import Quota
from valetkey.core.visit import Visit, visit_id
from valetkey.flows.client_session import key_principal, open_client_session
from valetkey.flows.counts import count_one
from valetkey.flows.gate import present
from valetkey.flows.holder import refused
from valetkey.flows.record import begin, refuse_moved, write_down
from valetkey.flows.stop import close
from valetkey.ports import CodeMessage

if TYPE_CHECKING:
    from valetkey.core.session import Session
    from valetkey.core.surface import Surface
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

LABEL: Final = "log-in with a one-time code"


@dataclass(frozen=True, slots=True)
class Asked:
    """
    A code that was sent.

    Args:
        user_id: Whose the address is, or will be when the code is entered.
        is_known: Whether somebody has proven the address before.
    """

    address: str
    user_id: str
    is_known: bool


async def ask_for_code(world: World, *, lookup: str, email: str) -> Asked:
    """
    Send a one-time code to the address that a client says its user has.

    The code is for this client alone. Any before it is refused from now on.

    Args:
        lookup: The client's lookup id, which is in its cookie: see `visits.look`.

    Raises:
        Malformed: It is no address.
        Unauthenticated, Forbidden: The key that the client came with is shut out.
        Limited: Too many codes were sent there.
        Unavailable: The code could not be handed on; it is not in use then.
    """
    address, now = read_email(email), world.clock.now()
    new_id = world.new_id(Prefix.USER)
    code = make_code(world.entropy.take(ENTROPY_BYTES))
    kept = new_code(code, key=lookup, now=now)

    def body(tx: Tx) -> tuple[Asked, Organization]:
        visit = _visit(tx, lookup, now=now)
        _expect_key(tx, visit)
        owner = visit.organization_id
        known = tx.get(Contact, contact_id(owner, address))
        known = known or Contact(contact_id(owner, address), owner, address, None)
        contact = count_code(known, now=now)
        tx.put(contact)
        user_id = contact.user_id or new_id
        tx.put(replace(visit, address=address, code=kept, user_id=user_id))
        asked = Asked(address, user_id, contact.user_id is not None)
        return asked, present(tx.get(Organization, owner), "organization")

    asked, organization = await world.store.write(body)
    about = f"log in to {organization.name}"
    await world.messenger.send(CodeMessage(organization.id, address, code, about, kept.expires_at))
    return asked


async def ask_again(world: World, *, lookup: str) -> Asked:
    """Send another code to the address that a client has named before; see `ask_for_code`."""
    now = world.clock.now()
    address = await world.store.read(lambda view: _visit(view, lookup, now=now).address)
    if address is None:
        raise _unknown()
    return await ask_for_code(world, lookup=lookup, email=address)


async def log_in(
    world: World, *, lookup: str, code: str, surface: Surface, device_key: str | None = None
) -> Session:
    """
    Return the session that a client has from now on, whose user has entered *code*.

    1. the code is the one that was sent, and is used up; 2. whoever has the address is the user,
    known or new; 3. an ordinary session, as the API key of the client has it.

    It has no token yet: the client's cookie is older than it, and is renewed when it is shown next
    (`visits.look`). A session that the client had before is closed.

    Args:
        device_key: What the shares that its user left here are to be sealed for, in the form that
            the surface has.

    Raises:
        Unauthenticated: The code is refused; a try is counted. Or the key is shut out.
        Forbidden: The organization acts on another server now.
        Limited: There are too many users or sessions.
    """
    now = world.clock.now()

    def body(tx: Tx) -> tuple[Session, str | None] | ValetkeyError:
        visit = tx.get(Visit, visit_id(lookup))
        if visit is None or now >= visit.forget_at or visit.address is None:
            return _unknown()
        _expect_key(tx, visit)
        left, wrong = try_code(visit.code, code, key=lookup, now=now)  # 1
        visit = replace(visit, code=left)
        tx.put(visit)
        if wrong is not None:
            return wrong  # and not raised: the try stays counted
        user_id = _user_of(world, tx, visit)  # 2
        session = _open(world, tx, visit, user_id, surface)  # 3
        now_in = replace(visit, user_id=user_id, session_id=session.id, before=None)
        tx.put(replace(now_in, device_key=device_key, forget_at=session.expires_at))
        return session, visit.session_id

    found = await world.store.write(body)
    if isinstance(found, ValetkeyError):
        raise found
    session, before = found
    if before is not None:
        holder = Principal(PrincipalKind.SESSION, session.organization_id, before, Access.READ)
        request_id = world.new_id(Prefix.REQUEST)
        await close(world, holder, Request(request_id, request_hash("log_in", session.id)))
    return session


def _visit(view: View, lookup: str, *, now: int) -> Visit:
    visit = view.get(Visit, visit_id(lookup))
    if visit is None or now >= visit.forget_at:
        raise _unknown()
    return visit


def _expect_key(view: View, visit: Visit) -> None:
    """
    Let pass a client that has come with a key which is still in use, here.

    Raises:
        Unauthenticated: It was revoked meanwhile.
        Forbidden: The organization acts on another server now.
    """
    key = view.get(Credential, visit.credential_id)
    if key is None or key.revoked_at is not None:
        raise refused("revoked")
    refuse_moved(view, visit.organization_id)


def _unknown() -> Unauthenticated:
    return Unauthenticated(Code.CODE_REFUSED, "expected the code of a log-in that was begun")


def _key_of(visit: Visit) -> Principal:
    return key_principal(visit.organization_id, visit.credential_id)


def _request(world: World, name: str, visit: Visit) -> Request:
    return Request(world.new_id(Prefix.REQUEST), request_hash(name, {"visit": visit.id}))


def _user_of(world: World, tx: Tx, visit: Visit) -> str:
    owner = visit.organization_id
    contact = present(tx.get(Contact, contact_id(owner, visit.address or "")), "contact")
    if contact.user_id is not None:
        return contact.user_id
    now = world.clock.now()
    user = User(visit.user_id or world.new_id(Prefix.USER), owner, contact.address, now)
    count_one(world, tx, owner, Quota.USERS)
    tx.add(user)
    tx.put(replace(contact, user_id=user.id))
    request = _request(world, "user:add", visit)
    activity = begin(
        world,
        _key_of(visit),
        request,
        "user:add",
        organization_id=owner,
        subject_id=user.id,
    )
    write_down(world, tx, activity, "user:added")
    return user.id


def _open(world: World, tx: Tx, visit: Visit, user_id: str, surface: Surface) -> Session:
    request = _request(world, "session:open", visit)
    return open_client_session(
        world, tx, _key_of(visit), request, user_id=user_id, surface=surface, label=LABEL
    )
