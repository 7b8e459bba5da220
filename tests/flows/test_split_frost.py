"""Split wallets sign by FROST: no share is brought, no key joined, no nonce used twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from nacl.signing import VerifyKey

from tests.flows.frosts import Begun, begin, finish, first_word, sign_apart
from tests.flows.splits import TYPED, Splits, make_splits
from tests.flows.test_split_races import confirm, refresh
from tests.flows.test_split_sessions import make_client
from tests.worlds import dump
from valetkey.core.activity import Activity, ActivityState
from valetkey.core.custody import SplitKey
from valetkey.core.errors import Code, NotFound, ValetkeyError
from valetkey.core.session import Session, State
from valetkey.core.signable import read_typed_data
from valetkey.core.split_share import about_share
from valetkey.core.surface import Surface
from valetkey.core.wallet import Curve
from valetkey.flows.joining import LAPSE_S
from valetkey.flows.split import MadeSplit
from valetkey.flows.split_frost import begin_frost
from valetkey.flows.split_shares import back_up

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from valetkey.ports import Tx

Wallet = tuple[Splits, MadeSplit, str]


@pytest.fixture
async def wallet() -> Wallet:
    """Give a world with an Ed25519 wallet, and its client's share."""
    splits = await make_splits()
    return (splits, *await splits.make(Curve.ED25519))


async def refused(asked: Awaitable[object]) -> Code:
    """Return the code with which it is refused."""
    with pytest.raises(ValetkeyError) as told:
        await asked
    return told.value.code


async def state_of(splits: Splits, begun: Begun) -> Activity:
    """Return the activity of a round."""
    found = await splits.world.store.read(lambda view: view.get(Activity, begun.begun.activity.id))
    assert found is not None
    return found


async def test_it_is_an_ordinary_signature_of_the_wallet(wallet: Wallet) -> None:
    """Libsodium takes it; it is another one each time, for its nonces are drawn."""
    splits, made, share = wallet
    signatures = [(await sign_apart(splits, made.wallet.id, share)).signature for _ in range(2)]
    for one in signatures:
        VerifyKey(made.key.public_key.data).verify(b"hello", one)
    assert signatures[0][:32] != signatures[1][:32]


async def test_the_clients_share_is_in_nothing_that_is_sent_or_kept(wallet: Wallet) -> None:
    """Neither x and y together nor y alone, in any order of its bytes."""
    splits, made, share = wallet
    begun = await begin(splits, made.wallet.id, share)
    finished = begun.finish()
    await finish(splits, finished)
    height = about_share(share).point.reveal()[32:]
    said = repr((begun.command, finished, await dump(splits.world)))
    for secret in (height, height[::-1]):
        assert secret not in begun.command.commitment + finished.signature_share
        assert secret.hex() not in said
        assert repr(secret) not in said


async def test_the_plan_is_written_before_and_the_outcome_after(wallet: Wallet) -> None:
    """And what waited in between is gone."""
    splits, made, share = wallet
    begun = await begin(splits, made.wallet.id, share)
    waits = await state_of(splits, begun)
    assert waits.state is ActivityState.AWAITING
    assert waits.frost
    assert waits.frost.sealed
    assert waits.signing
    assert waits.signing.digest != bytes(32)
    await finish(splits, begun.finish())
    ended = await state_of(splits, begun)
    assert ended.state is ActivityState.DONE
    assert ended.frost == replace(waits.frost, sealed=b"")


async def test_a_round_is_finished_once(wallet: Wallet) -> None:
    """With the same signature share or with another, by the same request or another."""
    splits, made, share = wallet
    begun, request = await begin(splits, made.wallet.id, share), splits.request()
    finished = begun.finish()
    await finish(splits, finished, request=request)
    before = await dump(splits.world)
    other = replace(finished, signature_share=bytes(31) + b"\x01")
    assert await refused(finish(splits, finished, request=request)) is Code.NONCE_SPENT
    assert await refused(finish(splits, finished)) is Code.NONCE_SPENT
    assert await refused(finish(splits, other)) is Code.NONCE_SPENT
    assert await dump(splits.world) == before


