"""A backend makes wallets for people who have not come yet, and keeps the shares for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.errors import Code, Limited
from valetkey.core.pregenerated import MOST, Pregenerated, key_of, read_identifier
from valetkey.core.scope import Scope
from valetkey.core.wallet import Curve
from valetkey.flows.gate import expect_scope
from valetkey.flows.split import CreateSplit, create_split

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.core.wallet import Wallet
    from valetkey.flows.sight import Sight
    from valetkey.flows.split import MadeSplit
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View


async def pregenerate(
    world: World,
    principal: Principal,
    request: Request,
    *,
    kind: str,
    identifier: str,
    curve: Curve,
) -> MadeSplit:
    """
    Return a new split wallet for whoever *identifier* names, with the client's share.

    It is the organization's: no log-in, with that address or another, makes it anybody's.

    Raises:
        Malformed: *identifier* is none of its *kind*.
        Limited: There are as many for it as there may be.
    """
    expect_scope(principal, Scope.WALLETS_WRITE)
    owner, text = principal.organization_id, read_identifier(kind, identifier)
    found_by = key_of(owner, kind, text)
    await world.store.read(lambda view: _expect_room(view, found_by))

    def name(tx: Tx, wallet: Wallet) -> None:
        _expect_room(tx, found_by)  # others may have been made meanwhile
        tx.add(Pregenerated(wallet.id, owner, wallet.id, kind, text, found_by))

    chain = min(world.chains, default=None) if curve is Curve.SECP256K1 else None
    command = CreateSplit(curve, chain, None, kind)
    return await create_split(world, principal, request, command, also=name)


def _expect_room(view: View, found_by: str) -> None:
    if len(view.find(Pregenerated, found_by=found_by, limit=MOST)) == MOST:
        detail = f"expected at most {MOST} wallets for one identifier, got one more"
        raise Limited(Code.QUOTA_EXCEEDED, detail, quota="wallets", limit=MOST, current=MOST)


async def pregenerated(
    world: Sight, principal: Principal, *, kind: str, identifier: str
) -> list[Pregenerated]:
    """Return the wallets that the organization has made for whoever *identifier* names."""
    expect_scope(principal, Scope.READ)
    text = read_identifier(kind, identifier)
    found_by = key_of(principal.organization_id, kind, text)
    return await world.store.read(lambda view: view.find(Pregenerated, found_by=found_by))
