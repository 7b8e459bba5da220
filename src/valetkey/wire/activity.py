"""Calls, runs, and the activities that they become."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta, field

from valetkey.core.errors import Code
from valetkey.core.permission.model import Call as CoreCall
from valetkey.wire.base import (
    Address,
    Amount,
    Asked,
    Hex,
    Integer,
    RunSignature,
    Seconds,
    Told,
    Word,
    hexed,
    read_address,
    read_amount,
    read_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core import activity as core
    from valetkey.core.grant import Grant
    from valetkey.core.session import Step as CoreStep
    from valetkey.core.wallet import Account


class Call(Asked, frozen=True, kw_only=True):
    """One call as the account will make it."""

    to: Address
    value_wei: Amount = "0"
    data: Hex = "0x"


class Run(Asked, frozen=True, kw_only=True):
    """Calls to make together under the session that signs the request."""

    calls: Annotated[list[Call], Meta(min_length=1, max_length=64)]


class SignRun(Asked, frozen=True, kw_only=True):
    """The session key's signature over a run's digest; a P-256 key signs its SHA-256 (ES256)."""

    signature: RunSignature


class Preview(Asked, frozen=True, kw_only=True):
    """Calls to decide about without booking them."""

    calls: Annotated[list[Call], Meta(min_length=1, max_length=64)]


class Verdict(Told, frozen=True, kw_only=True):
    """
    What a run of these calls would be answered now.

    Args:
        rules: Index of the rule that covers each call, when allowed.
        caveat: The place in the permission that refuses, such as ``caps[0].lifetime``.
        call: Index of the call that is refused, or None if the run as a whole is.
    """

    allowed: bool
    rules: list[int] = field(default_factory=list)
    code: str | None = None
    caveat: str | None = None
    detail: str | None = None
    call: int | None = None


class Step(Told, frozen=True, kw_only=True):
    """When something was reached, and on which plane: ``server`` or ``chain``."""

    plane: str
    name: str
    at_ms: Integer


class RunPlan(Told, frozen=True, kw_only=True):
    """What was planned: nothing else can be signed or sent for this activity."""

    calls: list[Call]
    rules: list[int]
    nonce: Integer
    deadline: Seconds
    digest: Word


class Execution(Told, frozen=True, kw_only=True):
    """
    Calls that the owner of the account signs, or the key of a session, whichever it is.

    Args:
        nonce: Of the account's executions, decimal digits.
        digest: Of the typed data of ERC-7821's ``Execute`` over these.
        is_signed: Whether a signature of either has come.
    """

    calls: list[Call]
    nonce: Amount
    deadline: Seconds
    digest: Word
    is_signed: bool


class SignNext(Told, frozen=True, kw_only=True):
    """
    What the holder signs next, with all that is needed to compute ``digest`` anew.

    Args:
        grant: As the run carries it, and its keccak-256 is what the run names: ``grant_id``,
            unless the rules are in a tree and the run brings those that it uses.
        rules: Index of the rule that covers each call.
    """

    kind: Literal["sign_run"] = "sign_run"
    digest: Word
    chain_id: Integer
    account: Address
    grant_id: Word
    grant: Hex
    nonce: Integer
    deadline: Seconds
    rules: list[int]
    packed_calls: Hex


class Outcome(Told, frozen=True, kw_only=True):
    """How an activity ended; ``code`` is why it failed."""

    succeeded: bool
    code: str | None
    detail: str
    tx_hash: Word | None
    block_number: Integer | None
    block_at: Seconds | None
    gas_used: Integer
    fee_wei: Amount


class Activity(Told, frozen=True, kw_only=True):
    """
    One requested write.

    Args:
        execution: Calls that whoever may act for the account signs; signed by a session's key, they
            are its ``run``, too.
        tx_hash: Of the newest transaction that was sent for it.
        next_action: What its session has to sign, in state ``awaiting_signature``.
    """

    id: str
    organization_id: str
    kind: str
    state: str
    principal_id: str
    subject_id: str
    session_id: str | None
    account_id: str | None
    created_at: Seconds
    run: RunPlan | None
    execution: Execution | None
    tx_hash: Word | None
    outcome: Outcome | None
    times: list[Step]
    next_action: SignNext | None = None


def read_calls(calls: Sequence[Call]) -> tuple[CoreCall, ...]:
    """
    Return what *calls* write.

    Raises:
        Malformed: Hex, an address or an amount is not what it must be.
    """
    bad = Code.MALFORMED_CALL
    return tuple(
        CoreCall(
            to=read_address(call.to, f"calls[{i}].to", code=bad),
            value_wei=read_amount(call.value_wei, f"calls[{i}].value_wei", code=bad),
            data=read_bytes(call.data, f"calls[{i}].data", code=bad),
        )
        for i, call in enumerate(calls)
    )


def write_call(call: CoreCall) -> Call:
    """Return *call* as it is answered."""
    return Call(to=hexed(call.to), value_wei=str(call.value_wei), data=hexed(call.data))


def write_steps(steps: Sequence[CoreStep]) -> list[Step]:
    """Return *steps* as they are answered."""
    return [Step(plane=step.plane, name=step.name, at_ms=step.at_ms) for step in steps]


def write_activity(activity: core.Activity, *, next_action: SignNext | None = None) -> Activity:
    """Return *activity* as it is answered."""
    plan, asked, outcome = activity.run, activity.execution, activity.outcome
    sent = [attempt.tx_hash for attempt in activity.attempts if attempt.tx_hash is not None]
    mined = outcome.tx_hash if outcome else None
    tx_hash = mined or (sent[-1] if sent else None)
    return Activity(
        id=activity.id,
        organization_id=activity.organization_id,
        kind=activity.kind,
        state=activity.state.value,
        principal_id=activity.principal_id,
        subject_id=activity.subject_id,
        session_id=activity.session_id,
        account_id=activity.account_id,
        created_at=activity.created_at,
        run=None if plan is None else _write_plan(plan),
        execution=None if asked is None else _write_execution(asked),
        tx_hash=None if tx_hash is None else hexed(tx_hash),
        outcome=None if outcome is None else _write_outcome(outcome),
        times=write_steps(activity.times),
        next_action=next_action,
    )


def _write_plan(plan: core.RunPlan) -> RunPlan:
    return RunPlan(
        calls=[write_call(call) for call in plan.calls],
        rules=list(plan.rules),
        nonce=plan.nonce,
        deadline=plan.deadline,
        digest=hexed(plan.digest),
    )


def _write_execution(plan: core.ExecutionPlan) -> Execution:
    return Execution(
        calls=[write_call(call) for call in plan.calls],
        nonce=str(plan.nonce),
        deadline=plan.deadline,
        digest=hexed(plan.digest),
        is_signed=plan.signature is not None,
    )


def _write_outcome(outcome: core.Outcome) -> Outcome:
    return Outcome(
        succeeded=outcome.succeeded,
        code=outcome.code,
        detail=outcome.detail,
        tx_hash=None if outcome.tx_hash is None else hexed(outcome.tx_hash),
        block_number=outcome.block_number,
        block_at=outcome.block_at,
        gas_used=outcome.gas_used,
        fee_wei=str(outcome.fee_wei),
    )


def write_sign_next(
    plan: core.RunPlan, grant: Grant, account: Account, *, chain_id: int
) -> SignNext:
    """Return what the holder of *grant*'s key has to sign for *plan*."""
    return SignNext(
        digest=hexed(plan.digest),
        chain_id=chain_id,
        account=hexed(account.address),
        grant_id=hexed(grant.grant_id),
        grant=hexed(plan.packed_grant),
        nonce=plan.nonce,
        deadline=plan.deadline,
        rules=list(plan.rules),
        packed_calls=hexed(plan.packed_calls),
    )
