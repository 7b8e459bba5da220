"""What is refused of split wallets, each with a code of its own, and nothing changes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.splits import HELLO, Splits, make_splits
from tests.worlds import SeededEntropy, dump, make_organization, make_world
from valetkey.adapters.signer.local import LocalSigner
from valetkey.adapters.vault.key_encryption_key import KeyEncryptionKey
from valetkey.adapters.vault.sealed import SealedVault
from valetkey.core.activity import Activity, ActivityState
from valetkey.core.errors import (
    Code,
    Conflict,
    Forbidden,
    Malformed,
    NotFound,
    Unavailable,
    ValetkeyError,
)
from valetkey.core.principal import ANONYMOUS, PrincipalKind
from valetkey.core.scope import Scope
from valetkey.core.secret_bytes import SecretBytes
from valetkey.core.split_share import client_share
from valetkey.core.wallet import Curve, OwnerKey
from valetkey.flows.accounts import AddWallet, add_wallet
from valetkey.flows.reconcile import reconcile
from valetkey.flows.split import CreateSplit, create_split
from valetkey.flows.split_eject import eject, enable_eject
from valetkey.flows.split_shares import back_up, recover, refresh_split
from valetkey.spec import share_text
from valetkey.spec.shamir import ORDERS, Point

if TYPE_CHECKING:
    from valetkey.core.custody import Carried, Order


@pytest.fixture
async def splits() -> Splits:
    """Give a world of its own."""
    return await make_splits()


async def refused(splits: Splits, wallet_id: str, share: str) -> ValetkeyError:
    """Return why a signature is refused."""
    with pytest.raises(ValetkeyError) as told:
        await splits.sign(wallet_id, share)
    return told.value


async def test_each_fault_of_a_share_has_a_code_of_its_own(splits: Splits) -> None:
    """Cut, of another wallet, of another time, wrong: whoever holds it knows what to look for."""
    made, share = await splits.make()
    other, others = await splits.make()
    point = share_text.read(share).point
    beyond = Point(1, 1).to_bytes()[:32] + ORDERS[Curve.SECP256K1].to_bytes(32)
    wrong = point[:63] + bytes((point[63] ^ 1,))
    wallet_id = made.wallet.id
    asked = {
        "cut": (share[:-1], Code.MALFORMED_SHARE),
        "empty": ("", Code.MALFORMED_SHARE),
        "beyond": (client_share(wallet_id, 1, SecretBytes(beyond)), Code.MALFORMED_SHARE),
        "swapped": (others, Code.SHARE_OF_ANOTHER_WALLET),
        "later": (client_share(wallet_id, 2, SecretBytes(point)), Code.SHARE_STALE),
        "wrong": (client_share(wallet_id, 1, SecretBytes(wrong)), Code.SHARE_REFUSED),
        "another's": (
            client_share(wallet_id, 1, SecretBytes(share_text.read(others).point)),
            Code.SHARE_REFUSED,
        ),
    }
    for name, (text, code) in asked.items():
        assert (await refused(splits, wallet_id, text)).code is code, name
    assert (await splits.sign(wallet_id, share)).signature
    assert (await splits.sign(other.wallet.id, others)).signature


async def test_what_is_refused_before_it_is_planned_leaves_nothing(splits: Splits) -> None:
    """No activity, no line in the log, no share used."""
    made, share = await splits.make()
    other, others = await splits.make()
    before = await dump(splits.world)
    for wallet_id, text in ((made.wallet.id, share[:-1]), (other.wallet.id, share)):
        await refused(splits, wallet_id, text)
    await refused(splits, "wal_" + "0" * 24, others)
    assert await dump(splits.world) == before


async def test_a_wrong_share_is_written_down_as_failed(splits: Splits) -> None:
    """Somebody tried: the activity and the log say so."""
    made, share = await splits.make()
    point = share_text.read(share).point
    wrong = client_share(made.wallet.id, 1, SecretBytes(point[:63] + bytes((point[63] ^ 1,))))
    await refused(splits, made.wallet.id, wrong)
    found = await splits.world.store.read(lambda view: view.find(Activity))
    failed = [one.outcome for one in found if one.state is ActivityState.FAILED]
    assert [one and one.code for one in failed] == [Code.SHARE_REFUSED]


async def test_a_recovery_share_does_not_sign_nor_a_client_share_recover(splits: Splits) -> None:
    """They are for two things, also when somebody renames one to the other."""
    made, share = await splits.make()
    where = {"wallet_id": made.wallet.id}
    kept = await back_up(splits.world, splits.principal, splits.request(), share=share, **where)
    assert (await refused(splits, made.wallet.id, kept.share)).code is Code.MALFORMED_SHARE
    renamed = share_text.write(replace(share_text.read(share), kind=share_text.RECOVERY))
    for text, code in ((share, Code.MALFORMED_SHARE), (renamed, Code.SHARE_REFUSED)):
        with pytest.raises(ValetkeyError) as told:
            await recover(splits.world, splits.principal, splits.request(), recovery=text, **where)
        assert told.value.code is code


async def test_a_recovery_share_of_before_the_newest_backup_is_stale(splits: Splits) -> None:
    """The server's half of its line is gone."""
    made, share = await splits.make()
    where = {"wallet_id": made.wallet.id}
    world, who = splits.world, splits.principal
    text = share_text.write(replace(share_text.read(share), kind=share_text.RECOVERY))
    with pytest.raises(ValetkeyError) as none:
        await recover(world, who, splits.request(), recovery=text, **where)
    assert none.value.code is Code.SHARE_STALE
    old = await back_up(world, who, splits.request(), share=share, **where)
    new = await refresh_split(world, who, splits.request(), share=share, **where)
    await back_up(world, who, splits.request(), share=new.share, **where)
    with pytest.raises(Conflict) as told:
        await recover(world, who, splits.request(), recovery=old.share, **where)
    assert told.value.code is Code.SHARE_STALE


