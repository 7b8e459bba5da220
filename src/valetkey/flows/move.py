"""An organization leaves this server, with all that stands below it, or arrives from another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from valetkey.core.activity import Activity
from valetkey.core.approval import NamedSpender
from valetkey.core.asked_revocation import AskedRevocation
from valetkey.core.audit import AuditHead, AuditLine
from valetkey.core.budget import BudgetLine, Hold, Reservation, ReservationState
from valetkey.core.child_session import OVER, Branch
from valetkey.core.consent_link import ConsentLink
from valetkey.core.contact import Contact
from valetkey.core.contract import Contract
from valetkey.core.credential import Credential
from valetkey.core.custody import SplitKey
from valetkey.core.errors import Code, Conflict
from valetkey.core.identity import Identity, IdentityProvider
from valetkey.core.kept_secret import KeptSecret
from valetkey.core.locked_key import LockedKey
from valetkey.core.organization import Organization, User
from valetkey.core.pin import PinBlob
from valetkey.core.pregenerated import Pregenerated
from valetkey.core.profile import Profile
from valetkey.core.quota import OpenMark, Quota, Tally, tally_id
from valetkey.core.session import Session, State, Usage, Watch
from valetkey.core.share_pair import SharePair
from valetkey.core.sponsoring import Rulebook, Sponsorship, SponsorshipRule
from valetkey.core.terms import Terms
from valetkey.core.wallet import Account, SealedKey, Wallet
from valetkey.core.webhook import Delivery, TurnState, Waiting, Webhook
from valetkey.flows.gate import present
from valetkey.flows.grant import owner_key_of
from valetkey.flows.outbox import drop_turn, set_turn
from valetkey.flows.record import audit
from valetkey.flows.rewrap import SEALED, renewed_of
from valetkey.ports import MAX_FOUND

if TYPE_CHECKING:
    from valetkey.core.archive import Archive
    from valetkey.flows.world import World
    from valetkey.ports import Tx, Value, View

Entities = dict[type, list[Any]]
OPERATOR: Final = "operator"
OWNED: Final[tuple[type, ...]] = (
    *(
        User,
        Credential,
        Wallet,
        Account,
        SealedKey,
        SplitKey,
        PinBlob,
        SharePair,
        Session,
        Activity,
        Reservation,
    ),
    *(
        BudgetLine,
        AuditLine,
        Webhook,
        Delivery,
        OpenMark,
        Contact,
        Terms,
        KeptSecret,
        Pregenerated,
        Profile,
        Contract,
        AskedRevocation,
    ),
    *(Sponsorship, SponsorshipRule, Rulebook),
    *(IdentityProvider, Identity, LockedKey),
)
OF_SESSION: Final[tuple[type, ...]] = (Watch, ConsentLink, Hold, NamedSpender)
MOVED: Final[tuple[type, ...]] = (
    *(Organization, *OWNED, AuditHead, Branch, Usage, *OF_SESSION, Waiting, Tally),
)
_NAMED: Final = 5


async def leave(world: World, organization_id: str, *, import_key: bytes) -> list[Organization]:
    """
    Have an organization, and all below it, write nothing here any more; return them.

    What is on its way is brought to its end. Doing it again changes nothing.

    Args:
        import_key: Of the server that it leaves for, 32 bytes.

    Raises:
        NotFound: There is no such organization.
        Conflict: It stands below another one, which would go on reaching it; or it has left for
            another server, and would act on both.
    """

    def body(tx: Tx) -> list[Organization]:
        family = family_of(tx, organization_id)
        if family[0].moved_at is not None:
            _expect_same(family[0], import_key)
            return family
        now = world.clock.now()
        for one in family:
            audit(
                tx,
                one.id,
                "organization:moved",
                at=now,
                subject_id=one.id,
                principal_id=OPERATOR,
            )
        gone = [replace(one, moved_at=now, moved_for=import_key) for one in family]
        for one in gone:
            tx.put(one)
            for hook in _all(tx, Webhook, organization_id=one.id):
                drop_turn(tx, hook.id)
        return gone

    return await world.store.write(body)


def _expect_same(organization: Organization, import_key: bytes) -> None:
    if organization.moved_for != import_key:
        expected = f"the import key 0x{(organization.moved_for or b'').hex()} that it left for"
        hint = "if that archive was imported nowhere, `valetkey organization stay` takes it back"
        raise Conflict(
            Code.CONFLICT, f"{organization.id}: expected {expected}, got another; {hint}"
        )


async def stay(world: World, organization_id: str) -> list[Organization]:
    """
    Take `leave` back. Only if the archive was imported nowhere: nothing can be done twice then.

    Raises:
        NotFound: There is no such organization.
        Conflict: It was not about to leave.
    """

    def body(tx: Tx) -> list[Organization]:
        family = family_of(tx, organization_id)
        if family[0].moved_at is None:
            raise Conflict(Code.CONFLICT, f"{organization_id}: expected one that moved, it is here")
        back = [replace(one, moved_at=None, moved_for=None) for one in family]
        for one in back:
            tx.put(one)
            note_arrival(world, tx, one)
        return back

    return await world.store.write(body)


def family_of(view: View, organization_id: str) -> list[Organization]:
    """Return an organization and all below it, itself first; see `leave` for what it raises."""
    first = present(view.get(Organization, organization_id), "organization")
    if first.parent_id is not None:
        detail = f"{first.id}: expected one without a parent, got one below {first.parent_id}"
        raise Conflict(Code.CONFLICT, f"{detail}; they move together")
    family = [first]
    for one in family:
        family += _all(view, Organization, parent_id=one.id)
    return family


async def gather(world: World, organization_id: str) -> Entities:
    """
    Return all that belongs to an organization that is about to leave, by kind.

    Raises:
        Conflict: It was not told to `leave`; or something of it is on its way, which is named: it
            is settled by the server, so wait for that.
    """

    def body(view: View) -> Entities:
        family = family_of(view, organization_id)
        if family[0].moved_at is None:
            raise Conflict(Code.CONFLICT, f"{organization_id}: expected one that leaves, it stays")
        owners = [one.id for one in family]
        found: Entities = {one: [] for one in MOVED}
        found[Organization] = [replace(one, moved_at=None, moved_for=None) for one in family]
        for kind in OWNED:
            for owner in owners:
                found[kind] += _all(view, kind, organization_id=owner)
        found[AuditHead] = [one for owner in owners if (one := view.get(AuditHead, owner))]
        for key in (tally_id(owner, quota) for owner in owners for quota in Quota):
            found[Tally] += [one for one in [view.get(Tally, key)] if one]
        for session in found[Session]:
            found[Usage] += [one for one in [view.get(Usage, session.id)] if one]
            found[Branch] += [one for one in [view.get(Branch, session.id)] if one]
            for of_session in OF_SESSION:
                found[of_session] += _all(view, of_session, session_id=session.id)
        for line in found[BudgetLine]:
            found[Hold] += _all(view, Hold, line_id=line.id, session_id="")
        hooks = {one.id for one in found[Webhook]}
        found[Delivery] = [one for one in found[Delivery] if one.webhook_id in hooks]
        for hook in found[Webhook]:
            found[Waiting] += _all(view, Waiting, webhook_id=hook.id)
        _expect_settled(view, found)
        return {kind: sorted(one, key=lambda entity: entity.id) for kind, one in found.items()}

    return await world.store.read(body)


def _expect_settled(view: View, found: Entities) -> None:
    open_ones = [one.id for one in found[Activity] if not one.settled]
    open_ones += [one.id for one in found[Reservation] if one.state is ReservationState.RESERVED]
    for session in found[Session]:
        if session.state is State.PENDING and owner_key_of(view, session) is not None:
            open_ones.append(session.id)
    if open_ones:
        names = ", ".join(dict.fromkeys(open_ones[:_NAMED]))
        detail = f"expected nothing on its way, got {len(open_ones)}, such as {names}"
        raise Conflict(Code.CONFLICT, f"{detail}; the server settles it, do this again then")


async def resealed(world: World, entities: Entities) -> Entities:
    """
    Return *entities* with what is sealed in them under the key that the vault of *world* seals by.

    Raises:
        Unavailable: One does not open.
    """
    sealed = {kind: [await renewed_of(world, one) for one in entities[kind]] for kind in SEALED}
    return {**entities, **sealed}


def binds_another(world: World, archive: Archive) -> int:
    """Return how many sessions that are not over bind a relayer that is not of this server."""
    return sum(
        1
        for one in archive.entities.get(Session, [])
        if one.state not in OVER
        and one.permission is not None
        and one.permission.relayer is not None
        and not world.payers.has(one.permission.relayer)
    )


def note_arrival(world: World, tx: Tx, one: Organization) -> None:
    """Write down that *one* acts here, and have its webhooks told what waits for them."""
    now = world.clock.now()
    audit(tx, one.id, "organization:arrived", at=now, subject_id=one.id, principal_id=OPERATOR)
    for hook in _all(tx, Webhook, organization_id=one.id):
        if tx.find(Waiting, webhook_id=hook.id, limit=1):
            set_turn(tx, hook.id, due_at=now, state=TurnState.WAITING)


def _all(view: View, kind: type, **where: Value) -> list[Any]:
    found: list[Any] = []
    while True:
        after = found[-1].id if found else ""
        page: list[Any] = view.find(kind, after=after, limit=MAX_FOUND, newest_first=False, **where)
        found += page
        if len(page) < MAX_FOUND:
            return found
