"""Split wallets through the SDK, in both forms: the share stays with whoever has it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import rlp  # type: ignore[import-untyped]
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data

from tests.client.both import Client, done
from tests.client.service import CHAIN, Service
from tests.flows.splits import TYPED
from valetkey import Conflict, Forbidden, Malformed, Owner, Valetkey
from valetkey.client.custody import join_ejected, lock_share, unlock_share
from valetkey.core.errors import Code
from valetkey.core.plan import chain_id_of
from valetkey.core.wallet import Curve, PublicKey, address_of
from valetkey.devchain import fund
from valetkey.spec import share_text
from valetkey.spec.ed25519_scalar import public_key_of
from valetkey.spec.password_seal import Cost

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.client.owner import Delegation
    from valetkey.wire import wallet as wire
    from valetkey.wire.custody import Custody

SHOP = b"\x22" * 20
PAYEE = "0x" + "11" * 20


def address(custody: Custody) -> bytes:
    """Return the address of a split wallet."""
    return address_of(PublicKey(Curve.SECP256K1, bytes.fromhex(custody.public_key[2:])))


async def test_it_signs_messages_and_typed_data(vk: Client) -> None:
    """With v as every wallet writes it."""
    made = await done(vk.split.create(label="alice"))
    signed = await done(vk.split.sign(made.wallet.id, made.share, message=b"hello"))
    message = encode_defunct(b"hello")
    found = Account.recover_message(message, signature=signed.signature)
    assert bytes.fromhex(found[2:]) == address(made.custody)
    typed = await done(vk.split.sign(made.wallet.id, made.share, typed_data=TYPED))
    found = Account.recover_message(
        encode_typed_data(full_message=TYPED), signature=typed.signature
    )
    assert bytes.fromhex(found[2:]) == address(made.custody)
    assert made.wallet.owner_key == "split"
    assert await done(vk.split.get(made.wallet.id)) == made.custody


async def test_a_transaction_that_it_signs_is_mined(service: Service, vk: Client) -> None:
    """The account on the chain is the wallet's; it pays, and the shop is paid."""
    made = await done(vk.split.create(chain=CHAIN))
    sender = bytes.fromhex(made.account.address[2:])
    assert sender == address(made.custody)
    fund(service.rpc, service.deployment, sender, 10**18)
    chain_id = int(CHAIN.partition(":")[2])
    fields = [chain_id, 0, 10**9, 10**11, 21_000, SHOP, 5, b"", []]
    raw = b"\x02" + bytes(rlp.encode(fields))
    before = int(str(service.rpc.ask("eth_getBalance", f"0x{SHOP.hex()}", "latest")), 16)
    signed = await done(vk.split.sign(made.wallet.id, made.share, transaction=raw))
    service.rpc.ask("eth_sendRawTransaction", signed.transaction)
    after = int(str(service.rpc.ask("eth_getBalance", f"0x{SHOP.hex()}", "latest")), 16)
    assert after == before + 5


async def test_shares_are_renewed_backed_up_and_recovered(vk: Client) -> None:
    """The address stays, and each old share is refused with why."""
    made = await done(vk.split.create())
    wallet_id = made.wallet.id
    kept = await done(vk.split.back_up(wallet_id, made.share))
    locked = lock_share(kept.recovery_share, "correct horse", cost=Cost(19_456, 2))
    assert unlock_share(locked, "correct horse") == kept.recovery_share
    with pytest.raises(Forbidden):
        unlock_share(locked, "correct hors")
    new = await done(vk.split.refresh(wallet_id, made.share))
    assert (new.custody.generation, new.custody.coming_generation) == (1, 2)
    confirmed = await done(vk.split.confirm(wallet_id, new.share))
    assert (confirmed.generation, confirmed.coming_generation) == (2, None)
    with pytest.raises(Conflict) as stale:
        await done(vk.split.sign(wallet_id, made.share, message=b"hello"))
    assert stale.value.code is Code.SHARE_STALE
    found = await done(vk.split.recover(wallet_id, kept.recovery_share))
    assert await done(vk.split.sign(wallet_id, found.share, message=b"hello"))


