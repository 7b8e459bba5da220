"""What is to be signed and brought to the chain, before anybody signs it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from valetkey.core.activity import Intent, RunPlan
from valetkey.core.errors import ChainRejected, Code, Malformed
from valetkey.core.grant import KillBy
from valetkey.core.permission.compile import compile_run
from valetkey.core.permission.decide import Deny
from valetkey.core.permission.lower import lower
from valetkey.core.sponsorship import Fund
from valetkey.spec import permission_bytes as packed
from valetkey.spec import secp256k1
from valetkey.spec.clone import deploy_calldata
from valetkey.spec.eip712 import digest, to_json
from valetkey.spec.transaction import authorization_digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.chain import Authorization
    from valetkey.core.grant import Grant
    from valetkey.core.permission.model import Call, Permission
    from valetkey.core.wallet import Account

_V_OFFSET = 27
_PERSONAL_OFFSET = 4
_V_PERSONAL = _V_OFFSET + _PERSONAL_OFFSET
_SIGNATURE_BYTES = 65
_ES256_BYTES = 64


def chain_id_of(chain: str) -> int:
    """Return the number behind ``eip155:`` of a CAIP-2 name."""
    return int(chain.removeprefix("eip155:"))


def grant_id_of(packed_grant: bytes) -> bytes:
    """Return the 32 bytes under which the chain knows a packed grant."""
    return packed.grant_id(packed_grant)


def plan_run(
    grant: Grant,
    account: Account,
    permission: Permission,
    calls: Sequence[Call],
    *,
    rules: Sequence[int],
    nonce: int,
    deadline: int,
) -> RunPlan:
    """
    Return what the session key has to sign for *calls*.

    Args:
        permission: What *grant* was compiled from.
        rules: Index of the rule that covers each call, as `decide` found them.
        nonce: A free nonce of the grant.
        deadline: First invalid second; inside the window that the calls were booked to.

    Raises:
        Malformed: A call, or all of them together, is too long to be carried.
    """
    try:
        run = compile_run(permission, grant.packed, calls, rules)
    except packed.GrantFormatError as error:
        raise Malformed(Code.MALFORMED_CALL, str(error)) from None
    return RunPlan(
        calls=tuple(calls),
        rules=tuple(rules),
        packed_grant=run.grant,
        packed_calls=run.calls,
        nonce=nonce,
        deadline=deadline,
        digest=packed.run_digest(
            run.grant_hash,
            run.calls,
            nonce=nonce,
            deadline=deadline,
            chain_id=chain_id_of(account.chain),
            account=account.address,
        ),
    )


def run_intent(
    grant: Grant, account: Account, plan: RunPlan, signature: bytes, *, first_use: bool
) -> Intent:
    """
    Return the call that carries a signed run.

    Args:
        signature: 65 bytes by the session key (`is_run_signed_by`).
        first_use: Whether the owner's signature goes along, for the chain does not know the grant.
    """
    data = packed.run_calldata(
        plan.packed_grant,
        plan.packed_calls,
        signature,
        nonce=plan.nonce,
        deadline=plan.deadline,
        owner_signature=grant.owner_signature if first_use else None,
    )
    return Intent(to=account.address, data=data, fund=Fund.RUNS, deadline=plan.deadline)


def through_factory(account: Account, intent: Intent) -> Intent:
    """Return *intent* as the factory carries it: it makes the clone, if need be, and calls it."""
    clone = account.clone
    if clone is None:
        return intent
    data = deploy_calldata(clone.owner, clone.salt, personal=clone.personal, act=intent.data)
    return replace(intent, to=clone.factory, data=data)


def register_intent(grant: Grant, account: Account, owner_signature: bytes, until: int) -> Intent:
    """Return the call that puts *grant* on chain, before *until*, when it is over."""
    data = packed.register_calldata(grant.packed, owner_signature)
    return Intent(to=account.address, data=data, fund=Fund.RUNS, deadline=until)


def kill_intent(grant: Grant, account: Account, kill_note: bytes) -> Intent:
    """Return the call that submits *kill_note*, the 65 bytes that revoke *grant*."""
    if grant.kill_by is KillBy.RELAYER:
        data = packed.revoke_by_key_calldata(grant.packed, kill_note)
    else:
        data = packed.revoke_signed_calldata(grant.grant_id, kill_note)
    return Intent(to=account.address, data=data, fund=Fund.STOPS)


def freeze_intent(grant: Grant, account: Account, signature: bytes, *, freeze: bool) -> Intent:
    """Return the call that submits the owner's signed freeze or unfreeze."""
    build = packed.freeze_signed_calldata if freeze else packed.unfreeze_signed_calldata
    fund = Fund.STOPS if freeze else Fund.RUNS
    return Intent(to=account.address, data=build(grant.grant_id, signature), fund=fund)


def delegate_intent(account: Account, authorization: Authorization) -> Intent:
    """Return the transaction that makes *account* run our code (EIP-7702)."""
    return Intent(to=account.address, data=b"", fund=Fund.RUNS, authorizations=(authorization,))


def delegation_digest(*, chain: str, delegate: bytes, nonce: int) -> bytes:
    """Return the 32 bytes that an owner signs to delegate (EIP-7702)."""
    return authorization_digest(chain_id_of(chain), delegate, nonce)