async def test_the_same_beginning_has_the_same_commitment_until_it_is_over(wallet: Wallet) -> None:
    """An answer that is lost costs nothing; of one that is over nothing is made anew."""
    splits, made, share = wallet
    request = splits.request()
    command, half = first_word(made.wallet.id, share)
    asked = (splits.world, splits.principal, request, command)
    both = await asyncio.gather(begin_frost(*asked), begin_frost(*asked))
    second = await begin_frost(*asked)
    assert {one.commitment for one in both} == {second.commitment}
    await finish(splits, Begun(command, second, half).finish())
    assert await refused(begin_frost(*asked)) is Code.NONCE_SPENT


async def test_a_wrong_signature_share_is_found_and_ends_the_round(wallet: Wallet) -> None:
    """One try each: the right one afterwards has nothing to be added to."""
    splits, made, share = wallet
    begun = await begin(splits, made.wallet.id, share)
    right = begun.finish()
    number = int.from_bytes(right.signature_share, "little") ^ 1
    wrong = replace(right, signature_share=number.to_bytes(32, "little"))
    assert await refused(finish(splits, wrong)) is Code.SIGNATURE_SHARE_REFUSED
    failed = await state_of(splits, begun)
    assert failed.state is ActivityState.FAILED
    assert failed.frost
    assert failed.frost.sealed == b""
    assert await refused(finish(splits, right)) is Code.NONCE_SPENT


async def test_the_share_of_another_wallet_signs_nothing(wallet: Wallet) -> None:
    """It fits as far as its form goes, and is found to be wrong before anything is added to it."""
    splits, made, _ = wallet
    _, other = await splits.make(Curve.ED25519)
    begun = await begin(splits, made.wallet.id, other)
    assert await refused(finish(splits, begun.finish())) is Code.SIGNATURE_SHARE_REFUSED


async def test_a_signature_share_for_another_message_is_refused(wallet: Wallet) -> None:
    """The client signs what it says itself, and not what the server was asked for."""
    splits, made, share = wallet
    begun = await begin(splits, made.wallet.id, share)
    begun.half.message = b"pay everything"
    assert await refused(finish(splits, begun.finish())) is Code.SIGNATURE_SHARE_REFUSED


async def test_the_recovery_share_of_the_line_signs_with_the_server_too(wallet: Wallet) -> None:
    """Any two of the three: the line is the same, whichever place of it somebody has."""
    splits, made, share = wallet
    asked = (splits.world, splits.principal, splits.request())
    backed_up = await back_up(*asked, wallet_id=made.wallet.id, share=share)
    signed = await sign_apart(splits, made.wallet.id, backed_up.share)
    VerifyKey(made.key.public_key.data).verify(b"hello", signed.signature)


async def test_the_first_use_of_a_new_share_ends_the_old_one(wallet: Wallet) -> None:
    """A signature share is proof of it, as the share itself is; a beginning is not."""
    splits, made, old = wallet
    new = (await refresh(splits, made.wallet.id, old)).share
    await begin(splits, made.wallet.id, new)
    await sign_apart(splits, made.wallet.id, old)
    waits = await begin(splits, made.wallet.id, old)
    await sign_apart(splits, made.wallet.id, new)
    assert await refused(begin(splits, made.wallet.id, old)) is Code.SHARE_STALE
    assert await refused(finish(splits, waits.finish())) is Code.SHARE_STALE
    key = await splits.world.store.read(lambda view: view.get(SplitKey, made.wallet.id))
    assert key
    assert (key.current.generation, key.coming) == (2, None)


async def test_a_share_that_was_confirmed_away_begins_nothing(wallet: Wallet) -> None:
    """Nothing is written down for it."""
    splits, made, old = wallet
    new = (await refresh(splits, made.wallet.id, old)).share
    await confirm(splits, made.wallet.id, new)
    before = await dump(splits.world)
    assert await refused(begin(splits, made.wallet.id, old)) is Code.SHARE_STALE
    assert await dump(splits.world) == before


async def test_a_round_that_takes_too_long_is_over(wallet: Wallet) -> None:
    """After five minutes, to the second."""
    splits, made, share = wallet
    begun = await begin(splits, made.wallet.id, share)
    late = replace(begun.begun.activity, created_at=splits.world.clock.now() - LAPSE_S)
    kept = (await state_of(splits, begun)).frost
    await splits.world.store.write(lambda tx: tx.put(replace(late, frost=kept)))
    assert await refused(finish(splits, begun.finish())) is Code.NONCE_SPENT


