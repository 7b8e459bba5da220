"""An organization arrives from another server: checked as a whole, and taken as a whole."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from valetkey.core.activity import Activity
from valetkey.core.archive import refused
from valetkey.core.asked_revocation import AskedRevocation
from valetkey.core.audit import AuditHead, AuditLine, verify
from valetkey.core.budget import BudgetLine, Reservation, ReservationState, line_id
from valetkey.core.child_session import Branch
from valetkey.core.contact import Contact
from valetkey.core.credential import Credential
from valetkey.core.custody import SplitKey
from valetkey.core.identity import Identity, IdentityProvider
from valetkey.core.ids import Prefix, check_id
from valetkey.core.kept_secret import KeptSecret, share_id
from valetkey.core.locked_key import LockedKey
from valetkey.core.organization import Organization, User
from valetkey.core.pin import PinBlob
from valetkey.core.pregenerated import Pregenerated, key_of
from valetkey.core.profile import Profile
from valetkey.core.quota import OpenMark, Quota, Tally, tally_id
from valetkey.core.session import Session, Usage
from valetkey.core.sponsoring import Rulebook, Sponsorship, SponsorshipRule
from valetkey.core.sponsorship import Fund, fund_line_id
from valetkey.core.terms import Terms
from valetkey.core.wallet import Account, SealedKey, Wallet
from valetkey.core.webhook import Delivery, Webhook
from valetkey.flows.move import MOVED, note_arrival

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from valetkey.core.archive import Archive
    from valetkey.flows.world import World
    from valetkey.ports import Entity, Tx


async def arrive(world: World, archive: Archive) -> Organization:
    """
    Return the organization of *archive*, which acts here from now on. All of it, or nothing.

    1. nothing in it belongs to, or names, anybody else; 2. each log is whole and reaches its head;
    3. its chains are ours, with the same contract, and its clones where they belong; 4. nothing is
    on its way; 5. it has no less of anything than is counted; 6. no id of it, no fingerprint and no
    request is here already.

    Of what its funds have left it keeps what a new organization gets: the money is our operator's.

    Args:
        archive: Unpacked and checked; what is sealed in it is sealed by our vault.

    Raises:
        Malformed: ``malformed_archive``: 1 to 5.
        Conflict: 6.
    """
    found = {kind: archive.entities.get(kind, []) for kind in MOVED}
    if archive.entities.keys() - set(MOVED):
        raise refused("expected the kinds that organizations have, got others")
    first = _expect_own(found, archive.manifest.organization_id)  # 1
    _expect_whole_logs(found)  # 2
    _expect_chains(world, found, archive)  # 3
    _expect_clones(found)
    if any(not one.settled for one in found[Activity]):  # 4
        raise refused("expected nothing on its way, got an activity that is not settled")
    if any(one.state is ReservationState.RESERVED for one in found[Reservation]):
        raise refused("expected nothing on its way, got a reservation that is not settled")

    _expect_counted(found)  # 5

    def body(tx: Tx) -> Organization:
        for entities in found.values():  # 6
            for one in entities:
                tx.add(_afforded(world, one) if isinstance(one, BudgetLine) else one)
        for one in found[Organization]:
            note_arrival(world, tx, one)
        return first

    return await world.store.write(body)


# What each field names: it has to be in the archive, so that nothing touches anybody else.
_NAMES: Final[dict[str, tuple[type, ...]]] = {
    "organization_id": (Organization,),
    "user_id": (User,),
    "wallet_id": (Wallet, Session),
    "account_id": (Account,),
    "session_id": (Session,),
    "root_id": (Session,),
    "parent_id": (Organization, Session),
    "scope_id": (Organization, User, Wallet, Session, SponsorshipRule),
    "line_id": (BudgetLine, AuditLine),
    "webhook_id": (Webhook,),
    "credential_id": (Credential,),
    "delivery_id": (Delivery,),
    "key_id": (SealedKey,),
    "set_by": (Organization,),
    "sponsorship_id": (Sponsorship,),
    "rulebook_id": (Rulebook,),
}
# These have the id of what they belong to.
_OF_OWNER: Final = frozenset(
    {OpenMark, Tally, Contact, IdentityProvider, Identity, LockedKey}
)  # found by ids that begin with its own
_SAME_ID: Final = {
    Usage: Session,
    Branch: Session,
    AuditHead: Organization,
    Reservation: Activity,
    Terms: Credential,
    Profile: User,
    SplitKey: Wallet,
    PinBlob: Wallet,
    AskedRevocation: Session,
}


_COUNTED: Final[tuple[tuple[Quota, type], ...]] = (
    (Quota.USERS, User),
    (Quota.WALLETS, Wallet),
    (Quota.CREDENTIALS, Credential),
    (Quota.SESSIONS, OpenMark),
    (Quota.WEBHOOKS, Webhook),
    (Quota.SPONSORSHIPS, Sponsorship),
    (Quota.SPONSORSHIPS, Rulebook),
)


def _expect_own(found: Mapping[type, Sequence[Any]], organization_id: str) -> Organization:
    """Return the organization at the top, if all that is named is of something in *found*."""
    ids = {kind: {one.id for one in entities} for kind, entities in found.items()}
    tops = [one for one in found[Organization] if one.parent_id is None]
    if [one.id for one in tops] != [organization_id]:
        raise refused(f"expected {organization_id} and what is below it, got other organizations")
    for one in found[Organization]:
        check_id(one.id, Prefix.ORGANIZATION)
        if one.moved_at is not None:
            raise refused(f"{one.id}: expected an organization that acts, got one that moved")
    for kind, entities in found.items():
        for one in entities:
            for name, value in _named(kind, one):
                if not any(value in ids[other] for other in _NAMES[name]):
                    detail = f"a {kind.__name__} names {str(value)[:60]!r} as {name}"
                    raise refused(f"expected only what is in the archive; {detail}")
            if not _is_called_as_own(kind, one):
                raise refused(f"a {kind.__name__} is called {one.id[:60]!r}, as another's")
            if kind in _SAME_ID and one.id not in ids[_SAME_ID[kind]]:
                raise refused(f"a {kind.__name__} belongs to {one.id[:60]!r}, which is not there")
    first: Organization = tops[0]
    return first


def _is_called_as_own(kind: type, one: Any) -> bool:  # noqa: ANN401 - an entity
    """Say whether the id of *one*, where it is made of another one's, is made of its owner's."""
    if kind is BudgetLine:
        funds = {fund_line_id(one.scope_id, fund) for fund in Fund}
        return one.id in {line_id(one.scope_id, one.asset, one.window_s), *funds}
    if kind is Pregenerated:
        found_by = key_of(one.organization_id, one.kind, one.identifier)
        return bool(one.id == one.wallet_id and one.found_by == found_by)
    if kind is KeptSecret:
        return bool(one.wallet_id) and one.id == share_id(one.wallet_id)
    return kind not in _OF_OWNER or one.id.startswith(f"{one.organization_id}/")


def _named(kind: type, one: Entity) -> Iterator[tuple[str, str]]:
    """Give each id that *one* names and that has to be of the same organization."""
    for name in kind.__dataclass_fields__.keys() & _NAMES.keys():  # type: ignore[attr-defined]
        value = getattr(one, name)
        if value:
            yield name, value
    if isinstance(one, Activity):
        yield "organization_id", one.request_key.partition("/")[0]
    if isinstance(one, Session) and one.grant is not None and one.grant.key_id:
        yield "key_id", one.grant.key_id  # else it would sign under a grant of somebody else
    if isinstance(one, Webhook) and one.form is not None:
        yield "credential_id", one.form.credential_id  # whose API key signs what it is sent


def _expect_whole_logs(found: Mapping[type, Sequence[Any]]) -> None:
    heads = {one.id: one for one in found[AuditHead]}
    if heads.keys() - {one.id for one in found[Organization]}:
        raise refused("expected the logs of these organizations, got others")
    for organization in found[Organization]:
        head = heads.get(organization.id)
        lines = [one for one in found[AuditLine] if one.organization_id == organization.id]
        lines.sort(key=lambda one: one.seq)
        if head is None or head.seq != len(lines):
            raise refused(f"{organization.id}: expected a log that ends at its head")
        broken = verify(lines, head=head)
        if broken is not None:
            raise refused(f"{organization.id}: line {broken.seq} of the log: {broken.problem}")


def _expect_counted(found: Mapping[type, Sequence[Any]]) -> None:
    """Refuse counts by which an organization could have, or spend, more than our operator lets."""
    counted = {one.id: one.count for one in found[Tally]}
    there = Counter(
        tally_id(one.organization_id, quota)
        for quota, kind in _COUNTED
        for one in found[kind]
        if getattr(one, "revoked_at", None) is None and not getattr(one, "is_deleted", False)
    )
    for key in counted.keys() | there.keys():
        if counted.get(key, 0) < there[key]:
            raise refused(f"{key}: expected a count of at least {there[key]}, got less")
    for line in found[BudgetLine]:
        if line.limit < 0 or line.counter.spent < 0:
            raise refused(f"{line.id}: expected a limit and a sum of 0 or more, got less")


def _afforded(world: World, line: BudgetLine) -> BudgetLine:
    """Return *line*; of a fund, with no more left than a new organization gets here."""
    given = {
        fund_line_id(line.scope_id, Fund.RUNS): world.bounds.runs_fund_wei,
        fund_line_id(line.scope_id, Fund.STOPS): world.bounds.stops_fund_wei,
    }
    if line.id not in given:
        return line
    return replace(line, limit=min(line.limit, line.counter.spent + given[line.id]))


def _expect_clones(found: Mapping[type, Sequence[Any]]) -> None:
    """Refuse a clone at an address that is not its own: others would act on that."""
    for one in found[Account]:
        if one.clone is not None and one.clone.address != one.address:
            detail = f"{one.id}: expected the clone at 0x{one.clone.address.hex()}"
            raise refused(f"{detail}, got it at 0x{one.address.hex()}")


def _expect_chains(world: World, found: Mapping[type, Sequence[Any]], archive: Archive) -> None:
    for name in {one.chain for one in found[Account]}:
        chain = world.chains.get(name)
        theirs = archive.manifest.chains.get(name)
        ours = f"0x{chain.implementation.hex()}" if chain else None
        if ours is None or ours != theirs:
            detail = f"{name}: expected the account contract {theirs}, this server has {ours}"
            raise refused(detail)
