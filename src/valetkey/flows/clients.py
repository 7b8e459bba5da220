"""Clients of a vendor's surface: the users of an organization, who bring a session of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.custody import SplitKey
from valetkey.core.errors import Code, Forbidden
from valetkey.core.organization import Organization, User
from valetkey.core.principal import PrincipalKind
from valetkey.core.session import Session
from valetkey.core.share_pair import PairKind, SharePair
from valetkey.core.wallet import Curve, Wallet
from valetkey.flows.gate import expect_known, expect_reach, expect_secret, present

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from valetkey.core.principal import Principal
    from valetkey.flows.sight import Sight
    from valetkey.ports import View

LOOKED_AT: Final = 256  # newest wallets of a client
PAIRS: Final = 16  # of a wallet: those of shares that are good for nothing are dropped


@dataclass(frozen=True, slots=True)
class ClientWallet:
    """A split wallet of a client, and what the client has said about its shares, newest first."""

    wallet: Wallet
    key: SplitKey
    pairs: tuple[SharePair, ...]

    def pair(self, kind: PairKind, generation: int | None = None) -> SharePair | None:
        """Return the newest pair of *kind*, and of that line if one is named."""
        return next(
            (
                one
                for one in self.pairs
                if one.kind is kind and generation in {None, one.generation}
            ),
            None,
        )

    @property
    def is_taken(self) -> bool:
        """Whether the client has said that it has a share which signs."""
        return any(one.kind is PairKind.SIGNING and one.stored_at is not None for one in self.pairs)


@dataclass(frozen=True, slots=True)
class Client:
    """
    A user, and the organization whose user they are.

    Args:
        wallets: One for each curve, once they were made.
    """

    user: User
    organization: Organization
    wallets: Mapping[Curve, ClientWallet]

    def wallet(self, wallet_id: str) -> ClientWallet:
        """
        Return the wallet with that id.

        Raises:
            NotFound: The client has none.
        """
        found = (one for one in self.wallets.values() if one.wallet.id == wallet_id)
        return present(next(found, None), "wallet")


async def client_of(world: Sight, principal: Principal) -> Client:
    """
    Return the user whose client *principal* is.

    Raises:
        Forbidden: It is no session, or one without a user.
    """
    return await world.store.read(lambda view: find_client(view, principal))


async def client_named(world: Sight, principal: Principal, *, client_id: str) -> Client:
    """
    Return a client of the organization, for its backend.

    Raises:
        NotFound: There is no such client.
    """
    expect_secret(principal)
    return await world.store.read(lambda view: named_client(view, principal, client_id))


async def clients_of(world: Sight, principal: Principal, *, after: str, limit: int) -> list[Client]:
    """Return clients of the organization, newest first, in pages."""
    expect_secret(principal)
    owner = principal.organization_id

    def body(view: View) -> list[Client]:
        users = view.find(User, after=after, limit=limit, newest_first=True, organization_id=owner)
        return [_client(view, user) for user in users]

    return await world.store.read(body)


def find_client(view: View, principal: Principal) -> Client:
    """Return the user whose client *principal* is (see `client_of`)."""
    expect_known(principal)
    session = view.get(Session, principal.subject_id)
    if principal.kind is not PrincipalKind.SESSION or session is None or session.user_id is None:
        raise Forbidden(Code.NOT_ALLOWED, "expected the session of a user, got another proof")
    return _client(view, present(view.get(User, session.user_id), "user"))


def named_client(view: View, principal: Principal, client_id: str) -> Client:
    """Return a client of the organization of *principal* (see `client_named`)."""
    user = present(view.get(User, client_id), "client")
    expect_reach(view, principal, user.organization_id, "client")
    return _client(view, user)


def _client(view: View, user: User) -> Client:
    owner = present(view.get(Organization, user.organization_id), "organization")
    return Client(user, owner, _current(_wallets(view, user)))


def _wallets(view: View, user: User) -> list[ClientWallet]:
    found = []
    for wallet in view.find(Wallet, user_id=user.id, limit=LOOKED_AT, newest_first=True):
        key = view.get(SplitKey, wallet.id)
        pairs = view.find(SharePair, wallet_id=wallet.id, limit=PAIRS, newest_first=True)
        if key is not None and pairs and wallet.organization_id == user.organization_id:
            found.append(ClientWallet(wallet, key, tuple(pairs)))
    return found


def _current(wallets: Sequence[ClientWallet]) -> dict[Curve, ClientWallet]:
    """Return, for each curve, the wallet whose share the client has, else the newest one."""
    current: dict[Curve, ClientWallet] = {}
    for one in wallets:
        known = current.get(one.wallet.curve)
        if known is None or (one.is_taken and not known.is_taken):
            current[one.wallet.curve] = one
    return current
