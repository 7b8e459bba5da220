"""What every signer does, in this process or in its own: joins for what is approved, once."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.adapters.signer.orders import KINDS, WALLET, Bench, bench
from valetkey.adapters.surroundings import SystemClock
from valetkey.core.custody import Purpose, plan_digest
from valetkey.core.errors import Code, Forbidden, Unavailable
from valetkey.core.secret_bytes import SecretBytes
from valetkey.core.wallet import Curve, PublicKey, address_of
from valetkey.spec.keys import verify
from valetkey.spec.secp256k1 import recover_address
from valetkey.spec.shamir import ORDERS, Point, join

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

DIGEST = b"\x05" * 32


@pytest_asyncio.fixture(params=KINDS)
async def at(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    """Give a signer of each kind."""
    async with bench(request.param, tmp_path, dict(os.environ)) as made:
        yield made


async def test_a_signature_is_by_the_joined_key(at: Bench) -> None:
    """Of both curves, the same each time, in the form that the vault gives as well."""
    key = await at.make()
    signature = await at.sign(key, DIGEST)
    recoverable = signature[:64] + bytes((signature[64] + 27,))
    assert recover_address(DIGEST, recoverable) == address_of(key.public_key)
    assert await at.sign(key, DIGEST) == signature
    other = await at.make(Curve.ED25519)
    assert verify(other.public_key, b"some text", await at.sign(other, b"some text"))


@pytest.mark.parametrize(
    ("plan", "approval"),
    [
        ({"digest": plan_digest(b"\x06" * 32)}, {}),
        ({}, {"expires_at": 1}),
        ({}, {"expires_at": 2**40}),
        ({}, {"issued_at_ms": 1}),
    ],
    ids=["of something else", "too late", "for too long", "from before the signer"],
)
async def test_what_is_not_approved_is_not_joined(
    at: Bench, plan: dict[str, Any], approval: dict[str, Any]
) -> None:
    """An approval is of one plan, for a short time, to this run of the signer."""
    key = await at.make()
    with pytest.raises(Forbidden) as refused:
        await at.sign(key, DIGEST, plan=plan, approval=approval)
    assert refused.value.code is Code.APPROVAL_REFUSED


async def test_an_approval_by_nobody_is_none(at: Bench) -> None:
    """Whoever reaches the socket and has both shares still gets no signature."""
    key = await at.make()
    good = await at.order(Purpose.SIGN, message=DIGEST, **key.order_facts)
    other = replace(good.approval, id="another")
    for bad in (
        replace(good, approval_signature=bytes(64)),
        replace(good, approval_signature=b""),
        replace(good, approval=other),
        replace(good, approval=replace(good.approval, organization_id="org_2")),
    ):
        with pytest.raises(Forbidden) as refused:
            await at.signer.carry_out(bad)
        assert refused.value.code is Code.APPROVAL_REFUSED
    assert (await at.signer.carry_out(good)).signature


async def test_an_approval_is_good_once(at: Bench) -> None:
    """A request that was overheard cannot be sent again, not even for the same."""
    key = await at.make()
    order = await at.order(Purpose.SIGN, message=DIGEST, **key.order_facts)
    await at.signer.carry_out(order)
    with pytest.raises(Forbidden) as refused:
        await at.signer.carry_out(order)
    assert refused.value.code is Code.APPROVAL_REFUSED


async def test_an_approval_that_failed_is_used_too(at: Bench) -> None:
    """So nobody tries shares with one."""
    key = await at.make()
    wrong = SecretBytes((await at.make()).share.reveal())
    order = await at.order(Purpose.SIGN, message=DIGEST, **{**key.order_facts, "share": wrong})
    with pytest.raises(Forbidden) as refused:
        await at.signer.carry_out(order)
    assert refused.value.code is Code.SHARE_REFUSED
    with pytest.raises(Forbidden) as again:
        await at.signer.carry_out(replace(order, share=key.share))
    assert again.value.code is Code.APPROVAL_REFUSED


@pytest.mark.parametrize("curve", [Curve.SECP256K1, Curve.ED25519])
async def test_a_share_that_does_not_join_to_the_key_is_refused(at: Bench, curve: Curve) -> None:
    """Before anything is signed: another's share, a changed one, none, no share at all."""
    key, other = await at.make(curve), await at.make(curve)
    point = Point.from_bytes(key.share.reveal(), order=ORDERS[curve])
    for wrong in (
        other.share.reveal(),
        Point(point.x, (point.y + 1) % ORDERS[curve]).to_bytes(),
        Point(point.x % (ORDERS[curve] - 1) + 1, point.y).to_bytes(),
        bytes(64),
        b"\xff" * 64,
        b"",
    ):
        with pytest.raises(Forbidden) as refused:
            await at.sign(key, DIGEST, share=SecretBytes(wrong))
        assert refused.value.code is Code.SHARE_REFUSED


