"""Whoever is shut out while shares are joined gets nothing of what comes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from tests.flows.frosts import begin, sign_apart
from tests.flows.splits import Splits, make_splits
from tests.flows.test_split_races import slowed
from tests.flows.test_split_sessions import make_client
from tests.worlds import dump
from valetkey.core.credential import Credential
from valetkey.core.custody import Purpose
from valetkey.core.errors import Code, Forbidden, Unauthenticated, ValetkeyError
from valetkey.core.organization import Organization
from valetkey.core.scope import Role, Standing
from valetkey.core.session import Session, State
from valetkey.core.surface import Surface
from valetkey.core.wallet import Curve, PublicKey
from valetkey.flows.kept_shares import keep_share, kept_shares
from valetkey.flows.split import CreateSplit, create_split
from valetkey.flows.split_eject import eject, enable_eject
from valetkey.flows.split_shares import back_up, confirm_split, recover, refresh_split

if TYPE_CHECKING:
    from collections.abc import Callable

    from valetkey.core.principal import Principal
    from valetkey.ports import Tx

Stop = tuple[type[ValetkeyError], Code]
OTHER: Final = PublicKey(Curve.P256, b"\x02" + bytes(31) + b"\x07")
STOPS: Final[dict[str, Stop]] = {
    "revoked": (Unauthenticated, Code.PROOF_REFUSED),
    "lessened": (Forbidden, Code.SCOPE_MISSING),
    "moved": (Forbidden, Code.ORGANIZATION_MOVED),
}


def stop(tx: Tx, principal: Principal, name: str) -> None:
    """Shut *principal* out."""
    if name == "moved":
        owner = tx.get(Organization, principal.organization_id)
        assert owner is not None
        tx.put(replace(owner, moved_at=1, moved_for=bytes(32)))
        return
    credential = tx.get(Credential, principal.subject_id)
    assert credential is not None
    if name == "revoked":
        tx.put(replace(credential, revoked_at=1))
    else:
        tx.put(replace(credential, standing=Standing(Role.AUDITOR)))


async def ask(splits: Splits, purpose: Purpose, wallet_id: str, share: str) -> object:
    """Ask for *purpose*; *share* is the recovery share where that is what is joined."""
    asked = (splits.world, splits.principal, splits.request())
    if purpose is Purpose.SIGN:
        return await splits.sign(wallet_id, share)
    if purpose is Purpose.CREATE:
        return await create_split(*asked, CreateSplit(Curve.ED25519))
    if purpose is Purpose.EJECT:
        return await eject(*asked, wallet_id=wallet_id)
    if purpose is Purpose.RECOVER:
        return await recover(*asked, wallet_id=wallet_id, recovery=share)
    if purpose in {Purpose.FROST, Purpose.AGGREGATE}:
        apart = begin if purpose is Purpose.FROST else sign_apart
        return await apart(splits, wallet_id, share)
    verb = {Purpose.REFRESH: refresh_split, Purpose.CONFIRM: confirm_split}.get(purpose, back_up)
    return await verb(*asked, wallet_id=wallet_id, share=share)


@pytest.mark.parametrize("name", STOPS)
@pytest.mark.parametrize("purpose", Purpose)
async def test_who_is_shut_out_while_shares_are_joined_gets_nothing(
    purpose: Purpose, name: str
) -> None:
    """Between plan and answer a signer works: what it made is for who may still ask."""
    splits = await make_splits()
    made, share = await splits.make(Curve.ED25519)
    if purpose is Purpose.RECOVER:
        asked = (splits.world, splits.principal, splits.request())
        share = (await back_up(*asked, wallet_id=made.wallet.id, share=share)).share
    if purpose is Purpose.EJECT:
        asked = (splits.world, splits.principal, splits.request())
        await enable_eject(*asked, wallet_id=made.wallet.id)
    left: list[object] = []

    async def come_between() -> None:
        await splits.world.store.write(lambda tx: stop(tx, splits.principal, name))
        left.append(await dump(splits.world))

    kind, code = STOPS[name]
    with pytest.raises(kind) as told:
        await ask(slowed(splits, purpose, come_between), purpose, made.wallet.id, share)
    assert told.value.code is code
    assert left == [await dump(splits.world)]


@pytest.mark.parametrize("field", ["key", "state"])
async def test_a_session_that_is_stopped_while_shares_are_joined_gets_no_signature(
    field: str,
) -> None:
    """Of another key by now, or revoked."""
    client = await make_client()
    splits, wallet_id = client.splits, client.made.wallet.id
    principal = await client.session(Surface.PORTAL)
    changed: dict[str, object] = {"key": OTHER} if field == "key" else {"state": State.REVOKED}

    async def come_between() -> None:
        await splits.world.store.write(_changing(principal, changed))

    slow = slowed(splits, Purpose.SIGN, come_between)
    with pytest.raises(ValetkeyError) as told:
        await slow.sign(wallet_id, client.share, principal=principal)
    assert told.value.code in {Code.PROOF_REFUSED, Code.SESSION_REVOKED}


def _changing(principal: Principal, changed: dict[str, object]) -> Callable[[Tx], None]:
    def body(tx: Tx) -> None:
        session = tx.get(Session, principal.subject_id)
        assert session is not None
        tx.put(replace(session, **changed))  # type: ignore[arg-type]

    return body


@pytest.mark.parametrize("name", ["key", "moved"])
async def test_a_share_is_neither_kept_nor_given_for_who_is_shut_out(name: str) -> None:
    """The proof was before the share was opened or sealed: it is looked at again."""
    client = await make_client()
    splits, wallet_id = client.splits, client.made.wallet.id
    principal = await client.session(Surface.PARA)
    await keep_share(splits.world, principal, wallet_id=wallet_id, share=client.share)
    assert await kept_shares(splits.world, principal) == [(wallet_id, client.share)]
    if name == "key":
        await splits.world.store.write(_changing(principal, {"key": OTHER}))
    else:
        await splits.world.store.write(lambda tx: stop(tx, splits.principal, name))
    before = await dump(splits.world)
    with pytest.raises(ValetkeyError) as told:
        await keep_share(splits.world, principal, wallet_id=wallet_id, share=client.share)
    assert told.value.code in {Code.PROOF_REFUSED, Code.ORGANIZATION_MOVED}
    with pytest.raises(ValetkeyError) as told:
        await kept_shares(splits.world, principal)
    assert told.value.code in {Code.PROOF_REFUSED, Code.ORGANIZATION_MOVED}
    assert await dump(splits.world) == before