def consent(grant: Grant, account: Account) -> dict[str, dict[str, object]]:
    """Return what the owner signs to open: typed data of ``grant`` and of the ``kill_note``."""
    chain_id = chain_id_of(account.chain)
    decoded = packed.decode_grant(grant.packed)
    given = packed.grant_typed_data(
        decoded, epoch=grant.epoch, chain_id=chain_id, account=account.address
    )
    killed = packed.revoke_typed_data(grant.grant_id, chain_id=chain_id, account=account.address)
    return {"grant": to_json(given), "kill_note": to_json(killed)}


def consent_digests(grant: Grant, account: Account) -> tuple[bytes, bytes]:
    """Return the digests of grant and kill note, for an owner's key that this server holds."""
    chain_id = chain_id_of(account.chain)
    given = packed.grant_typed_data(
        packed.decode_grant(grant.packed),
        epoch=grant.epoch,
        chain_id=chain_id,
        account=account.address,
    )
    killed = packed.revoke_typed_data(grant.grant_id, chain_id=chain_id, account=account.address)
    return digest(given), digest(killed)


def freeze_consent(
    grant: Grant, account: Account, sequence: int, *, freeze: bool
) -> tuple[dict[str, object], bytes]:
    """Return the typed data, and its digest, that the owner signs to freeze or unfreeze."""
    build = packed.freeze_typed_data if freeze else packed.unfreeze_typed_data
    typed = build(
        grant.grant_id, sequence, chain_id=chain_id_of(account.chain), account=account.address
    )
    return to_json(typed), digest(typed)


def is_signed_by(message_digest: bytes, signature: bytes, address: bytes) -> bool:
    """Say whether *signature* (65 bytes, v 27 or 28) over *message_digest* is *address*'s."""
    try:
        return secp256k1.recover_address(message_digest, signature) == address
    except secp256k1.CurveError:
        return False


def owner_signature_of(account: Account, message_digest: bytes, signature: bytes) -> bytes | None:
    """
    Return *signature* as the account takes it from its owner; None if it would not take it.

    It takes 65 bytes over *message_digest* with v 27 or 28; where it takes ``personal_sign``, also
    over the EIP-191 form of it with v 31 or 32, for which wallets give 27 or 28.
    """
    if is_signed_by(message_digest, signature, account.owner):
        return signature
    if account.clone is None or not account.clone.personal or len(signature) != _SIGNATURE_BYTES:
        return None
    bare, v = signature[:-1], signature[-1]
    v += 0 if v >= _V_PERSONAL else _PERSONAL_OFFSET
    plain = bare + bytes([v - _PERSONAL_OFFSET])
    is_theirs = is_signed_by(packed.personal_digest(message_digest), plain, account.owner)
    return bare + bytes([v]) if is_theirs else None


def is_run_signed_by(run_digest: bytes, signature: bytes, key: bytes) -> bool:
    """
    Say whether *signature* over *run_digest* is one that the account takes from *key*.

    Args:
        signature: 65 bytes, in any form that the grant format has for runs.
        key: As in the grant.
    """
    return packed.is_run_signed_by(key, run_digest, signature)


def run_signature(grant: Grant, signature: bytes) -> bytes:
    """
    Return the holder's *signature* of a run as the run carries it.

    Args:
        signature: 65 bytes, or of a P-256 key the 64 of ES256. Whose it is is not looked at.

    Raises:
        Malformed: It has another length.
    """
    expected = _SIGNATURE_BYTES if grant.key_address else _ES256_BYTES
    if len(signature) != expected:
        detail = f"signature: expected {expected} bytes, got {len(signature)} bytes"
        raise Malformed(Code.MALFORMED_SIGNATURE, detail)
    return signature if grant.key_address else packed.es256_signature(signature)


def with_v(signature: bytes) -> bytes:
    """Return a vault's r, s, recovery id as r, s, v with v 27 or 28."""
    return signature[:64] + bytes([signature[64] + _V_OFFSET])


def without_v(signature: bytes) -> bytes:
    """Return r, s, v as r, s, recovery id (0 or 1)."""
    return signature[:64] + bytes([signature[64] - _V_OFFSET])


def caveat_of(rejected: ChainRejected, permission: Permission, rules: Sequence[int]) -> Deny | None:
    """
    Name the caveat behind a refusal of the contract, or None if it names no call.

    Args:
        rules: Index of the rule that covers each call of the run.
    """
    call = rejected.facts.get("call")
    if not isinstance(call, int) or call >= len(rules):
        return None
    lowered = lower(permission)
    rule = lowered.rule(rules[call])
    argument = rejected.facts.get("argument")
    for check in rule.checks:
        if rejected.code is Code.ARGUMENT_REFUSED and check.constraint.argument == argument:
            return Deny(check.code, check.caveat, rejected.detail, call)
    cap = rejected.facts.get("cap")
    limits = lowered.limits
    if rejected.code is Code.CAP_EXCEEDED and isinstance(cap, int) and cap < len(limits):
        return Deny(Code.CAP_EXCEEDED, limits[cap].caveat, rejected.detail, call)
    return None