async def test_a_copy_of_the_database_signs_nothing_with_the_client_share(splits: Splits) -> None:
    """Restored under another key-encryption key: even with the share nothing opens."""
    made, share = await splits.make()
    entropy = SeededEntropy(99)
    vault = SealedVault(KeyEncryptionKey(SecretBytes(entropy.take(32))), entropy)
    elsewhere = await make_world(store=splits.world.store, seed=98)
    signer = LocalSigner(
        vault, elsewhere.approver.public_key, clock=elsewhere.clock, entropy=entropy
    )
    stolen = replace(splits, world=replace(elsewhere, signer=signer))
    told = await refused(stolen, made.wallet.id, share)
    assert told.code is Code.VAULT_REFUSED
    assert isinstance(told, Unavailable)
    assert (await splits.sign(made.wallet.id, share)).signature


async def test_a_stolen_share_is_worth_nothing_without_a_proof(splits: Splits) -> None:
    """Nobody, another organization, a key without the scope, a publishable key: no signature."""
    made, share = await splits.make()
    stranger = await make_organization(splits.world, "Other")
    scopes = splits.principal.scopes
    thieves = {
        Code.PROOF_MISSING: ANONYMOUS,
        Code.NOT_FOUND: stranger.principal,
        Code.SCOPE_MISSING: splits.principal._replace(scopes=scopes - {Scope.WALLETS_SIGN}),
        Code.NOT_ALLOWED: splits.principal._replace(kind=PrincipalKind.PUBLISHABLE),
    }
    for code, thief in thieves.items():
        with pytest.raises(ValetkeyError) as told:
            await splits.sign(made.wallet.id, share, principal=thief)
        assert told.value.code is code


async def test_whoever_may_sign_may_not_decide_on_custody(splits: Splits) -> None:
    """An operator signs; that a key is given away, its owner decides."""
    made, _ = await splits.make()
    held_to = splits.principal.scopes - {Scope.CUSTODY_WRITE}
    operator = splits.principal._replace(scopes=held_to)
    with pytest.raises(Forbidden) as told:
        await enable_eject(splits.world, operator, splits.request(), wallet_id=made.wallet.id)
    assert told.value.code is Code.SCOPE_MISSING


