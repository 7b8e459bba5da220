"""Vectors of calls that a session key signs as the owner would (ERC-7821)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tools.grant_vectors.json_form import Json, hexed
from tools.grant_vectors.samples import (
    ACCOUNT,
    CHAIN_ID,
    OWNER_SECRET,
    PAYEE,
    SESSION_SECRET,
    TOKEN,
    TRANSFER,
    samples,
)
from valetkey.spec import eip712, erc7821
from valetkey.spec import permission_bytes as pb
from valetkey.spec.secp256k1 import sign_digest

if TYPE_CHECKING:
    from collections.abc import Callable

_NONCE: Final = int.from_bytes(b"\x77" * 24) << 64
_DEADLINE: Final = 2**40 - 2
_V: Final = 1  # what stands where a run has the v of its signature


@dataclass(frozen=True, slots=True)
class _Case:
    what: str
    payments: tuple[int, ...]
    run_nonce: int = 0
    form: str = "EIP-712"
    is_first: bool = False


_CASES: Final = (
    _Case("one transfer, the first use", (5,), is_first=True),
    _Case("two transfers, signed with personal_sign", (5, 6), run_nonce=3, form="EIP-191"),
    _Case("no calls", (), run_nonce=1),
)


def build() -> dict[str, object]:
    """Return the vectors."""
    return {case.what: _vector(case) for case in _CASES}


def _vector(case: _Case) -> Json:
    grant = samples()["transfer"].grant
    packed = pb.encode_grant(grant)
    arguments = [PAYEE.rjust(32, b"\0") + each.to_bytes(32, "big") for each in case.payments]
    calls = [erc7821.Call(TOKEN, 0, TRANSFER + each) for each in arguments]
    typed = erc7821.execute_typed_data(
        calls, nonce=_NONCE, deadline=_DEADLINE, chain_id=CHAIN_ID, account=ACCOUNT
    )
    granted = pb.grant_typed_data(grant, epoch=0, chain_id=CHAIN_ID, account=ACCOUNT)
    signature = _SIGN[case.form](eip712.digest(typed))
    owner_signature = sign_digest(eip712.digest(granted), OWNER_SECRET) if case.is_first else None
    op_data = erc7821.session_op_data(
        _NONCE,
        _DEADLINE,
        signature,
        grant=packed,
        run_nonce=case.run_nonce,
        run_deadline=_DEADLINE,
        rules=[0] * len(calls),
        owner_signature=owner_signature,
    )
    written = pb.run_calldata(
        packed,
        pb.encode_calls(grant, [pb.RunCall(0, each) for each in arguments]),
        bytes(64) + bytes((_V,)),
        nonce=case.run_nonce,
        deadline=_DEADLINE,
        owner_signature=owner_signature,
    )
    return {
        "calls": [{"to": hexed(each.to), "value": "0", "data": hexed(each.data)} for each in calls],
        "nonce": str(_NONCE),
        "deadline": _DEADLINE,
        "typed_data": eip712.to_json(typed),
        "digest": hexed(eip712.digest(typed)),
        "form": case.form,
        "signature": hexed(signature),
        "grant": hexed(packed),
        "run_nonce": case.run_nonce,
        "run_deadline": _DEADLINE,
        "rules": [0] * len(calls),
        "owner_signature": hexed(owner_signature) if owner_signature else None,
        "op_data": hexed(op_data),
        "calldata": hexed(erc7821.execute_calldata(calls, op_data=op_data)),
        "run": hexed(written),
    }


def _personal(digest: bytes) -> bytes:
    signature = sign_digest(pb.personal_digest(digest), SESSION_SECRET)
    return signature[:64] + bytes((signature[64] + 4,))


_SIGN: Final[dict[str, Callable[[bytes], bytes]]] = {
    "EIP-712": lambda digest: sign_digest(digest, SESSION_SECRET),
    "EIP-191": _personal,
}
