"""What a vendor's client does with shares: has some made, says what it stored, keeps a backup."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Conflict, Forbidden, Malformed
from valetkey.core.ids import Prefix
from valetkey.core.share_pair import MAX_CIPHER_TEXT_CHARS, PairKind, SharePair
from valetkey.core.split_share import about_share
from valetkey.core.wallet import Curve, Wallet
from valetkey.flows.clients import PAIRS, client_of, find_client
from valetkey.flows.gate import present
from valetkey.flows.record import admit, begin, expect_still, part_of, write_down
from valetkey.flows.split import CreateSplit, create_split
from valetkey.flows.split_shares import back_up, recover

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from valetkey.core.activity import Request
    from valetkey.core.custody import SplitKey
    from valetkey.core.principal import Principal
    from valetkey.flows.clients import ClientWallet
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

CURVES: Final = (Curve.SECP256K1, Curve.ED25519)
MOST_WALLETS: Final = 64
LABEL: Final = "of a vendor's client"
STORED: Final = ("wallet:store_share", "wallet:share_stored")
KEPT: Final = ("wallet:keep_cipher_text", "wallet:cipher_text_kept")


@dataclass(frozen=True, slots=True)
class GivenShare:
    """A share that is given out, this once, with the pair that it belongs to."""

    key: SplitKey
    pair: SharePair
    share: str = field(repr=False)


async def generate(world: World, principal: Principal, request: Request) -> list[GivenShare]:
    """
    Return the shares of two new wallets of the client, one on each curve.

    Wallets whose shares it never said to have stored are its own no more: it gets new ones.

    Raises:
        Conflict: It has wallets, or had too many made whose shares it never stored.
        Forbidden: The principal is no client.
    """
    client = await client_of(world, principal)
    _expect_none(client.wallets.values())
    await world.store.read(lambda view: _expect_few(view, client.user.id))
    given = []
    for curve in CURVES:
        command = CreateSplit(curve, user_id=client.user.id, label=LABEL)
        made = await create_split(world, principal, part_of(request, curve), command)
        pair = _new_pair(world, made.wallet, PairKind.SIGNING, generation=1)
        given.append(GivenShare(made.key, pair, _shown_once(made.share)))

    def body(tx: Tx) -> list[GivenShare]:
        expect_still(world, tx, principal)
        _expect_none(find_client(tx, principal).wallets.values())
        for one in given:
            tx.add(one.pair)
        return given

    return await world.store.write(body)


def _expect_none(wallets: Iterable[ClientWallet]) -> None:
    if any(one.is_taken for one in wallets):
        raise Conflict(Code.CONFLICT, "expected a client without wallets, got one that has some")


def _expect_few(view: View, user_id: str) -> None:
    """Keep one client from filling its organization's quota of wallets with tries."""
    if len(view.find(Wallet, user_id=user_id, limit=MOST_WALLETS)) == MOST_WALLETS:
        detail = f"expected a client with less than {MOST_WALLETS} wallets, got one with as many"
        raise Conflict(Code.CONFLICT, detail)


def _shown_once(share: str | None) -> str:
    if share is None:
        detail = "expected a new Idempotency-Key: the shares of this one were shown before, once"
        raise Conflict(Code.REQUEST_ID_REUSED, detail)
    return share


async def back_up_each(
    world: World, principal: Principal, request: Request, *, shares: Mapping[Curve, str]
) -> list[GivenShare]:
    """
    Return the recovery shares of the client's wallets, for its shares of them.

    Raises:
        Malformed, Forbidden, Conflict, Unavailable: As `back_up`, for the first that is refused.
    """
    given = []
    for curve, share in shares.items():
        held = await _held(world, principal, share)
        made = await back_up(
            world, principal, part_of(request, curve), wallet_id=held.wallet.id, share=share
        )
        generation = about_share(made.share).generation
        pair = _new_pair(world, held.wallet, PairKind.BACKUP, generation=generation)
        given.append(GivenShare(made.key, pair, made.share))
    return await _given(world, principal, given)


async def recover_each(
    world: World, principal: Principal, request: Request, *, shares: Mapping[Curve, str]
) -> list[GivenShare]:
    """
    Return new shares that sign, for the client's recovery shares; the old ones end at their use.

    Raises:
        Malformed, Forbidden, Conflict, Unavailable: As `recover`, for the first that is refused.
    """
    given = []
    for curve, share in shares.items():
        held = await _held(world, principal, share)
        made = await recover(
            world, principal, part_of(request, curve), wallet_id=held.wallet.id, recovery=share
        )
        generation = about_share(made.share).generation
        pair = _new_pair(world, held.wallet, PairKind.SIGNING, generation=generation)
        given.append(GivenShare(made.key, pair, made.share))
    return await _given(world, principal, given)


