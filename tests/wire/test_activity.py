"""Activities as they are answered."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from tests.core.test_execution import CALLS, PLAN, TARGET
from valetkey.core.activity import Activity, ActivityState
from valetkey.wire.activity import write_activity

ASKED = Activity(
    id="act_1",
    organization_id="org_1",
    kind="account:execute",
    principal_id="crd_1",
    request_key="org_1/crd_1/1",
    request_hash="",
    state=ActivityState.AWAITING,
    created_at=7,
    account_id="acc_1",
    execution=PLAN,
)


def test_calls_that_wait_for_a_signature_are_shown() -> None:
    """With all that was signed or is to be, but not the signature itself."""
    shown = msgspec.to_builtins(write_activity(ASKED))
    assert shown["run"] is None
    assert shown["execution"] == {
        "calls": [
            {
                "to": f"0x{TARGET.hex()}",
                "value_wei": str(one.value_wei),
                "data": f"0x{one.data.hex()}",
            }
            for one in CALLS
        ],
        "nonce": str(PLAN.nonce),
        "deadline": PLAN.deadline,
        "digest": f"0x{PLAN.digest.hex()}",
        "is_signed": False,
    }
    signed = replace(ASKED, execution=replace(PLAN, signature=bytes(range(65))))
    told = msgspec.to_builtins(write_activity(signed))["execution"]
    assert told == {**shown["execution"], "is_signed": True}
