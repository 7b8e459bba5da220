"""FROST in signers of both kinds: each half approved, and sealed for one plan."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.adapters.signer.orders import KINDS, WALLET, Bench, Made, bench
from valetkey.adapters.signer.asked import ProcessSigner
from valetkey.client import frost
from valetkey.core.custody import Carried, Purpose
from valetkey.core.errors import Code, Forbidden, ValetkeyError
from valetkey.core.split_share import client_share
from valetkey.core.wallet import Curve
from valetkey.spec.keys import verify
from valetkey.wire.base import hexed
from valetkey.wire.frost import FrostBegun, read_commitment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

MESSAGE = b"some text"


@pytest_asyncio.fixture(params=KINDS)
async def at(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    """Give a signer of each kind."""
    async with bench(request.param, tmp_path, dict(os.environ)) as made:
        yield made


@dataclass(frozen=True, slots=True)
class Halves:
    """What both sides have between the rounds."""

    key: Made
    half: frost.Half
    carried: Carried
    commitment: bytes

    def signature_share(self) -> bytes:
        """Return the client's signature share."""
        words = [hexed(self.carried.commitment[at : at + 32]) for at in (0, 32, 64)]
        begun = FrostBegun(
            activity_id="act_1",
            public_key=hexed(self.key.public_key.data),
            identifier=words[0],
            hiding=words[1],
            binding=words[2],
        )
        body = frost.finish(self.half, begun, public_key=None).body
        return bytes.fromhex(body.signature_share[2:])


async def begin(at: Bench, key: Made | None = None) -> Halves:
    """Have the signer make its half."""
    made = key or await at.make(Curve.ED25519)
    share = client_share(WALLET, 1, made.share)
    body, half = frost.begin(share, message=MESSAGE, digest=None)
    commitment = read_commitment(body)
    facts = {name: one for name, one in made.order_facts.items() if name != "share"}
    order = await at.order(Purpose.FROST, message=MESSAGE, commitment=commitment, **facts)
    return Halves(made, half, await at.signer.carry_out(order), commitment)


async def finish(at: Bench, halves: Halves, share: bytes, **more: Any) -> bytes:  # noqa: ANN401
    """Have it add both up."""
    key = halves.key.public_key
    facts: dict[str, Any] = {"curve": key.curve, "public_key": key, "sealed": halves.carried.sealed}
    order = await at.order(Purpose.AGGREGATE, message=share, **(facts | more))
    return (await at.signer.carry_out(order)).signature


async def test_both_halves_are_a_signature_of_the_wallets_key(at: Bench) -> None:
    """The signer never has the client's share, and its answer names no secret."""
    halves = await begin(at)
    signature = await finish(at, halves, halves.signature_share())
    assert verify(halves.key.public_key, MESSAGE, signature)
    assert (halves.carried.signature, halves.carried.share) == (b"", None)


async def test_no_nonce_is_drawn_twice(at: Bench) -> None:
    """Of the same message under the same share, too: each order has new ones."""
    first = await begin(at)
    second = await begin(at, first.key)
    words = {one.carried.commitment[at : at + 32] for one in (first, second) for at in (32, 64)}
    assert len(words) == 4


async def test_a_wrong_signature_share_is_named(at: Bench) -> None:
    """Nothing is added to it, and the right one is taken still by who has an approval."""
    halves = await begin(at)
    for share in (b"\x01" + bytes(31), bytes(32), b"\xff" * 32, b"", bytes(64)):
        with pytest.raises(Forbidden) as told:
            await finish(at, halves, share)
        assert told.value.code is Code.SIGNATURE_SHARE_REFUSED
    assert await finish(at, halves, halves.signature_share())


@pytest.mark.parametrize("name", ["activity", "generation", "wallet", "key", "changed"])
async def test_a_half_is_of_one_plan(at: Bench, name: str) -> None:
    """It opens for no other round, generation, wallet or key; nor changed."""
    halves, more = await begin(at), dict[str, Any]()
    if name == "activity":
        more["approval"] = {"activity_id": "act_2"}
    if name in {"generation", "wallet"}:
        more["plan"] = {"generation": 2} if name == "generation" else {"wallet_id": "wal_2"}
    if name == "key":
        more["public_key"] = (await at.make(Curve.ED25519)).public_key
    if name == "changed":
        sealed = halves.carried.sealed
        more["sealed"] = sealed[:-1] + bytes((sealed[-1] ^ 1,))
    with pytest.raises(ValetkeyError) as told:
        await finish(at, halves, halves.signature_share(), **more)
    assert told.value.code is Code.VAULT_REFUSED


async def test_the_servers_share_is_no_half_and_a_half_is_no_share(at: Bench) -> None:
    """What is sealed for the one is not opened for the other."""
    halves = await begin(at)
    with pytest.raises(ValetkeyError) as told:
        await finish(at, halves, halves.signature_share(), sealed=halves.key.sealed)
    assert told.value.code is Code.VAULT_REFUSED
    with pytest.raises(ValetkeyError) as told:
        await at.sign(halves.key, MESSAGE, sealed=halves.carried.sealed)
    assert told.value.code is Code.VAULT_REFUSED


async def test_an_approval_to_begin_is_none_to_join(at: Bench) -> None:
    """Approved is one purpose: with it changed the word is not the server's any more."""
    made = await at.make(Curve.ED25519)
    order = await at.order(Purpose.FROST, message=MESSAGE, **made.order_facts)
    with pytest.raises(Forbidden) as told:
        await at.signer.carry_out(order)
    assert told.value.code is Code.SHARE_REFUSED
    with pytest.raises(Forbidden) as told:
        await at.signer.carry_out(order)
    assert told.value.code is Code.APPROVAL_REFUSED


async def test_only_ed25519_signs_so(at: Bench) -> None:
    """There is no threshold signature for the other curve here."""
    made = await at.make()
    order = await at.order(Purpose.FROST, message=MESSAGE, **made.order_facts)
    with pytest.raises(Forbidden) as told:
        await at.signer.carry_out(order)
    assert told.value.code is Code.APPROVAL_REFUSED


@pytest.mark.parametrize("place", ["none", "the server's"])
async def test_a_client_is_elsewhere_than_the_server(at: Bench, place: str) -> None:
    """At 0 is the key, and at the server's place its share: neither is a client's."""
    halves = await begin(at)
    word = bytes(32) if place == "none" else halves.carried.commitment[:32]
    facts = halves.key.order_facts | {"commitment": word + halves.commitment[32:]}
    order = await at.order(Purpose.FROST, message=MESSAGE, **facts)
    with pytest.raises(Forbidden) as told:
        await at.signer.carry_out(order)
    assert told.value.code is Code.SHARE_REFUSED


async def test_a_signer_that_is_killed_has_left_no_nonce(tmp_path: Path) -> None:
    """
    What waits is the half, made and sealed; another signer adds it up to the same signature.

    There is nothing with which two halves could be made of one pair of nonces.
    """
    async with bench("process", tmp_path, dict(os.environ)) as at:
        halves = await begin(at)
        assert isinstance(at.signer, ProcessSigner)
        assert at.signer.pid is not None
        before = at.signer.pid
        os.kill(before, signal.SIGKILL)
        await asyncio.to_thread(os.waitid, os.P_PID, before, os.WEXITED | os.WNOWAIT)
        share = halves.signature_share()
        signature = await finish(at, halves, share)
        assert verify(halves.key.public_key, MESSAGE, signature)
        assert at.signer.pid != before
        again = await begin(at, halves.key)
        assert again.carried.commitment[32:] != halves.carried.commitment[32:]
