"""A case as an execution: the same calls, signed by the session key as an owner signs them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tests.chain.differential.case import CHAIN_ID, Damage, KeySignature
from tests.chain.differential.expected import expected
from tests.chain.differential.outcome import Refused
from tests.chain.differential.pack import pack
from tests.chain.differential.routes import routes_of
from tests.chain.differential.signing import signature_of
from valetkey.core.permission.lower import lower
from valetkey.spec import erc7821
from valetkey.spec.eip712 import digest
from valetkey.spec.keccak import keccak256

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.chain.differential.case import Case
    from tests.chain.differential.outcome import Outcome
    from tests.chain.differential.pack import Packed

_DEADLINE: Final = 2**40  # the run has one of its own, which the case is about
_RUN_HEAD: Final = 6  # selector4 | head2


def is_sayable(case: Case) -> bool:
    """Say whether an execution can have what is wrong with *case*, if anything is."""
    return (
        case.damage in (Damage(), Damage(too_wide=True))
        and case.key_signature is not KeySignature.OTHER_GRANT
    )


def packed_execution(case: Case) -> Packed:
    """Return *case* as bytes, with an execution for its run."""
    run = pack(case)
    calls = [erc7821.Call(call.to, call.value_wei, call.data) for call in case.calls]
    nonce = int.from_bytes(keccak256(b"nonce key %d" % case.salt)[:24]) << 64
    op_data = erc7821.session_op_data(
        nonce,
        _DEADLINE,
        signature_of(case, _digest(case, calls, nonce)),
        grant=run.grant,
        run_nonce=case.nonce,
        run_deadline=case.deadline,
        rules=_indexes(case, run),
        owner_signature=_owner_signature(run),
    )
    return replace(run, data=erc7821.execute_calldata(calls, op_data=op_data))


def expected_execution(case: Case, packed: Packed, *, checks_p256: bool) -> Outcome:
    """
    Return the outcome of *case* as an execution: what is signed, then what can be said, then a run.

    Args:
        checks_p256: Whether the chain has the precompile.
    """
    other = KeySignature.HIGH_S if case.is_p256 else KeySignature.PERSONAL
    is_signed = case.key_signature in (KeySignature.PLAIN, other)
    if not is_signed or (case.is_p256 and not checks_p256):
        return Refused("SignatureRefused")
    lowered = lower(case.permission)
    for index, (call, route) in enumerate(zip(case.calls, routes_of(case), strict=True)):
        if route.rule is None:
            return Refused("NoSuchRule", index)
        # The nearest rule, which refuses the call as a run; here it cannot even say its value.
        if call.value_wei and not lowered.rule(route.rule).rule.carries_value():
            return Refused("RuleMismatch", index)
    signed = replace(case, key_signature=KeySignature.PLAIN)
    return expected(signed, packed, checks_p256=checks_p256)


def _digest(case: Case, calls: Sequence[erc7821.Call], nonce: int) -> bytes:
    kind = case.key_signature
    signed = [*calls, *calls, erc7821.Call(case.sender)]
    typed = erc7821.execute_typed_data(
        signed if kind is KeySignature.OTHER_CALLS else calls,
        nonce=nonce ^ (kind is KeySignature.OTHER_NONCE),
        deadline=_DEADLINE ^ (kind is KeySignature.OTHER_DEADLINE),
        chain_id=CHAIN_ID + (kind is KeySignature.OTHER_CHAIN),
        account=case.sender if kind is KeySignature.OTHER_ACCOUNT else case.account,
    )
    return digest(typed)


def _indexes(case: Case, run: Packed) -> list[int]:
    """Return which of the rules that travel each call is under; one that is not there for none."""
    beyond = min(len(run.rules) + case.stray, 255)
    routes = [route.rule for route in routes_of(case)]
    return [beyond if rule is None else run.rules.index(rule) for rule in routes]


def _owner_signature(run: Packed) -> bytes | None:
    return run.data[-65:] if run.data[_RUN_HEAD - 2] & 0x80 else None
