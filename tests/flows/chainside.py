"""What a holder can do without us: bring a run of their own to the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.plan import plan_run, run_intent
from valetkey.devchain import dev_keys, transact
from valetkey.spec import secp256k1

if TYPE_CHECKING:
    from tests.flows.scene import Held, Scene
    from valetkey.core.activity import RunPlan
    from valetkey.core.permission.model import Call
    from valetkey.core.session import Session


def bring(scene: Scene, held: Held, session: Session, *calls: Call, nonce: int) -> None:
    """Sign a run of *calls* as the holder, and let a stranger bring it, past the server."""
    assert session.grant is not None
    assert session.permission is not None
    account = held.holding.account
    plan = plan_run(
        session.grant,
        account,
        session.permission,
        calls,
        rules=[0] * len(calls),
        nonce=nonce,
        deadline=scene.clock.now() + 60,
    )
    bring_plan(scene, held, session, plan)


def bring_plan(scene: Scene, held: Held, session: Session, plan: RunPlan) -> None:
    """Sign a run that the server planned, and let a stranger bring it."""
    assert session.grant is not None
    signature = secp256k1.sign_digest(plan.digest, held.secret)
    account = held.holding.account
    intent = run_intent(session.grant, account, plan, signature, first_use=True)
    transact(scene.rpc, dev_keys()[1], intent.to, data=intent.data)