@pytest.mark.parametrize("curve", ["secp256k1", "ed25519"])
async def test_a_key_is_taken_out(vk: Client, curve: str) -> None:
    """Both shares join to the private key, here and nowhere else."""
    made = await done(vk.split.create(curve))
    kept = await done(vk.split.back_up(made.wallet.id, made.share))
    new = await done(vk.split.refresh(made.wallet.id, made.share))
    await done(vk.split.confirm(made.wallet.id, new.share))
    await done(vk.split.enable_eject(made.wallet.id))
    given = await done(vk.split.eject(made.wallet.id))
    secret = join_ejected(new.share, given)
    assert join_ejected(kept.recovery_share, given) == secret
    if curve == "ed25519":
        assert f"0x{public_key_of(secret).hex()}" == made.custody.public_key
    else:
        found = Account.from_key(secret).address
        assert bytes.fromhex(found[2:]) == address(made.custody)
    other = share_text.read(new.share)
    for wrong in (replace(other, generation=3), replace(other, point=bytes(63) + b"\x01")):
        with pytest.raises(Forbidden):
            join_ejected(share_text.write(wrong), given)


async def test_a_share_that_was_cut_is_not_sent(vk: Client) -> None:
    """Nor is a request for nothing, or for two things."""
    made = await done(vk.split.create())
    with pytest.raises(Malformed) as cut:
        await done(vk.split.sign(made.wallet.id, made.share[:-1], message=b"hello"))
    assert cut.value.code is Code.MALFORMED_SHARE
    for wanted in ({}, {"message": b"a", "digest": b"\x01" * 32}):
        with pytest.raises(Malformed):
            await done(vk.split.sign(made.wallet.id, made.share, **wanted))
    for lock in (lock_share, unlock_share):
        for text, password in (("vk1", "password"), (made.share, "")):
            with pytest.raises(Malformed):
                lock(text, password)


async def test_the_owner_says_where_raw_digests_are_signed(vk: Client) -> None:
    """For its own organization."""
    made = await done(vk.split.create())
    owner = made.wallet.organization_id
    assert (await done(vk.split.allow_raw(owner, ["portal"]))).id == owner
    signed = await done(vk.split.sign(made.wallet.id, made.share, digest=b"\x01" * 32))
    delegated = await done(vk.split.sign(made.wallet.id, made.share, delegation=(1, SHOP, 0)))
    assert len(signed.signature) == len(delegated.signature) == 2 + 130


async def test_its_owner_opens_sessions_with_the_share(service: Service) -> None:
    """Delegation, grant and kill note are signed by joined shares; the session pays on chain."""
    with Valetkey(service.url, api_key=service.api_key) as vk:
        made = vk.split.create(chain=CHAIN)
        assert made.account is not None
        assert made.share is not None
        owner = split_owner(vk, made.account, made.share)
        service.endow(owner.address)
        vk.accounts.delegate(made.account, owner=owner, implementation=service.implementation)
        session = vk.sessions.open(made.account, service.draft(), owner=owner)
        assert session.show().owner_key == "split"
        assert session.transfer(service.token, PAYEE, "1.5").state == "done"


def split_owner(vk: Valetkey, account: wire.Account, share: str) -> Owner:
    """Return the owner of a split wallet: who signs is the server, with the share."""

    def typed_data(data: Mapping[str, object]) -> str:
        return vk.split.sign(account.wallet_id, share, typed_data=data).signature

    def delegation(wanted: Delegation) -> str:
        asked = (chain_id_of(wanted.chain), wanted.delegate, wanted.nonce)
        return vk.split.sign(account.wallet_id, share, delegation=asked).signature

    return Owner.external(account.address, typed_data=typed_data, delegation=delegation)
