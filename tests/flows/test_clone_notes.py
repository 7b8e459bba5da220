"""The files with which sessions of clones end, whoever sends them: checked, and tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.flows.registering import PERSONAL, asked, registered, set_fund, stage
from valetkey.client.kill_note import check_note
from valetkey.core.activity import ActivityState
from valetkey.core.chain import GrantStage
from valetkey.core.errors import Conflict, Malformed
from valetkey.core.grant import KillBy
from valetkey.core.plan import chain_id_of, consent_digests
from valetkey.core.session import Proof
from valetkey.core.wallet import OwnerKey
from valetkey.devchain import dev_keys
from valetkey.devchain.transact import transact
from valetkey.flows.grant import granted, kill_note_of
from valetkey.spec.clone import deploy_calldata
from valetkey.spec.permission_bytes import revoke_by_key_calldata, revoke_signed_calldata
from valetkey.spec.secp256k1 import sign_digest
from valetkey.wire.base import hexed
from valetkey.wire.clone import write_clone
from valetkey.wire.session import KillNote

if TYPE_CHECKING:
    from tests.flows.people import Holding
    from tests.flows.scene import Scene
    from valetkey.core.session import Session


async def note_of(scene: Scene, session: Session) -> KillNote:
    """Return the note that the server gives the owner, as a file says it."""
    _, account, intent = await kill_note_of(scene.world, scene.principal, session_id=session.id)
    return KillNote(
        session_id=session.id,
        chain=account.chain,
        chain_id=chain_id_of(account.chain),
        account=hexed(account.address),
        grant_id=hexed(granted(session).grant_id),
        calldata=hexed(intent.data),
        text="",
        clone=write_clone(account.clone),
    )


@pytest.mark.parametrize("is_clone", [True, False], ids=["clone", "delegated"])
async def test_the_relayers_note_ends_it_without_the_server(
    scene: Scene, *, is_clone: bool
) -> None:
    """Checked from the file alone: the grant in it names whose signature counts."""
    holding = await scene.wallet(OwnerKey.OUTSIDE, clone=PERSONAL if is_clone else None)
    session = await asked(scene, holding)
    await registered(scene, holding, session, **plain(holding, session))
    checked = check_note(await note_of(scene, session))
    assert checked.kill_by is KillBy.RELAYER
    assert checked.is_clone is is_clone
    assert await stage(scene, holding, session) is GrantStage.OPEN
    transact(scene.rpc, dev_keys()[7], checked.to, data=checked.calldata)
    assert await stage(scene, holding, session) is GrantStage.REVOKED


async def test_what_was_handed_to_nobody_has_no_note(scene: Scene) -> None:
    """The registration failed before any transaction: the session is as unsigned as before."""
    holding = await scene.wallet(OwnerKey.OUTSIDE, clone=PERSONAL)
    session = await asked(scene, holding)
    await set_fund(scene, 0)
    failed = await registered(scene, holding, session)
    assert failed.activity.state is ActivityState.FAILED
    with pytest.raises(Conflict, match="whose owner has signed"):
        await note_of(scene, session)


@pytest.mark.parametrize("kill_by", KillBy)
async def test_a_note_of_a_clone_that_was_changed_is_refused(scene: Scene, kill_by: KillBy) -> None:
    """Another owner, factory, grant or signature: it would not do what it says."""
    holding = await scene.wallet(OwnerKey.OUTSIDE, clone=PERSONAL)
    if kill_by is KillBy.RELAYER:
        session = (await registered(scene, holding, await asked(scene, holding))).session
    else:
        session = (await scene.open(holding, proof=Proof.CHAIN)).session
    note, other = await note_of(scene, session), await asked(scene, holding)
    checked = check_note(note)
    assert checked.kill_by is kill_by
    assert note.clone is not None
    clone, forged = holding.account.clone, b"\x11" * 64 + b"\x1b"
    assert clone is not None

    def carrying(act: bytes) -> str:
        made = deploy_calldata(clone.owner, clone.salt, personal=clone.personal, act=act)
        return hexed(made)

    theirs = granted(other)
    changes: list[dict[str, Any]] = [
        {"clone": None},
        {"account": "0x" + "66" * 20},
        {"grant_id": hexed(theirs.grant_id)},
        {"calldata": f"{note.calldata}00"},
        {"calldata": note.calldata[:400]},
        {"calldata": "0x"},
        {"calldata": carrying(b"")},
        {"calldata": carrying(revoke_signed_calldata(checked.grant_id, forged))},
        {"calldata": carrying(revoke_by_key_calldata(granted(session).packed, forged))},
        {"calldata": carrying(revoke_by_key_calldata(theirs.packed, checked.signature))},
        {"calldata": carrying(revoke_by_key_calldata(b"\x01", checked.signature))},
    ]
    changes += [
        {"clone": msgspec.structs.replace(note.clone, **{part: "0x" + "66" * 20})}
        for part in ("factory", "implementation", "owner")
    ]
    for change in changes:
        with pytest.raises(Malformed):
            check_note(msgspec.structs.replace(note, **change))


def plain(holding: Holding, session: Session) -> dict[str, bytes]:
    """Return what the owner of an account by delegation signs: nothing else is taken from them."""
    if holding.account.clone is not None:
        return {}
    assert holding.secret is not None
    given, _ = consent_digests(granted(session), holding.account)
    return {"owner_signature": sign_digest(given, holding.secret)}
