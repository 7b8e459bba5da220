"""PINs: counted before anything is given out, whoever tries and however often at once."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.flows.splits import Splits, make_splits
from tests.worlds import dump, make_organization
from valetkey.core.credential import Credential
from valetkey.core.errors import (
    Code,
    Conflict,
    Forbidden,
    Limited,
    Malformed,
    NotFound,
    ValetkeyError,
)
from valetkey.core.scope import Scope
from valetkey.flows.pins import SetPin, Tried, begin_pin, note_opened, set_pin, try_pin

if TYPE_CHECKING:
    from valetkey.core.pin import PinBlob
    from valetkey.ports import Tx

PROOF = b"\x07" * 32
WANTED = SetPin("a blob", hashlib.sha256(PROOF).digest(), 3)


class Locked:
    """A wallet with a PIN."""

    def __init__(self, splits: Splits, wallet_id: str) -> None:
        self.splits, self.wallet_id = splits, wallet_id

    async def begin(self) -> bytes:
        """Return a new factor."""
        return (await self._ask(begin_pin)).reveal()  # type: ignore[no-any-return]

    async def set(self, wanted: SetPin = WANTED) -> PinBlob:
        """Bring a blob."""
        return await self._ask(set_pin, wanted=wanted)  # type: ignore[no-any-return]

    async def attempt(self) -> Tried:
        """Use a try."""
        return await self._ask(try_pin)  # type: ignore[no-any-return]

    async def opened(self, proof: bytes = PROOF) -> PinBlob:
        """Prove that it was opened."""
        return await self._ask(note_opened, proof=proof)  # type: ignore[no-any-return]

    async def _ask(self, verb: Any, **more: Any) -> Any:  # noqa: ANN401 - one of the flows
        splits = self.splits
        return await verb(
            splits.world, splits.principal, splits.request(), wallet_id=self.wallet_id, **more
        )


async def lock() -> tuple[Locked, bytes]:
    """Return a wallet with a PIN of three tries, and its factor."""
    splits = await make_splits()
    made, _ = await splits.make()
    locked = Locked(splits, made.wallet.id)
    factor = await locked.begin()
    await locked.set()
    return locked, factor


async def test_the_factor_is_given_out_so_many_times_in_a_row() -> None:
    """Then nobody gets it, whatever they know; the blob says nothing without."""
    locked, factor = await lock()
    for left in (2, 1, 0):
        tried = await locked.attempt()
        assert (tried.factor.reveal(), tried.pin.blob) == (factor, "a blob")
        assert tried.pin.tries_left == left
    for _ in range(3):
        with pytest.raises(Limited) as refused:
            await locked.attempt()
        assert refused.value.code is Code.PIN_LOCKED


async def test_who_opens_it_has_all_tries_again() -> None:
    """By a proof that is made of the opened key; a guess of it is worth nothing."""
    locked, _ = await lock()
    await locked.attempt()
    await locked.attempt()
    with pytest.raises(Forbidden) as refused:
        await locked.opened(b"\x08" * 32)
    assert refused.value.code is Code.PIN_REFUSED
    assert (await locked.opened()).tries_left == 3


async def test_any_number_at_once_get_no_more_than_the_tries() -> None:
    """Counted in the transaction, before the answer: a race wins nothing."""
    locked, _ = await lock()
    told = await asyncio.gather(*(locked.attempt() for _ in range(12)), return_exceptions=True)
    assert sum(isinstance(one, Tried) for one in told) == 3
    assert sum(isinstance(one, Limited) for one in told) == 9


async def test_the_same_request_is_one_try() -> None:
    """A client that repeats itself loses nothing, and learns nothing more."""
    locked, _ = await lock()
    splits, request = locked.splits, locked.splits.request()
    for _ in range(5):
        where = {"wallet_id": locked.wallet_id}
        tried = await try_pin(splits.world, splits.principal, request, **where)
        assert tried.pin.tries_left == 2


async def test_a_new_pin_takes_the_place_of_the_old_one_when_its_blob_is_there() -> None:
    """Until then the old one works: a change that breaks off locks nobody out."""
    locked, old = await lock()
    new = await locked.begin()
    assert new != old
    assert (await locked.attempt()).factor.reveal() == old
    await locked.set(SetPin("another", WANTED.proof_hash, 3))
    tried = await locked.attempt()
    assert (tried.factor.reveal(), tried.pin.blob) == (new, "another")
    with pytest.raises(Conflict):
        await locked.set()


async def test_an_old_request_gives_no_newer_factor_uncounted() -> None:
    """Neither that of a PIN which was set since, nor one that somebody else began since."""
    locked, old = await lock()
    splits, where = locked.splits, {"wallet_id": locked.wallet_id}
    begun, tried = splits.request(), splits.request()
    await try_pin(splits.world, splits.principal, tried, **where)
    first = await begin_pin(splits.world, splits.principal, begun, **where)
    again = await begin_pin(splits.world, splits.principal, begun, **where)
    assert again.reveal() == first.reveal() != old
    await locked.begin()
    for step in (locked.set, locked.attempt):
        with pytest.raises(Conflict):
            await begin_pin(splits.world, splits.principal, begun, **where)
        await step()
    for _ in range(2):
        repeated = await try_pin(splits.world, splits.principal, tried, **where)
        assert repeated.pin.tries_left == 1  # of the new PIN, after the attempt: counted, once


@pytest.mark.parametrize(
    "wanted",
    [
        SetPin("", WANTED.proof_hash, 3),
        SetPin("x" * 4097, WANTED.proof_hash, 3),
        SetPin("a blob", b"", 3),
        SetPin("a blob", WANTED.proof_hash, 0),
        SetPin("a blob", WANTED.proof_hash, 21),
    ],
    ids=["no blob", "too long", "no hash", "no tries", "too many"],
)
async def test_what_is_no_pin_changes_nothing(wanted: SetPin) -> None:
    """The one that is there stays."""
    locked, _ = await lock()
    await locked.begin()
    before = await dump(locked.splits.world)
    with pytest.raises(Malformed):
        await locked.set(wanted)
    assert await dump(locked.splits.world) == before


async def test_others_neither_try_nor_learn_of_it() -> None:
    """Another organization, a key without the scope, a wallet without a PIN."""
    locked, _ = await lock()
    splits = locked.splits
    stranger = await make_organization(splits.world, "Other")
    bare = splits.principal._replace(scopes=splits.principal.scopes - {Scope.WALLETS_SIGN})
    where = {"wallet_id": locked.wallet_id}
    with pytest.raises(NotFound):
        await try_pin(splits.world, stranger.principal, splits.request(), **where)
    with pytest.raises(Forbidden):
        await try_pin(splits.world, bare, splits.request(), **where)
    made, _ = await splits.make()
    with pytest.raises(NotFound):
        await Locked(splits, made.wallet.id).attempt()
    assert (await locked.attempt()).pin.tries_left == 2


async def test_a_key_that_was_revoked_meanwhile_uses_no_try() -> None:
    """Looked at in the transaction that counts: whoever was let in before is not any more."""
    locked, _ = await lock()
    splits = locked.splits

    def revoke(tx: Tx) -> None:
        key = tx.get(Credential, splits.principal.subject_id)
        assert key is not None
        tx.put(replace(key, revoked_at=splits.world.clock.now()))

    await splits.world.store.write(revoke)
    before = await dump(splits.world)
    for verb in (locked.attempt, locked.begin, locked.set, locked.opened):
        with pytest.raises(ValetkeyError) as refused:
            await verb()
        assert refused.value.code is Code.PROOF_REFUSED
    assert await dump(splits.world) == before
