"""
The grant format, version 1: what an owner signs, each use carries and the account contract keeps.

Described for people in ``docs/reference/grant-format.md``. Values check themselves when they are
made: a `Grant` that exists can be encoded, and there is exactly one encoding, so one signed text
stands for one grant id.
"""

from valetkey.spec.permission_bytes.calldata import (
    cap_of_calldata,
    epoch_calldata,
    freeze_calldata,
    freeze_of_calldata,
    freeze_signed_calldata,
    raise_epoch_calldata,
    register_calldata,
    revoke_by_key_calldata,
    revoke_calldata,
    revoke_signed_calldata,
    run_calldata,
    state_of_calldata,
    unfreeze_calldata,
    unfreeze_signed_calldata,
)
from valetkey.spec.permission_bytes.calls import RunCall, decode_calls, encode_calls
from valetkey.spec.permission_bytes.grant import Grant, decode_grant, encode_grant, grant_id
from valetkey.spec.permission_bytes.opened import (
    OpenGrant,
    decode_open_grant,
    encode_open_grant,
)
from valetkey.spec.permission_bytes.refusal import Refusal, decode_refusal
from valetkey.spec.permission_bytes.rule import Rule, RuleKind
from valetkey.spec.permission_bytes.run import PackedRun, pack_run
from valetkey.spec.permission_bytes.signature import (
    es256_signature,
    is_run_signed_by,
    personal_digest,
)
from valetkey.spec.permission_bytes.slots import (
    EPOCH_SLOT,
    NAMESPACE,
    CapState,
    FreezeState,
    SlotState,
    Status,
    cap_slot,
    decode_cap_state,
    decode_freeze_state,
    decode_slot_state,
    encode_cap_state,
    encode_freeze_state,
    encode_slot_state,
    freeze_slot,
    state_slot,
)
from valetkey.spec.permission_bytes.tree import ProvenRule, RuleTree
from valetkey.spec.permission_bytes.typed import (
    freeze_typed_data,
    grant_typed_data,
    revoke_typed_data,
    run_digest,
    run_typed_data,
    unfreeze_typed_data,
)
from valetkey.spec.permission_bytes.value_moving import VALUE_MOVING
from valetkey.spec.permission_bytes.values import (
    MAX_CAPS,
    MAX_CHECKS,
    MAX_PROOF,
    MAX_RULES,
    NATIVE_VALUE,
    NEVER_EXPIRES,
    NO_CALL_LIMIT,
    NONCE_WINDOW,
    Cap,
    Constraint,
    GrantFormatError,
    Meter,
    Operator,
)

__all__ = [
    "EPOCH_SLOT",
    "MAX_CAPS",
    "MAX_CHECKS",
    "MAX_PROOF",
    "MAX_RULES",
    "NAMESPACE",
    "NATIVE_VALUE",
    "NEVER_EXPIRES",
    "NONCE_WINDOW",
    "NO_CALL_LIMIT",
    "VALUE_MOVING",
    "Cap",
    "CapState",
    "Constraint",
    "FreezeState",
    "Grant",
    "GrantFormatError",
    "Meter",
    "OpenGrant",
    "Operator",
    "PackedRun",
    "ProvenRule",
    "Refusal",
    "Rule",
    "RuleKind",
    "RuleTree",
    "RunCall",
    "SlotState",
    "Status",
    "cap_of_calldata",
    "cap_slot",
    "decode_calls",
    "decode_cap_state",
    "decode_freeze_state",
    "decode_grant",
    "decode_open_grant",
    "decode_refusal",
    "decode_slot_state",
    "encode_calls",
    "encode_cap_state",
    "encode_freeze_state",
    "encode_grant",
    "encode_open_grant",
    "encode_slot_state",
    "epoch_calldata",
    "es256_signature",
    "freeze_calldata",
    "freeze_of_calldata",
    "freeze_signed_calldata",
    "freeze_slot",
    "freeze_typed_data",
    "grant_id",
    "grant_typed_data",
    "is_run_signed_by",
    "pack_run",
    "personal_digest",
    "raise_epoch_calldata",
    "register_calldata",
    "revoke_by_key_calldata",
    "revoke_calldata",
    "revoke_signed_calldata",
    "revoke_typed_data",
    "run_calldata",
    "run_digest",
    "run_typed_data",
    "state_of_calldata",
    "state_slot",
    "unfreeze_calldata",
    "unfreeze_signed_calldata",
    "unfreeze_typed_data",
]