@pytest.mark.parametrize("plan", [{"wallet_id": "wal_2"}, {"generation": 2}])
async def test_a_server_share_is_sealed_for_one_wallet_and_generation(
    at: Bench, plan: dict[str, Any]
) -> None:
    """A record that was moved to another wallet, or brought back from before, does not open."""
    key = await at.make()
    with pytest.raises(Unavailable) as refused:
        await at.sign(key, DIGEST, plan=plan)
    assert refused.value.code is Code.VAULT_REFUSED


async def test_a_server_share_is_sealed_for_one_key_and_organization(at: Bench) -> None:
    """Nor does it under another public key, or for another organization."""
    key, other = await at.make(), await at.make()
    for changed in (
        {"public_key": other.public_key},
        {"approval": {"organization_id": "org_2"}},
        {"sealed": b""},
        {"sealed": key.sealed[:-1]},
    ):
        with pytest.raises(Unavailable) as refused:
            await at.sign(key, DIGEST, **changed)
        assert refused.value.code is Code.VAULT_REFUSED


async def test_a_new_line_is_of_the_same_key_and_has_nothing_of_the_old(at: Bench) -> None:
    """Old and new share do not join to anything; each joins with its own other half."""
    key = await at.make()
    order = await at.order(Purpose.REFRESH, plan={"makes": 2}, **key.order_facts)
    made = await at.signer.carry_out(order)
    assert made.public_key == key.public_key
    new = key.__class__(key.public_key, made.sealed, made.share or SecretBytes(b""))
    before = await at.sign(key, DIGEST)
    assert await at.sign(new, DIGEST, plan={"generation": 2}) == before
    for sealed, share, generation in ((key.sealed, new.share, 1), (new.sealed, key.share, 2)):
        with pytest.raises(Forbidden) as refused:
            await at.sign(key, DIGEST, sealed=sealed, share=share, plan={"generation": generation})
        assert refused.value.code is Code.SHARE_REFUSED


async def test_the_recovery_share_is_a_third_point_of_the_line(at: Bench) -> None:
    """Any two of the three join to the key; asked for again it is the same one."""
    key = await at.make()
    asked = [
        await at.signer.carry_out(await at.order(Purpose.BACK_UP, **key.order_facts))
        for _ in range(2)
    ]
    assert asked[0].share is not None
    assert asked[1].share is not None
    assert asked[0].share.reveal() == asked[1].share.reveal()
    order = ORDERS[Curve.SECP256K1]
    ours = await at.signer.carry_out(await at.order(Purpose.EJECT, **key.order_facts))
    assert ours.share is not None
    points = [
        Point.from_bytes(one.reveal(), order=order)
        for one in (key.share, asked[0].share, ours.share)
    ]
    secrets = {join(points[one], points[two], order=order) for one, two in ((0, 1), (0, 2), (1, 2))}
    assert len(secrets) == 1


async def test_a_digest_of_another_length_is_not_signed(at: Bench) -> None:
    """secp256k1 signs 32 bytes, which everybody hashes first."""
    key = await at.make()
    with pytest.raises(Forbidden) as refused:
        await at.sign(key, b"31 bytes, which are no digest..")
    assert refused.value.code is Code.APPROVAL_REFUSED


async def test_no_other_curve_has_split_keys(at: Bench) -> None:
    """P-256 is for stamps."""
    order = await at.order(Purpose.CREATE, curve=Curve.P256, plan={"makes": 1})
    with pytest.raises(Forbidden) as refused:
        await at.signer.carry_out(order)
    assert refused.value.code is Code.APPROVAL_REFUSED
    order = await at.order(Purpose.SIGN, message=DIGEST)
    with pytest.raises(Forbidden) as unknown:
        await at.signer.carry_out(order)
    assert unknown.value.code is Code.APPROVAL_REFUSED
    assert order.approval.plan.wallet_id == WALLET
    assert SystemClock().now() < order.approval.expires_at
    assert PublicKey(Curve.P256, b"").curve is Curve.P256
