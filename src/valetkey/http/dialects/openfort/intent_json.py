"""Transaction intents as Openfort's clients read them: calls of an account, and acts on it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

from msgspec import UNSET, Struct, UnsetType

from valetkey.core.activity import Activity, ActivityState
from valetkey.flows.registered import REGISTER
from valetkey.flows.settle import EXECUTE, REVOKE
from valetkey.http.dialects.openfort import ids
from valetkey.http.dialects.openfort.chains import number_of
from valetkey.http.dialects.openfort.named import Named
from valetkey.http.dialects.openfort.next_action import (
    NextAction,
    UserOperation,
    abstraction_of,
    act_of,
    operation_of,
    to_execute,
)
from valetkey.wire.base import hexed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.activity import Outcome
    from valetkey.core.chain import Log
    from valetkey.core.wallet import Account

_ACTS: Final = frozenset({REGISTER, REVOKE})
_SAID: Final = {
    "call_reverted": "A call of it reverts; nothing was made, and no use of the session is gone.",
    "deadline_passed": "It was not on its way in time; ask for it again.",
}


class InteractionJson(Struct, frozen=True, rename="camel", kw_only=True):
    """One call, as it is made."""

    to: str
    value: str
    data: str
    function_name: str | UnsetType = UNSET


class ErrorJson(Struct, frozen=True):
    """
    Why it was not made.

    Args:
        reason: What the chain said, or this server.
        name: The code of that.
    """

    reason: str
    name: str
    explanation: str | UnsetType = UNSET


class LogJson(Struct, frozen=True, rename="camel", kw_only=True):
    """What a contract said."""

    address: str
    topics: list[str]
    data: str
    log_index: int
    block_number: int
    transaction_hash: str
    removed: bool = False


class ResponseJson(Struct, frozen=True, rename="camel", kw_only=True):
    """
    How it ended.

    Args:
        status: 1 if all was made, 0 if nothing was.
        gas_used, gas_fee: Of the transaction, as text; none where there is no transaction.
        logs: What contracts said, where one intent is answered alone; empty in lists.
    """

    created_at: int
    status: Literal[0, 1]
    to: str
    logs: list[LogJson]
    block_number: int | UnsetType = UNSET
    transaction_hash: str | UnsetType = UNSET
    gas_used: str | UnsetType = UNSET
    gas_fee: str | UnsetType = UNSET
    l1_gas_used: str | UnsetType = UNSET
    l1_gas_fee: str | UnsetType = UNSET
    error: ErrorJson | UnsetType = UNSET


class Transition(Struct, frozen=True, rename="camel"):
    """One step of it."""

    from_status: str
    to_status: str
    at: int


class Details(Struct, frozen=True, rename="camel"):
    """The operation once more, where one generation of clients reads it."""

    user_operation: UserOperation
    user_operation_hash: str


class IntentJson(Struct, frozen=True, rename="camel", kw_only=True):
    """A transaction intent as it is answered."""

    id: str
    created_at: int
    updated_at: int
    chain_id: int
    abstraction_type: str
    details: Details
    user_operation: UserOperation
    user_operation_hash: str
    interactions: list[InteractionJson]
    transitions: list[Transition]
    account: Named
    player: Named | UnsetType = UNSET
    policy: Named | UnsetType = UNSET
    next_action: NextAction | UnsetType = UNSET
    response: ResponseJson | UnsetType = UNSET
    object: Literal["transactionIntent"] = "transactionIntent"


def is_intent(activity: Activity) -> bool:
    """Say whether *activity* is shown as an intent: calls, or an act that goes to the chain."""
    is_act = activity.kind in _ACTS and activity.intent is not None
    return is_act or (activity.kind == EXECUTE and activity.execution is not None)


def write_intent(activity: Activity, account: Account, logs: Sequence[Log] = ()) -> IntentJson:
    """Return *activity* (`is_intent`) of *account* as it is answered, with its *logs*."""
    plan = activity.execution
    waits = activity.state is ActivityState.AWAITING
    operation = operation_of(plan, account) if plan else act_of(_data(activity), account)
    digest = hexed(plan.digest if plan else bytes(32))
    times = [step.at_ms // 1000 for step in activity.times]
    outcome = activity.outcome
    return IntentJson(
        id=ids.shown(activity.id, ids.INTENT),
        created_at=activity.created_at,
        updated_at=max([activity.created_at, *times]),
        chain_id=number_of(account.chain),
        abstraction_type=abstraction_of(account),
        details=Details(operation, digest),
        user_operation=operation,
        user_operation_hash=digest,
        interactions=_interactions(activity, account),
        transitions=_transitions(activity),
        account=Named(ids.shown(account.id, ids.ACCOUNT)),
        player=Named(ids.shown(account.user_id, ids.PLAYER)) if account.user_id else UNSET,
        policy=_policy(activity),
        next_action=to_execute(plan, account) if plan and waits else UNSET,
        response=_response(activity, outcome, account, logs) if outcome else UNSET,
    )


def _data(activity: Activity) -> bytes:
    return activity.intent.data if activity.intent else b""


def _policy(activity: Activity) -> Named | UnsetType:
    named = activity.sponsorship_id
    return Named(ids.shown(named, "pol_")) if named else UNSET


def _interactions(activity: Activity, account: Account) -> list[InteractionJson]:
    if activity.execution is None:
        name = activity.kind.partition(":")[2]
        to, data = hexed(account.address), hexed(_data(activity))
        return [InteractionJson(to=to, value="0", data=data, function_name=name)]
    return [
        InteractionJson(to=hexed(one.to), value=str(one.value_wei), data=hexed(one.data))
        for one in activity.execution.calls
    ]


def _transitions(activity: Activity) -> list[Transition]:
    return [
        Transition(before.name, after.name, after.at_ms // 1000)
        for before, after in pairwise(activity.times)
    ]


def _response(
    activity: Activity, outcome: Outcome, account: Account, logs: Sequence[Log]
) -> ResponseJson:
    last = activity.times[-1].at_ms // 1000 if activity.times else activity.created_at
    mined = outcome.tx_hash is not None
    return ResponseJson(
        created_at=outcome.block_at or last,
        status=1 if outcome.succeeded else 0,
        to=hexed(activity.intent.to if activity.intent else account.address),
        logs=[_log(one, outcome) for one in logs],
        block_number=outcome.block_number or UNSET,
        transaction_hash=hexed(outcome.tx_hash) if outcome.tx_hash else UNSET,
        gas_used=str(outcome.gas_used) if mined else UNSET,
        gas_fee=str(outcome.fee_wei) if mined else UNSET,
        l1_gas_used="0" if mined else UNSET,
        l1_gas_fee="0" if mined else UNSET,
        error=UNSET if outcome.succeeded else _error(outcome),
    )


def _error(outcome: Outcome) -> ErrorJson:
    code = outcome.code or "chain_rejected"
    return ErrorJson(outcome.detail, code, _SAID.get(code, UNSET))


def _log(one: Log, outcome: Outcome) -> LogJson:
    return LogJson(
        address=hexed(one.address),
        topics=[hexed(topic) for topic in one.topics],
        data=hexed(one.data),
        log_index=one.index,
        block_number=outcome.block_number or 0,
        transaction_hash=hexed(outcome.tx_hash or b""),
    )
