"""Split wallets: what their owner has signed, and how shares are renewed, recovered, given away."""

from __future__ import annotations

import pytest
from eth_account import Account as EthAccount
from eth_account.messages import encode_defunct, encode_typed_data

from tests.flows.splits import HELLO, TYPED, Splits, make_splits
from valetkey.core.activity import Activity, ActivityState
from valetkey.core.errors import Code, Conflict, Forbidden, ValetkeyError
from valetkey.core.permission.signing import SignDigest, SignMessage
from valetkey.core.signable import read_transaction, read_typed_data
from valetkey.core.wallet import Curve, OwnerKey, address_of
from valetkey.flows.split_eject import eject, enable_eject
from valetkey.flows.split_shares import back_up, confirm_split, recover, refresh_split
from valetkey.spec.keys import verify
from valetkey.spec.shamir import ORDERS, Point, join
from valetkey.spec.share_text import read


@pytest.fixture
async def splits() -> Splits:
    """Give a world of its own."""
    return await make_splits()


def recoverable(signature: bytes) -> bytes:
    """Return *signature* with v as others write it."""
    return signature[:64] + bytes((signature[64] + 27,))


async def test_a_message_is_signed_by_the_wallet(splits: Splits) -> None:
    """EIP-191, as another library recovers it; the same signature each time."""
    made, share = await splits.make()
    signed = await splits.sign(made.wallet.id, share)
    found = EthAccount.recover_message(
        encode_defunct(b"hello"), signature=recoverable(signed.signature)
    )
    assert bytes.fromhex(found[2:]) == address_of(made.key.public_key)
    assert (await splits.sign(made.wallet.id, share)).signature == signed.signature
    assert made.wallet.owner_key is OwnerKey.SPLIT


async def test_typed_data_is_signed_by_the_wallet(splits: Splits) -> None:
    """EIP-712, as another library recovers it."""
    made, share = await splits.make()
    signed = await splits.sign(made.wallet.id, share, read_typed_data(TYPED))
    found = EthAccount.recover_message(
        encode_typed_data(full_message=TYPED), signature=recoverable(signed.signature)
    )
    assert bytes.fromhex(found[2:]) == address_of(made.key.public_key)


@pytest.mark.parametrize(
    "fields",
    [
        {"gasPrice": 5, "gas": 21_000},
        {"type": 1, "gasPrice": 5, "gas": 21_000},
        {"type": 2, "maxFeePerGas": 5, "maxPriorityFeePerGas": 1, "gas": 21_000},
    ],
    ids=["legacy", "access list", "fee market"],
)
async def test_a_transaction_comes_back_as_a_chain_takes_it(
    splits: Splits, fields: dict[str, int]
) -> None:
    """Read whole, signed, and put together again: another library finds the wallet as sender."""
    made, share = await splits.make()
    plain = {"chainId": 31337, "nonce": 3, "to": "0x" + "22" * 20, "value": 7, "data": b""} | fields
    theirs = EthAccount.sign_transaction(plain, "0x" + "11" * 32)
    raw = without_signature(bytes(theirs.raw_transaction))
    signed = await splits.sign(made.wallet.id, share, read_transaction(raw))
    assert signed.transaction is not None
    sender = EthAccount.recover_transaction(signed.transaction)
    assert bytes.fromhex(sender[2:]) == address_of(made.key.public_key)


def without_signature(raw: bytes) -> bytes:
    """Return a signed transaction as it was before: its last three fields say chain, or nothing."""
    import rlp  # type: ignore[import-untyped]  # noqa: PLC0415

    if raw[0] in {1, 2}:
        return raw[:1] + bytes(rlp.encode(rlp.decode(raw[1:])[:-3]))
    return bytes(rlp.encode([*rlp.decode(raw)[:-3], (31337).to_bytes(2), b"", b""]))


async def test_a_digest_is_signed_for_the_owner_alone(splits: Splits) -> None:
    """A secret key signs as the owner does, with what nobody can read, too."""
    made, share = await splits.make()
    signed = await splits.sign(made.wallet.id, share, SignDigest(b"\x07" * 32))
    assert len(signed.signature) == 65


async def test_an_ed25519_wallet_signs_as_every_verifier_takes_it(splits: Splits) -> None:
    """The key was never a seed, and nobody can tell."""
    made, share = await splits.make(Curve.ED25519)
    signed = await splits.sign(made.wallet.id, share)
    assert verify(made.key.public_key, b"hello", signed.signature)
    other = await splits.sign(made.wallet.id, share, SignMessage(b"other"))
    assert other.signature[:32] != signed.signature[:32]