async def test_an_ejection_is_answered_once_for_each_time_that_it_is_allowed(
    splits: Splits,
) -> None:
    """If the answer was lost the owner allows it again; nothing else is possible any more."""
    made, share = await splits.make()
    where = {"wallet_id": made.wallet.id}
    world, who = splits.world, splits.principal
    for _ in range(2):
        await enable_eject(world, who, splits.request(), **where)
        assert (await eject(world, who, splits.request(), **where)).key.ejected_at is not None
        with pytest.raises(Forbidden) as told:
            await eject(world, who, splits.request(), **where)
        assert told.value.code is Code.EJECT_NOT_ENABLED
        with pytest.raises(Conflict) as over:
            await refresh_split(world, who, splits.request(), share=share, **where)
        assert over.value.code is Code.WALLET_EJECTED


async def test_only_split_wallets_have_shares(splits: Splits) -> None:
    """A wallet of another kind says which it is; a split one is not added as one of those."""
    made, share = await splits.make()
    for command in (
        CreateSplit(Curve.P256),
        CreateSplit(Curve.SECP256K1, chain="eip155:1"),
        CreateSplit(Curve.SECP256K1, user_id="usr_" + "0" * 24),
    ):
        with pytest.raises((Malformed, NotFound)):
            await create_split(splits.world, splits.principal, splits.request(), command)
    wanted = AddWallet("eip155:1", OwnerKey.SPLIT, None, None, "")
    with pytest.raises(Malformed):
        await add_wallet(splits.world, splits.principal, splits.request(), wanted)
    assert (await splits.sign(made.wallet.id, share)).signature


async def test_a_repeated_creation_is_the_same_wallet_without_its_share(splits: Splits) -> None:
    """The share is shown once: an answer that was repeated does not show it again."""
    request, command = splits.request(), CreateSplit(Curve.SECP256K1)
    first = await create_split(splits.world, splits.principal, request, command)
    again = await create_split(splits.world, splits.principal, request, command)
    assert again.wallet == first.wallet
    assert first.share is not None
    assert again.share is None


async def test_what_nobody_carried_out_lapses(splits: Splits) -> None:
    """A signer that does not answer leaves a plan; the share is nowhere here to go on with."""
    made, share = await splits.make()
    silent = replace(splits, world=replace(splits.world, signer=_Silent()))
    request = splits.request()
    with pytest.raises(Unavailable):
        await silent.sign(made.wallet.id, share, request=request)
    again = await splits.sign(made.wallet.id, share, request=request)
    assert again.activity.state is ActivityState.DONE
    with pytest.raises(Unavailable):
        await silent.sign(made.wallet.id, share)
    await reconcile(splits.world)
    assert await _states(splits) == {ActivityState.DONE, ActivityState.AWAITING}
    splits.world.clock.advance(301)  # type: ignore[attr-defined]  # the tests' clock
    await reconcile(splits.world)
    assert await _states(splits) == {ActivityState.DONE, ActivityState.LAPSED}


async def _states(splits: Splits) -> set[ActivityState]:
    found = await splits.world.store.read(lambda view: view.find(Activity))
    return {one.state for one in found if one.kind == "wallet:sign"}


class _Silent:
    """A signer that is not there."""

    async def check(self) -> None:
        """Pass, as if it was there."""

    async def close(self) -> None:
        """Do nothing."""

    async def carry_out(self, order: Order) -> Carried:
        """Do not answer."""
        del order
        raise Unavailable(Code.SIGNER_UNAVAILABLE, "expected an answer, got none")


async def test_the_same_request_for_something_else_is_refused(splits: Splits) -> None:
    """A request id stands for one body."""
    made, share = await splits.make()
    request = splits.request()
    await splits.sign(made.wallet.id, share, HELLO, request=request)
    with pytest.raises(Conflict) as told:
        await splits.sign(made.wallet.id, share, HELLO, request=replace(request, hash="another"))
    assert told.value.code is Code.REQUEST_ID_REUSED