async def test_only_who_began_a_round_finishes_it(wallet: Wallet) -> None:
    """Not another wallet's either, nor what is no round."""
    splits, made, share = wallet
    begun = await begin(splits, made.wallet.id, share)
    finished = begun.finish()
    other, other_share = await splits.make(Curve.ED25519)
    signed = await splits.sign(other.wallet.id, other_share)
    elsewhere = replace(finished, wallet_id=other.wallet.id)
    no_round = replace(elsewhere, activity_id=signed.activity.id)
    for one in (elsewhere, no_round, replace(finished, activity_id="act_none")):
        with pytest.raises(NotFound):
            await finish(splits, one)
    signed = await finish(splits, finished)
    VerifyKey(made.key.public_key.data).verify(b"hello", signed.signature)


async def test_a_session_signs_by_it_what_it_may_have_signed() -> None:
    """The same rules: text for a vendor's surface, and never bytes that nobody can read."""
    client = await make_client(Curve.ED25519)
    splits, wallet_id = client.splits, client.made.wallet.id
    who = await client.session(Surface.PORTAL)
    begun = await begin(splits, wallet_id, client.share, principal=who)
    signed = await finish(splits, begun.finish(), principal=who)
    VerifyKey(client.made.key.public_key.data).verify(b"hello", signed.signature)
    asked = begin(splits, wallet_id, client.share, b"\x80\x01\xff", principal=who)
    assert await refused(asked) is Code.SIGNING_FORBIDDEN
    bare = await client.session(Surface.NATIVE)
    asked = begin(splits, wallet_id, client.share, principal=bare)
    assert await refused(asked) is Code.SIGNING_NOT_ALLOWED


async def test_a_session_that_ends_between_the_rounds_gets_no_signature() -> None:
    """The server speaks last, so that it still can refuse: another principal does not help."""
    client = await make_client(Curve.ED25519)
    splits = client.splits
    who = await client.session(Surface.PORTAL)
    begun = await begin(splits, client.made.wallet.id, client.share, principal=who)
    finished = begun.finish()

    def revoke(tx: Tx) -> None:
        session = tx.get(Session, who.subject_id)
        assert session is not None
        tx.put(replace(session, state=State.REVOKED))

    await splits.world.store.write(revoke)
    assert await refused(finish(splits, finished, principal=who)) is Code.SESSION_REVOKED
    assert await refused(finish(splits, finished)) is Code.NOT_FOUND
    assert (await state_of(splits, begun)).state is ActivityState.AWAITING


async def test_of_two_that_finish_at_once_one_has_the_signature(wallet: Wallet) -> None:
    """It is taken in the transaction that checks it, before the signer is asked."""
    splits, made, share = wallet
    begun = await begin(splits, made.wallet.id, share)
    finished = begun.finish()
    both = await asyncio.gather(
        *(finish(splits, finished) for _ in range(2)), return_exceptions=True
    )
    codes = [one.code for one in both if isinstance(one, ValetkeyError)]
    assert codes == [Code.NONCE_SPENT]


@pytest.mark.parametrize("count", [0, 31, 33, 64])
async def test_a_signature_share_has_its_length(wallet: Wallet, count: int) -> None:
    """Another one is refused before the round is touched."""
    splits, made, share = wallet
    begun = await begin(splits, made.wallet.id, share)
    finished = begun.finish()
    odd = replace(finished, signature_share=bytes(count))
    assert await refused(finish(splits, odd)) is Code.MALFORMED_BODY
    assert (await finish(splits, finished)).signature


@pytest.mark.parametrize("name", ["curve", "typed data", "point", "place of the server"])
async def test_what_fits_no_round_is_refused(wallet: Wallet, name: str) -> None:
    """Another curve, what such a key does not sign, no point, the server's own place."""
    splits, made, share = wallet
    command, _ = first_word(made.wallet.id, share)
    code = Code.MALFORMED_BODY
    if name == "curve":
        other, _ = await splits.make()
        command = replace(command, wallet_id=other.wallet.id)
    if name == "typed data":
        command = replace(command, wanted=read_typed_data(TYPED))
    if name == "point":
        command = replace(command, commitment=command.commitment[:64] + b"\xff" * 32)
    if name == "place of the server":
        begun = await begin(splits, made.wallet.id, share)
        place = begun.begun.commitment[:32]
        command, code = (
            replace(command, commitment=place + command.commitment[32:]),
            Code.SHARE_REFUSED,
        )
    asked = begin_frost(splits.world, splits.principal, splits.request(), command)
    assert await refused(asked) is code
