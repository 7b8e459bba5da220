"""Executions: calls that an account's owner or a session key signs; who, is known afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from valetkey.core.activity import ExecutionPlan, Intent
from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.targets import NEVER_TARGETS
from valetkey.core.plan import chain_id_of
from valetkey.core.sponsorship import Fund
from valetkey.spec import erc7821, secp256k1
from valetkey.spec.eip712 import digest, to_json
from valetkey.spec.permission_bytes import personal_digest

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from valetkey.core.activity import RunPlan
    from valetkey.core.chain import Authorization
    from valetkey.core.grant import Grant
    from valetkey.core.permission.model import Call
    from valetkey.core.wallet import Account
    from valetkey.spec.eip712 import TypedData

MAX_CALLS: Final = 64
MAX_DATA_BYTES: Final = 2**16  # of all calls together; nodes take transactions of twice as much
NONCE_KEY_BYTES: Final = 24
LIFE_S: Final = 30 * 60
_SEQUENCE_BITS: Final = 64
_SIGNATURE_BYTES: Final = 65
_V_OFFSET: Final = 27
_V_PERSONAL: Final = 4


class Signer(NamedTuple):
    """
    Who may have made a signature.

    Args:
        address: 20 bytes.
        signature: 65 bytes, as the account takes it from that address.
        is_personal: Whether they have signed the EIP-191 form (``personal_sign``).
    """

    address: bytes
    signature: bytes
    is_personal: bool


def check_calls(calls: Sequence[Call], *, never: Collection[bytes]) -> None:
    """
    Let *calls* pass if an account may be asked to make them.

    Args:
        never: Addresses that are no target here, beside those that are none anywhere: the account
            itself, and the code that it runs.

    Raises:
        Malformed: There are too many, they are too long together, or one has no such target.
    """
    if len(calls) > MAX_CALLS:
        raise _malformed("calls", f"at most {MAX_CALLS}", len(calls))
    size = sum(len(call.data) for call in calls)
    if size > MAX_DATA_BYTES:
        raise _malformed("calls", f"at most {MAX_DATA_BYTES} bytes of data together", size)
    for index, call in enumerate(calls):
        if call.to in NEVER_TARGETS or call.to in never:
            target = f"0x{call.to.hex()}"
            detail = f"calls[{index}].to: expected a target outside the account, got {target}"
            raise Malformed(Code.TARGET_FORBIDDEN, detail, call=index)


def plan_execution(
    account: Account,
    calls: Sequence[Call],
    *,
    nonce_key: bytes,
    deadline: int,
    authorization: Authorization | None = None,
) -> ExecutionPlan:
    """
    Return what is to be signed so that *account* makes *calls*, once.

    Args:
        calls: As `check_calls` lets them pass.
        nonce_key: 24 random bytes: one that nothing else has, so that nothing waits for another.
        deadline: First second at which it is too late.
    """
    nonce = int.from_bytes(nonce_key) << _SEQUENCE_BITS
    typed = _typed_data(account, calls, nonce=nonce, deadline=deadline)
    return ExecutionPlan(tuple(calls), nonce, deadline, digest(typed), authorization)


def execution_typed_data(account: Account, plan: ExecutionPlan) -> dict[str, object]:
    """Return the EIP-712 typed data, as JSON values, of which *plan* has the digest."""
    return to_json(_typed_data(account, plan.calls, nonce=plan.nonce, deadline=plan.deadline))


def signers_of(message_digest: bytes, signature: bytes) -> tuple[Signer, ...]:
    """
    Return who may have made *signature*, by recovery over the digest and over its EIP-191 form.

    Args:
        signature: 65 bytes; v 27 or 28, or 0 or 1, says nothing of the form; 31 and 32 are of the
            EIP-191 form alone, as the account takes it.
    """
    if len(signature) != _SIGNATURE_BYTES:
        return ()
    bare, v = signature[:64], with_high_v(signature)[64]
    is_taken_form = v >= _V_OFFSET + _V_PERSONAL
    v -= _V_PERSONAL * is_taken_form
    found: list[Signer] = []
    for is_personal in (True,) if is_taken_form else (False, True):
        signed = personal_digest(message_digest) if is_personal else message_digest
        try:
            address = secp256k1.recover_address(signed, bare + bytes((v,)))
        except secp256k1.CurveError:
            continue
        taken = bare + bytes((v + _V_PERSONAL * is_personal,))
        found.append(Signer(address, taken, is_personal))
    return tuple(found)


def with_high_v(signature: bytes) -> bytes:
    """Return *signature* with v 27 or 28, where a client has left them 0 or 1."""
    if len(signature) != _SIGNATURE_BYTES or signature[64] > 1:
        return signature
    return signature[:64] + bytes((signature[64] + _V_OFFSET,))


def owner_among(account: Account, signers: Sequence[Signer]) -> Signer | None:
    """Return which of *signers* is the owner of *account*, in a form that it takes, if one is."""
    takes_personal = account.clone is not None and account.clone.personal
    for one in signers:
        if one.address == account.owner and (takes_personal or not one.is_personal):
            return one
    return None


def owner_intent(account: Account, plan: ExecutionPlan, *, signature: bytes) -> Intent:
    """Return the call that carries what the owner has signed."""
    op_data = erc7821.op_data(plan.nonce, plan.deadline, signature)
    return _intent(account, plan, op_data, deadline=plan.deadline)


def session_intent(
    grant: Grant,
    account: Account,
    plan: ExecutionPlan,
    run: RunPlan,
    *,
    signature: bytes,
    first_use: bool,
) -> Intent:
    """
    Return the call that carries what a session key has signed, as a run under its grant.

    Args:
        run: Of the calls of *plan*; who submits it chooses its nonce and its deadline.
        first_use: Whether the owner's signature goes along, for the chain does not know the grant.
    """
    op_data = erc7821.session_op_data(
        plan.nonce,
        plan.deadline,
        signature,
        grant=run.packed_grant,
        run_nonce=run.nonce,
        run_deadline=run.deadline,
        rules=run.rules,
        owner_signature=grant.owner_signature if first_use else None,
    )
    return _intent(account, plan, op_data, deadline=run.deadline)


def unsigned_calldata(calls: Sequence[Call]) -> bytes:
    """Return the calldata with which the account itself makes *calls*, to see what they cost."""
    return erc7821.execute_calldata(_as_spec(calls))


def _intent(account: Account, plan: ExecutionPlan, op_data: bytes, *, deadline: int) -> Intent:
    return Intent(
        to=account.address,
        data=erc7821.execute_calldata(_as_spec(plan.calls), op_data=op_data),
        fund=Fund.RUNS,
        deadline=deadline,
        authorizations=(plan.authorization,) if plan.authorization else (),
    )


def _typed_data(account: Account, calls: Sequence[Call], *, nonce: int, deadline: int) -> TypedData:
    return erc7821.execute_typed_data(
        _as_spec(calls),
        nonce=nonce,
        deadline=deadline,
        chain_id=chain_id_of(account.chain),
        account=account.address,
    )


def _as_spec(calls: Sequence[Call]) -> list[erc7821.Call]:
    return [erc7821.Call(call.to, call.value_wei, call.data) for call in calls]


def _malformed(where: str, expected: str, got: int) -> Malformed:
    return Malformed(Code.MALFORMED_CALL, f"{where}: expected {expected}, got {got}")
