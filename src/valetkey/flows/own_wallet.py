"""A user of a vendor's surface makes a wallet of their own, with the session of their client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Forbidden, Limited
from valetkey.core.principal import Access, Principal, PrincipalKind
from valetkey.core.scope import Scope
from valetkey.core.session import Session
from valetkey.core.surface import Surface
from valetkey.core.wallet import Curve, Wallet
from valetkey.flows.gate import expect_write, present
from valetkey.flows.split import CreateSplit, MadeSplit, create_split

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

MOST: Final = 10


async def make_own_wallet(
    world: World, principal: Principal, request: Request, *, curve: Curve, label: str
) -> MadeSplit:
    """
    Return a new split wallet of the user whose session asks, with the client's share.

    It has an account on the first chain that this server speaks to, if its curve has addresses
    there.

    Raises:
        Forbidden: It is no session of a vendor's surface: ours make no wallets.
        Limited: The user has as many as there may be.
    """
    expect_write(principal)

    def body(view: View) -> str:
        session = present(view.get(Session, principal.subject_id), "session")
        if session.surface is Surface.NATIVE or session.permission is not None:
            raise Forbidden(Code.NOT_ALLOWED, "expected a secret key: no session makes wallets")
        user_id = present(session.user_id, "user")
        _expect_at_most(view, user_id, MOST - 1)
        return user_id

    def again(tx: Tx, wallet: Wallet) -> None:  # others may have been made meanwhile
        _expect_at_most(tx, present(wallet.user_id, "user"), MOST)

    user_id = await world.store.read(body)
    chain = min(world.chains, default=None) if curve is Curve.SECP256K1 else None
    organization = Principal(
        PrincipalKind.SECRET,
        principal.organization_id,
        principal.subject_id,  # who the log names
        Access.WRITE,
        scopes=frozenset({Scope.WALLETS_WRITE}),
        key=principal.key,  # what is asked again is whether the session goes on
    )
    command = CreateSplit(curve, chain, user_id, label)
    return await create_split(world, organization, request, command, also=again)


def _expect_at_most(view: View, user_id: str, count: int) -> None:
    if len(view.find(Wallet, user_id=user_id, limit=count + 1)) > count:
        detail = f"expected at most {MOST} wallets of one user, got one more"
        raise Limited(Code.QUOTA_EXCEEDED, detail, quota="wallets", limit=MOST, current=MOST)
