"""What somebody has to sign next: one hash under every name that the vendor gave it over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import UNSET, Struct, UnsetType

from valetkey.core.execution import execution_typed_data
from valetkey.core.plan import consent, consent_digests
from valetkey.spec import erc7821
from valetkey.spec.permission_bytes import register_calldata, revoke_signed_calldata
from valetkey.wire.base import hexed

if TYPE_CHECKING:
    from valetkey.core.activity import ExecutionPlan
    from valetkey.core.grant import Grant
    from valetkey.core.wallet import Account

V6: Final = "accountAbstractionV6"
V9: Final = "accountAbstractionV9"
_NOTHING: Final = "0x"
_ZERO: Final = "0x0"
_UNSIGNED: Final = bytes(65)


class UserOperation(Struct, frozen=True, rename="camel", kw_only=True):
    """
    An operation in the form that clients expect: a projection of ours, and no more.

    There is no entry point here, and nobody signs a hash of this: what is signed is of
    ``payload.valetkey``. Members of one generation are left out in the other.
    """

    sender: str
    nonce: str
    call_data: str
    init_code: str | UnsetType = UNSET
    call_gas_limit: str = _ZERO
    verification_gas_limit: str = _ZERO
    pre_verification_gas: str = _ZERO
    max_fee_per_gas: str = _ZERO
    max_priority_fee_per_gas: str = _ZERO
    paymaster_and_data: str | UnsetType = UNSET
    paymaster_verification_gas_limit: str | UnsetType = UNSET
    paymaster_post_op_gas_limit: str | UnsetType = UNSET
    signature: str = _NOTHING


class Recomputable(Struct, frozen=True):
    """
    What the hash is of, so that anybody can compute it and see what they sign.

    Args:
        typed_data: EIP-712.
        digest: Its hash: the ``signableHash``.
    """

    typed_data: dict[str, Any]
    digest: str


class Payload(Struct, frozen=True, rename="camel", kw_only=True):
    """The hash to sign, three times, and the operation, twice; ``valetkey`` is ours."""

    user_op: UserOperation
    user_op_hash: str
    user_operation: UserOperation
    user_operation_hash: str
    signable_hash: str
    valetkey: Recomputable


class NextAction(Struct, frozen=True, kw_only=True):
    """Somebody has to sign before an operation goes on."""

    payload: Payload
    type: Literal["sign_with_wallet"] = "sign_with_wallet"


def abstraction_of(account: Account) -> str:
    """Return which generation of operations clients of *account* expect."""
    return V9 if account.clone is None else V6


def to_register(grant: Grant, account: Account) -> NextAction:
    """Return what the owner signs to put *grant* on its chain."""
    given, _ = consent_digests(grant, account)
    operation = _operation(account, register_calldata(grant.packed, _UNSIGNED))
    return _action(given, consent(grant, account)["grant"], operation)


def to_revoke(grant: Grant, account: Account) -> NextAction:
    """Return what the owner signs to end *grant*."""
    _, killed = consent_digests(grant, account)
    operation = _operation(account, revoke_signed_calldata(grant.grant_id, _UNSIGNED))
    return _action(killed, consent(grant, account)["kill_note"], operation)


def to_execute(plan: ExecutionPlan, account: Account) -> NextAction:
    """Return what the owner or a session key signs to have the calls of *plan* made."""
    typed = execution_typed_data(account, plan)
    return _action(plan.digest, typed, operation_of(plan, account))


def operation_of(plan: ExecutionPlan, account: Account) -> UserOperation:
    """Return the calls of *plan* as an operation, with the signature if there is one."""
    calls = [erc7821.Call(one.to, one.value_wei, one.data) for one in plan.calls]
    data = erc7821.execute_calldata(calls)
    return _operation(account, data, nonce=plan.nonce, signature=plan.signature or b"")


def act_of(call_data: bytes, account: Account) -> UserOperation:
    """Return an act on *account* itself as an operation."""
    return _operation(account, call_data)


def _operation(
    account: Account, call_data: bytes, *, nonce: int = 0, signature: bytes = b""
) -> UserOperation:
    sender, data = hexed(account.address), hexed(call_data)
    if abstraction_of(account) == V6:
        return UserOperation(
            sender=sender,
            nonce=hex(nonce),
            call_data=data,
            init_code=_NOTHING,
            paymaster_and_data=_NOTHING,
            signature=hexed(signature),
        )
    return UserOperation(
        sender=sender,
        nonce=hex(nonce),
        call_data=data,
        paymaster_verification_gas_limit=_ZERO,
        paymaster_post_op_gas_limit=_ZERO,
        signature=hexed(signature),
    )


def _action(digest: bytes, typed: dict[str, object], operation: UserOperation) -> NextAction:
    text = hexed(digest)
    payload = Payload(
        user_op=operation,
        user_op_hash=text,
        user_operation=operation,
        user_operation_hash=text,
        signable_hash=text,
        valetkey=Recomputable(typed, text),
    )
    return NextAction(payload=payload)
