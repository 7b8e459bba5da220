"""Another key takes the place of the relayer or of the stopper, and the one before is retired."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from valetkey.core.chain import Transaction
from valetkey.core.child_session import OVER
from valetkey.core.errors import Code, Conflict, NotFound, Unavailable
from valetkey.core.ids import Prefix
from valetkey.core.session import Session
from valetkey.core.sponsorship import Fund, Payer, PayerState, payer_id
from valetkey.core.wallet import Curve, SealedKey, address_of
from valetkey.flows.paid_by import in_flight, refresh
from valetkey.flows.payers import ROLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from valetkey.flows.world import World
    from valetkey.ports import Chain, Store, Tx, Vault, View

SERVER: Final = "server"  # the organization of the server's own keys
PAGE: Final = 500
TRANSFER_GAS: Final = 21_000
_POLL_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Needed:
    """
    What keeps a payer in service.

    Args:
        sessions: Ids of sessions that are not over, whose contract takes runs from it alone.
        activities: Ids of what it has sent, or is to send, and no chain has settled.
    """

    sessions: tuple[str, ...] = ()
    activities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Swept:
    """What was moved on one chain. ``tx_hash`` is None if the rest is not worth its gas."""

    chain: str
    moved_wei: int
    left_wei: int
    tx_hash: bytes | None


async def make_payer(
    vault: Vault, fund: Fund, *, key_id: str, state: PayerState, now: int
) -> tuple[Payer, SealedKey]:
    """Return a new payer and its key, for the store to be given."""
    wallet_id = f"{SERVER}/{ROLES[fund]}"
    key = await vault.create(
        Curve.SECP256K1, key_id=key_id, organization_id=SERVER, wallet_id=wallet_id
    )
    return Payer(payer_id(address_of(key.public_key)), fund, key.id, state, now), key


async def add_first_payer(store: Store, vault: Vault, fund: Fund, *, now: int) -> None:
    """Give a new server what pays for *fund*."""
    key_id = f"{SERVER}/{ROLES[fund]}"
    payer, key = await make_payer(vault, fund, key_id=key_id, state=PayerState.CURRENT, now=now)

    def body(tx: Tx) -> None:
        tx.add(key)
        tx.add(payer)

    await store.write(body)


async def prepare_payer(world: World, fund: Fund) -> Payer:
    """Return what is to take the place of the payer of *fund*; made now, unless that was done."""
    key_id = f"{SERVER}/{ROLES[fund]}/{world.new_id(Prefix.CREDENTIAL)}"
    payer, key = await make_payer(
        world.vault, fund, key_id=key_id, state=PayerState.PREPARED, now=world.clock.now()
    )

    def body(tx: Tx) -> Payer:
        before = _one(tx, fund, PayerState.PREPARED)
        if before is not None:
            return before
        tx.add(key)
        tx.add(payer)
        return payer

    return await world.store.write(body)


async def switch_payer(world: World, fund: Fund) -> Payer:
    """
    Have the prepared payer pay from now on, and return it.

    New sessions bind it; what the one before has sent, it brings to its end, and so it does for the
    sessions that bind it. Servers that run take it within a round of their loop.

    Raises:
        Conflict: None is prepared, or it has too little money on a chain: it could pay for nothing.
    """
    prepared = await world.store.read(lambda view: _one(view, fund, PayerState.PREPARED))
    if prepared is None:
        detail = f"expected a {ROLES[fund]} that was prepared, got none"
        raise Conflict(Code.CONFLICT, detail)
    least = world.bounds.low_balance_wei
    for name, chain in world.chains.items():
        balance = await chain.balance(_address(prepared))
        if balance < least:
            detail = f"{name}: expected {least} wei at {prepared.id}, got {balance}"
            raise Conflict(Code.CONFLICT, f"{detail}; send it some and do this again")

    def body(tx: Tx) -> Payer:
        fresh = tx.get(Payer, prepared.id)
        if fresh is None or fresh.state is not PayerState.PREPARED:
            raise Conflict(Code.CONFLICT, "expected no other change meanwhile, got one")
        before = _one(tx, fund, PayerState.CURRENT)
        now = world.clock.now()
        if before is not None:
            tx.put(replace(before, state=PayerState.FORMER, since=now))
        taken = replace(fresh, state=PayerState.CURRENT, since=now)
        tx.put(taken)
        return taken

    switched = await world.store.write(body)
    await refresh(world)
    return switched


async def list_payers(world: World) -> list[Payer]:
    """Return all payers, retired ones too, by their funds and since when they are what they are."""
    found = await world.store.read(lambda view: view.find(Payer))
    return sorted(found, key=lambda one: (one.fund, one.since, one.id))


async def needed(world: World, payer: Payer) -> Needed:
    """Return what keeps *payer* in service."""
    bound: list[str] = []
    after, goes_on = "", payer.fund is Fund.RUNS
    while goes_on:
        # By ids alone, which do not change: one that changes its state meanwhile is not missed.
        page = await world.store.read(
            lambda view, after=after: view.find(Session, after=after, limit=PAGE)  # type: ignore[misc]
        )
        bound += _bound_to(page, _address(payer), now=world.clock.now())
        goes_on = len(page) == PAGE
        after = page[-1].id if page else ""
    flying = await world.store.read(lambda view: in_flight(view, payer))
    return Needed(tuple(bound), tuple(one.id for one in flying))


def _bound_to(sessions: list[Session], address: bytes, *, now: int) -> Iterator[str]:
    for one in sessions:
        is_bound = one.permission is not None and one.permission.relayer == address
        if is_bound and one.state not in OVER and now < one.lasts_until:
            yield one.id


async def retire_payer(world: World, address: bytes) -> Payer:
    """
    Take a former payer out of service, and return it. Its key is kept: money may still come to it.

    No session can come to need it between the look and the change: since it is former, none is
    opened that binds it, and none that does comes back from its end.

    Raises:
        NotFound: There is no such payer.
        Conflict: It is in use, or a session or an activity needs it.
    """
    payer = await _payer_at(world, address)
    if payer.state is PayerState.RETIRED:
        return payer
    if payer.state is not PayerState.FORMER:
        detail = f"expected one that was replaced, got one that is {payer.state}"
        raise Conflict(Code.CONFLICT, f"{payer.id}: {detail}; rotate first")
    why = await needed(world, payer)
    if why.sessions:
        detail = f"{payer.id}: {len(why.sessions)} sessions bind it, such as {why.sessions[0]}"
        raise Conflict(Code.CONFLICT, f"{detail}; revoke them, or wait until they are over")

    def body(tx: Tx) -> Payer:
        flying = in_flight(tx, payer)
        if flying:
            detail = f"{payer.id}: {len(flying)} transactions are on their way"
            raise Conflict(Code.CONFLICT, f"{detail}, such as that of {flying[0].id}; wait")
        retired = replace(payer, state=PayerState.RETIRED, since=world.clock.now())
        tx.put(retired)
        return retired

    retired = await world.store.write(body)
    await refresh(world)
    return retired


async def sweep(world: World, address: bytes) -> list[Swept]:
    """
    Move what a retired payer still has to the one in use, on each chain, and say how much.

    Nothing else uses its nonces any more, so doing it again, also after a crash, moves the same
    money once: a second transaction has the nonce of the first.

    Raises:
        Conflict: It is not retired.
        Unavailable: A chain takes too long; do it again.
    """
    payer = await _payer_at(world, address)
    if payer.state is not PayerState.RETIRED:
        detail = f"{payer.id}: expected one that is retired, got one that is {payer.state}"
        raise Conflict(Code.CONFLICT, detail)
    to = world.payers.current(payer.fund).address
    key = world.payers.key_of(address)
    return [await _sweep(world, chain, key, to) for chain in world.chains.values()]


async def _sweep(world: World, chain: Chain, key: SealedKey, to: bytes) -> Swept:
    sender = address_of(key.public_key)
    balance, fees, count = await asyncio.gather(
        chain.balance(sender), chain.fees(), chain.transaction_count(sender)
    )
    cost = TRANSFER_GAS * fees.max_fee_wei
    if balance <= 2 * cost:  # chains that count the data's cost apart leave a rest as well
        return Swept(chain.chain, 0, balance, None)
    moved = balance - 2 * cost
    plan = Transaction(
        sender=sender,
        nonce=count,
        to=to,
        value_wei=moved,
        data=b"",
        gas_limit=TRANSFER_GAS,
        fees=fees,
    )
    signed = chain.seal(plan, await world.vault.sign(key, chain.digest(plan)))
    await chain.send(signed.raw)
    waited = 0.0
    while await chain.receipt(signed.tx_hash) is None:
        if waited >= world.bounds.wait_s:
            detail = f"{chain.chain}: 0x{signed.tx_hash.hex()} is not mined yet; do this again"
            raise Unavailable(Code.CHAIN_UNREACHABLE, detail)
        await asyncio.sleep(_POLL_S)
        waited += _POLL_S
    return Swept(chain.chain, moved, await chain.balance(sender), signed.tx_hash)


async def _payer_at(world: World, address: bytes) -> Payer:
    found = await world.store.read(lambda view: view.get(Payer, payer_id(address)))
    if found is None:
        raise NotFound(Code.NOT_FOUND, f"there is no payer {payer_id(address)}")
    return found


def _one(view: View, fund: Fund, state: PayerState) -> Payer | None:
    return next((one for one in view.find(Payer, fund=fund) if one.state is state), None)


def _address(payer: Payer) -> bytes:
    return bytes.fromhex(payer.id[2:])