@pytest.mark.parametrize("curve", [Curve.SECP256K1, Curve.ED25519])
async def test_a_refreshed_share_signs_and_ends_the_old_one(splits: Splits, curve: Curve) -> None:
    """The key stays; the old share is good until the new one was used, and never again."""
    made, old = await splits.make(curve)
    before = await splits.sign(made.wallet.id, old)
    new = await refresh_split(
        splits.world, splits.principal, splits.request(), wallet_id=made.wallet.id, share=old
    )
    assert (await splits.sign(made.wallet.id, old)).signature == before.signature
    assert (await splits.sign(made.wallet.id, new.share)).signature == before.signature
    with pytest.raises(Conflict) as refused:
        await splits.sign(made.wallet.id, old)
    assert refused.value.code is Code.SHARE_STALE


async def test_a_confirmed_share_ends_the_old_one(splits: Splits) -> None:
    """Whoever fears for the old share does not wait for a signature."""
    made, old = await splits.make()
    where = {"wallet_id": made.wallet.id}
    new = await refresh_split(splits.world, splits.principal, splits.request(), share=old, **where)
    await confirm_split(splits.world, splits.principal, splits.request(), share=new.share, **where)
    with pytest.raises(Conflict) as refused:
        await splits.sign(made.wallet.id, old)
    assert refused.value.code is Code.SHARE_STALE


async def test_who_lost_the_share_recovers_with_the_recovery_share(splits: Splits) -> None:
    """Also after a refresh: the server keeps its half of the line that was backed up."""
    made, share = await splits.make()
    where = {"wallet_id": made.wallet.id}
    before = await splits.sign(made.wallet.id, share)
    kept = await back_up(splits.world, splits.principal, splits.request(), share=share, **where)
    new = await refresh_split(
        splits.world, splits.principal, splits.request(), share=share, **where
    )
    await splits.sign(made.wallet.id, new.share)
    found = await recover(
        splits.world, splits.principal, splits.request(), recovery=kept.share, **where
    )
    assert (await splits.sign(made.wallet.id, found.share)).signature == before.signature
    with pytest.raises(Conflict):
        await splits.sign(made.wallet.id, new.share)


async def test_the_recovery_share_of_a_line_is_always_the_same(splits: Splits) -> None:
    """Two of them would be the key, without the client and without the server."""
    made, share = await splits.make()
    where = {"wallet_id": made.wallet.id, "share": share}
    shares = [
        await back_up(splits.world, splits.principal, splits.request(), **where) for _ in range(2)
    ]
    assert shares[0].share == shares[1].share


@pytest.mark.parametrize("curve", [Curve.SECP256K1, Curve.ED25519])
async def test_an_ejected_key_is_the_clients_and_signs_here_no_more(
    splits: Splits, curve: Curve
) -> None:
    """Both shares join to the key; the server gives its own once, and stops."""
    made, share = await splits.make(curve)
    where = {"wallet_id": made.wallet.id}
    with pytest.raises(Forbidden) as refused:
        await eject(splits.world, splits.principal, splits.request(), **where)
    assert refused.value.code is Code.EJECT_NOT_ENABLED
    await enable_eject(splits.world, splits.principal, splits.request(), **where)
    given = await eject(splits.world, splits.principal, splits.request(), **where)
    order = ORDERS[curve]
    points = [
        Point.from_bytes(one, order=order)
        for one in (read(share).point, given.share.point.reveal())
    ]
    secret = join(*points, order=order)
    if curve is Curve.SECP256K1:
        address = EthAccount.from_key(secret.to_bytes(32)).address
        assert bytes.fromhex(address[2:]) == address_of(made.key.public_key)
    for again in (
        splits.sign(made.wallet.id, share),
        eject(splits.world, splits.principal, splits.request(), **where),
    ):
        with pytest.raises(ValetkeyError) as refused_again:
            await again
        assert refused_again.value.code in {Code.WALLET_EJECTED, Code.EJECT_NOT_ENABLED}


async def test_the_plan_is_written_before_a_signature_exists(splits: Splits) -> None:
    """What the signer does not carry out stays written down, and lapses."""
    made, share = await splits.make()
    signed = await splits.sign(made.wallet.id, share, HELLO)
    activity = await splits.world.store.read(lambda view: view.get(Activity, signed.activity.id))
    assert activity is not None
    assert activity.state is ActivityState.DONE
    assert activity.signing is not None
    assert activity.signing.form == "message"
