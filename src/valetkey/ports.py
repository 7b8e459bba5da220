"""What a flow needs from the world: Store, Vault, Chain, Clock, Entropy and Checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from valetkey.core.activity import Activity, NonceLine, SeenNonce
from valetkey.core.audit import AuditHead, AuditLine
from valetkey.core.budget import BudgetLine, Hold, Reservation
from valetkey.core.credential import Credential
from valetkey.core.organization import Organization, User
from valetkey.core.session import Session, Usage, Watch
from valetkey.core.wallet import Account, SealedKey, Wallet

if TYPE_CHECKING:
    from collections.abc import Callable

    from valetkey.core.chain import Fees, GrantState, Head, Receipt, SignedTransaction, Transaction
    from valetkey.core.secret_bytes import SecretBytes
    from valetkey.core.wallet import Curve


class Clock(Protocol):
    """The time of day."""

    def now(self) -> int:
        """Return Unix seconds."""

    def now_ms(self) -> int:
        """Return Unix milliseconds, for receipts that show how fast a stop was."""


class Entropy(Protocol):
    """Randomness fit for keys."""

    def take(self, count: int) -> bytes:
        """Return *count* bytes that nobody can predict."""


class Checkpoint(Protocol):
    """A named moment between two effects; a crash test kills the process there."""

    def reached(self, name: str) -> None:
        """Note that the flow passed *name*, such as ``run:before_send``."""


class Chain(Protocol):
    """
    One EVM chain through its node.

    Every coroutine raises `Unavailable` (``chain_unreachable``) when the node does not answer in
    time, and `ChainRejected` when it answers no.
    """

    chain: str  # CAIP-2, such as ``eip155:31337``
    chain_id: int
    implementation: bytes  # 20 bytes: the deployed `Account`

    async def head(self, *, confirmations: int = 1) -> Head:
        """Return the newest block that has so many *confirmations*; the very newest has 1."""

    async def fees(self) -> Fees:
        """Return what a transaction sent now should offer."""

    async def simulate(self, transaction: Transaction) -> int:
        """
        Return the gas that *transaction* would use on top of the newest block.

        Its ``nonce``, ``gas_limit`` and ``fees`` are not looked at.

        Raises:
            ChainRejected: It would revert; the code is the contract's refusal, or
                ``call_reverted`` with the target's own reason in the detail.
        """

    def digest(self, transaction: Transaction) -> bytes:
        """Return the 32 bytes that the sender signs."""

    def seal(self, transaction: Transaction, signature: bytes) -> SignedTransaction:
        """Put *signature* (65 bytes: r, s, recovery id 0 or 1) to *transaction*."""

    async def send(self, raw: bytes) -> None:
        """
        Hand *raw* to the node. Sending the same bytes again is no error.

        Raises:
            ChainRejected: ``nonce_used`` if the sender's nonce is already mined,
                ``chain_rejected`` otherwise (fee too low, no funds, …).
        """

    async def receipt(self, tx_hash: bytes) -> Receipt | None:
        """Return how *tx_hash* ended, or None while it is not mined."""

    async def transaction_count(self, address: bytes) -> int:
        """Return the number of mined transactions of *address*: its next nonce."""

    async def grant_state(self, account: bytes, grant_id: bytes, *, counters: int) -> GrantState:
        """Return the slots of *grant_id* on *account*, with *counters* cap counters (0 to 8)."""

    async def epoch(self, account: bytes) -> int:
        """Return the epoch that a grant of *account* is signed over; 0 without a delegation."""

    async def delegate_of(self, address: bytes) -> bytes | None:
        """Return the 20 bytes that *address* delegates to (EIP-7702), or None."""

    async def checks_p256(self) -> bool:
        """Say whether the chain can check signatures of P-256 keys (EIP-7951)."""

    async def balance(self, address: bytes) -> int:
        """Return the balance of *address* in wei."""

    async def token_balance(self, token: bytes, holder: bytes) -> int:
        """Return the ERC-20 balance of *holder*, in the token's smallest unit."""

    async def token_decimals(self, token: bytes) -> int | None:
        """Return what ``decimals()`` of *token* says, or None if it says nothing of the kind."""

    async def allowance(self, token: bytes, owner: bytes, spender: bytes) -> int:
        """
        Return how much of *token* *spender* may take from *owner*, in its smallest unit.

        Raises:
            ChainRejected: ``call_reverted``: it does not answer as an ERC-20.
        """


Entity = (
    Organization
    | User
    | Credential
    | Wallet
    | Account
    | SealedKey
    | Session
    | Usage
    | Watch
    | Activity
    | Reservation
    | BudgetLine
    | Hold
    | NonceLine
    | SeenNonce
    | AuditLine
    | AuditHead
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
    Session: Index(
        by=("organization_id", "user_id", "wallet_id", "account_id", "state", "key_index"),
        unique=("fingerprint",),
    ),
    Usage: Index(),
    Watch: Index(by=("session_id", "alive")),
    Activity: Index(
        by=("organization_id", "session_id", "account_id", "relayer_id", "settled"),
        unique=("request_key",),
    ),
    Reservation: Index(by=("organization_id", "session_id", "state")),
    BudgetLine: Index(by=("organization_id", "scope_id")),
    Hold: Index(by=("line_id", "session_id")),
    NonceLine: Index(),
    SeenNonce: Index(by=("forget_at",)),
    AuditLine: Index(by=("organization_id",)),
    AuditHead: Index(),
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


class Vault(Protocol):
    """Private keys and small secrets, sealed. Bytes in, bytes out; may be another process."""

    async def create(
        self, curve: Curve, *, key_id: str, organization_id: str, wallet_id: str
    ) -> SealedKey:
        """Return a new key, sealed for exactly that organization, wallet and curve."""

    async def sign(self, key: SealedKey, message: bytes) -> bytes:
        """
        Return a signature over *message*.

        For secp256k1 the message is a 32-byte digest and the signature 65 bytes: r, s, recovery
        id (0 or 1). For P-256 it is 64 bytes, r and s over SHA-256 of the message; for Ed25519
        64 bytes over the message itself.

        Raises:
            Unavailable: ``vault_refused``: another key-encryption key, or a changed record.
        """

    async def seal(self, secret: SecretBytes, *, context: str) -> bytes:
        """
        Return *secret* so that only `open` with the same *context* gives it back.

        Args:
            secret: At most 65,536 bytes.
            context: What it is and whose, such as ``org_…/kill-note/ses_…``.

        Raises:
            ValueError: *secret* is longer.
        """

    async def open(self, blob: bytes, *, context: str) -> SecretBytes:
        """
        Return what `seal` was given.

        Raises:
            Unavailable: ``vault_refused``: another key-encryption key, another *context*, or a
                changed blob.
        """
