"""Sessions on their way to their chains: asked for, signed by owners, and looked at."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.flows.people import sign_typed
from valetkey.core.audit import AuditLine
from valetkey.core.budget import BudgetLine
from valetkey.core.plan import consent_digests
from valetkey.core.session import Proof, Session
from valetkey.core.sponsorship import Fund, fund_line_id
from valetkey.flows import (
    accounts,
    grant,
    open_session,
    reads,
    reconcile,
    register,
    relay,
)
from valetkey.flows.grant import granted
from valetkey.flows.standing import grant_state_of
from valetkey.spec.permission_bytes import personal_digest
from valetkey.spec.secp256k1 import address_of_key, sign_digest

if TYPE_CHECKING:
    from tests.flows.people import Holding
    from tests.flows.scene import Scene
    from valetkey.core.activity import Activity, ActivityState
    from valetkey.core.chain import GrantStage
    from valetkey.ports import Tx


PERSONAL = accounts.AsClone(personal=True)


async def asked(scene: Scene, holding: Holding, *, sponsorship_id: str | None = None) -> Session:
    """Return a pending session whose key is known by its address, bound to the relayer."""
    limits = scene.permission(relayer=scene.world.relayer_address)
    command = scene.command(
        holding,
        proof=Proof.CHAIN,
        permission=limits,
        key=None,
        key_address=address_of_key(scene.new_key()),
        sponsorship_id=sponsorship_id,
    )
    opened = await open_session.open_session(scene.world, scene.principal, scene.request(), command)
    return opened.session


def signed(holding: Holding, session: Session) -> bytes:
    """Return what a wallet makes of the grant by ``personal_sign``."""
    assert holding.secret is not None
    given, _ = consent_digests(granted(session), holding.account)
    return sign_digest(personal_digest(given), holding.secret)


async def registered(
    scene: Scene, holding: Holding, session: Session, **changed: bytes | None
) -> register.Registered:
    """Bring the owner's signature."""
    given = {"owner_signature": signed(holding, session)} | changed
    return await register.register(
        scene.world,
        scene.principal,
        scene.request(),
        session_id=session.id,
        owner_signature=given["owner_signature"],
        kill_note=given.get("kill_note"),
    )


async def stage(scene: Scene, holding: Holding, session: Session) -> GrantStage:
    """Return how the chain has the grant."""
    return (await grant_state_of(scene.chain, holding.account, granted(session))).stage


async def now(scene: Scene, session: Session) -> Session:
    """Return the session as it is written down."""
    return (await reads.session(scene.world, scene.principal, session_id=session.id)).session


async def own_note(scene: Scene, holding: Holding, session: Session) -> bytes:
    """Return the owner's revocation."""
    assert holding.secret is not None
    typed = await grant.consent_of(scene.world, scene.principal, session_id=session.id)
    return sign_typed(typed["kill_note"], holding.secret)


async def settled(scene: Scene, activity: Activity) -> ActivityState:
    """Return how *activity* ended, after a few rounds."""
    for _ in range(4):
        await reconcile.reconcile(scene.world)
    return (await relay.read_activity(scene.world, activity.id)).state


async def set_fund(scene: Scene, limit: int) -> int:
    """Let so much be for runs, and return how much it was before."""
    key = fund_line_id(scene.principal.organization_id, Fund.RUNS)

    def body(tx: Tx) -> int:
        line = tx.get(BudgetLine, key)
        assert line is not None
        tx.put(replace(line, limit=limit))
        return line.limit

    return await scene.world.store.write(body)


async def lines(scene: Scene, session: Session) -> list[str]:
    """Return the events of the log that are about *session*, oldest first."""
    owner = session.organization_id
    found = await scene.world.store.read(lambda view: view.find(AuditLine, organization_id=owner))
    return [one.event for one in found if one.subject_id == session.id]
