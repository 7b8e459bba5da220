"""What a flow needs from the store, and what is kept in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from valetkey.core.activity import Activity, NonceLine, SeenNonce
from valetkey.core.alert import Refusals, Told
from valetkey.core.approval import NamedSpender
from valetkey.core.asked_revocation import AskedRevocation
from valetkey.core.audit import AuditHead, AuditLine
from valetkey.core.budget import BudgetLine, Hold, Reservation
from valetkey.core.child_session import Branch
from valetkey.core.consent_link import ConsentLink
from valetkey.core.contact import Contact
from valetkey.core.contract import Contract
from valetkey.core.credential import Credential
from valetkey.core.custody import SplitKey
from valetkey.core.hand_off import HandOff
from valetkey.core.identity import Identity, IdentityProvider
from valetkey.core.kept_secret import KeptSecret
from valetkey.core.locked_key import LockedKey
from valetkey.core.organization import Organization, User
from valetkey.core.pin import PinBlob
from valetkey.core.pregenerated import Pregenerated
from valetkey.core.profile import Profile
from valetkey.core.quota import ExecutionMark, OpenMark, Tally
from valetkey.core.review import Review
from valetkey.core.send_line import SendLine
from valetkey.core.session import Session, Usage, Watch
from valetkey.core.share_pair import SharePair
from valetkey.core.sponsoring import Rulebook, Sponsorship, SponsorshipRule
from valetkey.core.sponsorship import Payer
from valetkey.core.terms import Terms
from valetkey.core.ticket import Ticket
from valetkey.core.visit import Visit
from valetkey.core.wallet import Account, SealedKey, Wallet
from valetkey.core.webhook import Delivery, Turn, Waiting, Webhook

if TYPE_CHECKING:
    from collections.abc import Callable

Entity = (
    Organization
    | User
    | Credential
    | Wallet
    | Account
    | SealedKey
    | SplitKey
    | PinBlob
    | SharePair
    | Session
    | Branch
    | Usage
    | AskedRevocation
    | Watch
    | ConsentLink
    | Activity
    | Reservation
    | BudgetLine
    | Hold
    | NonceLine
    | SendLine
    | Payer
    | SeenNonce
    | Ticket
    | AuditLine
    | AuditHead
    | NamedSpender
    | Webhook
    | Delivery
    | Waiting
    | Turn
    | Told
    | Refusals
    | Tally
    | OpenMark
    | ExecutionMark
    | Contact
    | Review
    | KeptSecret
    | Pregenerated
    | Profile
    | Contract
    | HandOff
    | Terms
    | Sponsorship
    | SponsorshipRule
    | Rulebook
    | Visit
    | IdentityProvider
    | Identity
    | LockedKey
)


@dataclass(frozen=True, slots=True)
class Index:
    """What an entity can be found by: attribute names. ``unique`` ones hold no value twice."""

    by: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()


INDEXES: Final[dict[type[Entity], Index]] = {
    Organization: Index(by=("parent_id",)),
    User: Index(by=("organization_id", "reference")),
    Credential: Index(by=("organization_id",), unique=("fingerprint",)),
    Wallet: Index(by=("organization_id", "user_id")),
    Account: Index(by=("organization_id", "wallet_id", "address")),
    SealedKey: Index(by=("organization_id", "wallet_id")),
    SplitKey: Index(by=("organization_id",)),
    PinBlob: Index(by=("organization_id",)),
    SharePair: Index(by=("organization_id", "wallet_id")),
    Session: Index(
        by=(
            "organization_id",
            "user_id",
            "wallet_id",
            "account_id",
            "parent_id",
            "state",
            "key_index",
            "grant_key_index",
            "waits_here",
        ),
        unique=("fingerprint",),
    ),
    Branch: Index(by=("root_id",)),
    AskedRevocation: Index(by=("organization_id",)),
    Usage: Index(),
    Watch: Index(by=("session_id", "alive")),
    ConsentLink: Index(by=("session_id",), unique=("fingerprint",)),
    Activity: Index(
        by=(
            "organization_id",
            "session_id",
            "account_id",
            "relayer_id",
            "settled",
            "governs",
            "sponsorship_id",
        ),
        unique=("request_key",),
    ),
    Reservation: Index(by=("organization_id", "session_id", "state")),
    BudgetLine: Index(by=("organization_id", "scope_id")),
    Hold: Index(by=("line_id", "session_id")),
    NonceLine: Index(),
    SendLine: Index(),
    Payer: Index(by=("fund",)),
    SeenNonce: Index(by=("forget_at",)),
    Ticket: Index(by=("subject_id",)),
    AuditLine: Index(by=("organization_id",)),
    AuditHead: Index(),
    NamedSpender: Index(by=("session_id",)),
    Webhook: Index(by=("organization_id",)),
    Delivery: Index(by=("organization_id", "webhook_id", "state")),
    Waiting: Index(by=("webhook_id",)),
    Turn: Index(by=("webhook_id",)),
    Told: Index(),
    Refusals: Index(),
    Tally: Index(),
    OpenMark: Index(by=("organization_id",)),
    ExecutionMark: Index(by=("organization_id", "account_id")),
    HandOff: Index(by=("forget_at", "session_id")),
    Pregenerated: Index(by=("organization_id", "found_by")),
    Contract: Index(by=("organization_id",), unique=("place",)),
    Profile: Index(by=("organization_id", "deleted")),
    KeptSecret: Index(by=("organization_id", "wallet_id")),
    Review: Index(by=("forget_at", "session_id")),
    Contact: Index(by=("organization_id", "user_id")),
    Terms: Index(by=("organization_id",)),
    Sponsorship: Index(by=("organization_id", "rulebook_id")),
    SponsorshipRule: Index(by=("organization_id", "sponsorship_id")),
    Rulebook: Index(by=("organization_id",)),
    IdentityProvider: Index(by=("organization_id",)),
    Identity: Index(by=("organization_id", "user_id")),
    LockedKey: Index(by=("organization_id", "user_id")),
    Visit: Index(by=("forget_at", "session_id")),
}

Value = str | int | bytes | None
MAX_FOUND: Final = 1000
E = TypeVar("E", bound=Entity)
T = TypeVar("T")


class View(Protocol):
    """One consistent state of the store. Nothing can be changed through it."""

    def get(self, kind: type[E], key: str) -> E | None:
        """Return the entity with that id. Inside a write it is locked until the end."""

    def find(
        self,
        kind: type[E],
        *,
        after: str = "",
        limit: int = MAX_FOUND,
        newest_first: bool = False,
        **where: Value,
    ) -> list[E]:
        """
        Return entities whose indexed attributes equal *where*, in order of their ids.

        Args:
            after: Only ids behind this one, in the order asked for; empty is from the start.
            limit: 1 to 1000.
            where: Indexed attributes of *kind* only; None matches None.

        Raises:
            ValueError: An attribute is not indexed, or *limit* is out of range.
        """

    def count(self, kind: type[E], **where: Value) -> int:
        """
        Return how many entities `find` would find, were there no limit.

        Raises:
            ValueError: An attribute is not indexed.
        """


class Tx(View, Protocol):
    """A view that can also change things: all of it takes effect, durably, or nothing."""

    def add(self, entity: Entity) -> None:
        """
        Insert *entity*.

        Raises:
            Conflict: Its id, or a value of a unique index, is there already.
        """

    def put(self, entity: Entity) -> None:
        """
        Insert *entity* or replace the one with its id.

        Raises:
            Conflict: A value of a unique index belongs to another entity.
        """

    def drop(self, kind: type[Entity], key: str) -> None:
        """Delete the entity with that id, if there is one."""


class Store(Protocol):
    """
    Where everything is kept.

    A *body* is an ordinary function: it cannot wait for the network while it holds a lock, and it
    may be run again when two processes meet, so it must not have effects of its own. Whatever it
    raises undoes everything that it did and is raised to the caller.
    """

    async def read(self, body: Callable[[View], T]) -> T:
        """Return what *body* makes of one consistent state."""

    async def write(self, body: Callable[[Tx], T]) -> T:
        """Return what *body* makes, once its changes are durable. Writes are serializable."""

    async def check(self) -> None:
        """
        Pass if it can be read and written now, and has the form that this code reads.

        Raises:
            Unavailable: ``store_unavailable``; the detail says what is wrong.
        """