async def _held(world: World, principal: Principal, share: str) -> ClientWallet:
    client = await client_of(world, principal)
    return client.wallet(about_share(share).wallet_id)


async def _given(world: World, principal: Principal, given: list[GivenShare]) -> list[GivenShare]:
    """Write the pairs down; those of shares that are good for nothing now are dropped."""

    def body(tx: Tx) -> list[GivenShare]:
        expect_still(world, tx, principal)
        return [_paired(tx, one) for one in given]

    return await world.store.write(body)


def _paired(tx: Tx, given: GivenShare) -> GivenShare:
    pair, good = given.pair, {given.pair.generation}
    if pair.kind is PairKind.SIGNING:
        good.add(given.key.current.generation)
    for before in tx.find(SharePair, wallet_id=pair.wallet_id, limit=PAIRS):
        if before.kind is not pair.kind:
            continue
        if before.generation == pair.generation:
            return replace(given, pair=before)  # the same share once more
        if before.generation not in good:
            tx.drop(SharePair, before.id)
    tx.add(pair)
    return given


def _new_pair(world: World, wallet: Wallet, kind: PairKind, *, generation: int) -> SharePair:
    return SharePair(
        id=world.new_id(Prefix.SHARE_PAIR),
        organization_id=wallet.organization_id,
        wallet_id=wallet.id,
        kind=kind,
        generation=generation,
        created_at=world.clock.now(),
    )


async def expect_stored(
    world: World, principal: Principal, *, share: str, curve: Curve
) -> ClientWallet:
    """
    Return the client's wallet of *share*, which it has said to have stored.

    Raises:
        Malformed, NotFound: It is no share, or none of a wallet of the client.
        Forbidden: ``share_of_another_wallet``: that one is on another curve.
        Conflict: It was never said to be stored: it could be lost with what it signs for.
    """
    client = await client_of(world, principal)
    about = about_share(share)
    held = client.wallet(about.wallet_id)
    if held.wallet.curve is not curve:
        detail = f"expected the share of a wallet on {curve}, got one on {held.wallet.curve}"
        raise Forbidden(Code.SHARE_OF_ANOTHER_WALLET, detail)
    pair = held.pair(PairKind.SIGNING, about.generation)
    if pair is None or pair.stored_at is None:
        detail = "expected a share that the client has said to have stored, got one it has not"
        raise Conflict(Code.CONFLICT, detail)
    return held


async def store_pairs(
    world: World,
    principal: Principal,
    request: Request,
    *,
    kind: PairKind,
    pair_ids: Collection[str],
    method: str = "",
) -> None:
    """
    Note that the client has stored its shares of some pairs.

    Raises:
        NotFound: One is none of its own; then nothing is noted.
    """
    now = world.clock.now()

    def body(tx: Tx) -> None:
        for pair in [_own_pair(tx, principal, kind, one) for one in pair_ids]:
            tx.put(replace(pair, stored_at=pair.stored_at or now, method=method or pair.method))
            _note(world, tx, principal, part_of(request, pair.id), about=(pair, STORED))

    await world.store.write(body)


async def keep_cipher_text(
    world: World, principal: Principal, request: Request, *, pair_id: str, cipher_text: str
) -> None:
    """
    Keep what the client has encrypted, for its backup; we cannot read it.

    Raises:
        NotFound: The pair is none of its own.
        Malformed: It is too long, or nothing.
    """
    if not 1 <= len(cipher_text) <= MAX_CIPHER_TEXT_CHARS:
        expected = f"1 to {MAX_CIPHER_TEXT_CHARS} characters"
        detail = f"clientCipherText: expected {expected}, got {len(cipher_text)}"
        raise Malformed(Code.MALFORMED_BODY, detail)

    def body(tx: Tx) -> None:
        pair = _own_pair(tx, principal, PairKind.BACKUP, pair_id)
        tx.put(replace(pair, cipher_text=cipher_text))
        _note(world, tx, principal, request, about=(pair, KEPT))

    await world.store.write(body)


def _own_pair(view: View, principal: Principal, kind: PairKind, pair_id: str) -> SharePair:
    client = find_client(view, principal)
    pairs = (pair for held in client.wallets.values() for pair in held.pairs)
    own = (pair for pair in pairs if pair.id == pair_id and pair.kind is kind)
    return present(next(own, None), "share pair")


def _note(
    world: World,
    tx: Tx,
    principal: Principal,
    request: Request,
    *,
    about: tuple[SharePair, tuple[str, str]],
) -> None:
    pair, (kind, event) = about
    admit(world, tx, principal, request)
    activity = begin(
        world,
        principal,
        request,
        kind,
        organization_id=pair.organization_id,
        subject_id=pair.wallet_id,
    )
    write_down(world, tx, activity, event, pair=pair.id, kind=pair.kind.value)
