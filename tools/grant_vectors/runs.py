"""Vectors of runs: packed calls, what the session key signs, and the whole calldata."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tools.grant_vectors import signatures
from tools.grant_vectors.json_form import Json, call_json, hexed
from tools.grant_vectors.samples import (
    ACCOUNT,
    CHAIN_ID,
    OTHER,
    OWNER_SECRET,
    PAYEE,
    Sample,
    samples,
)
from valetkey.spec import eip712
from valetkey.spec.permission_bytes import (
    NEVER_EXPIRES,
    PackedRun,
    RunCall,
    encode_grant,
    grant_typed_data,
    pack_run,
    run_calldata,
    run_typed_data,
)
from valetkey.spec.secp256k1 import sign_digest

if TYPE_CHECKING:
    from collections.abc import Callable

_PING: Final = bytes.fromhex("5c36b186")  # ping()


@dataclass(frozen=True, slots=True)
class _Case:
    what: str
    grant: str
    calls: tuple[RunCall, ...]
    nonce: int = 0
    deadline: int = NEVER_EXPIRES
    form: str = "EIP-712"
    is_first: bool = True


def _to_payee(amount: int, rule: int = 0) -> RunCall:
    return RunCall(rule, PAYEE.rjust(32, b"\0") + amount.to_bytes(32, "big"))


_ALL_NINE: Final = tuple(_to_payee(index, index) for index in range(9))
_CASES: Final = (
    _Case("one transfer, the first use", "transfer", (_to_payee(5),)),
    _Case("one transfer of an open grant", "transfer", (_to_payee(5),), is_first=False),
    _Case("no calls", "transfer", ()),
    _Case("signed with personal_sign", "transfer", (_to_payee(5),), form="EIP-191"),
    _Case("the last nonce in reach", "transfer", (_to_payee(5),), nonce=30),
    _Case("a deadline", "transfer", (_to_payee(5),), deadline=2**40 - 2),
    _Case("arguments longer than the rule asks for", "transfer", (RunCall(0, bytes(100)),)),
    _Case("ten transfers", "transfer", tuple(_to_payee(amount) for amount in range(10))),
    _Case("one of two recipients", "to_one_of_two", (_to_payee(20 * 10**6),)),
    _Case(
        "each of three rules",
        "three_rules",
        (_to_payee(1), RunCall(1, bytes(64)), RunCall(2, value_wei=10**15)),
    ),
    _Case("a P-256 key", "p256", (_to_payee(5),), form="ES256"),
    _Case("any selector", "any_selector", (RunCall(1, _PING), _to_payee(1))),
    _Case("any selector, no input", "any_selector", (RunCall(1),)),
    _Case("any call", "any_call", (RunCall(0, _PING + bytes(32), target=OTHER),)),
    _Case(
        "any call with value and no input",
        "any_call_with_value",
        (RunCall(1, b"", 10**17, target=PAYEE), RunCall(0, _PING)),
    ),
    _Case("one rule of nine", "tree_of_nine", (_to_payee(5, 3),)),
    _Case(
        "two rules of nine, three calls",
        "tree_of_nine",
        tuple(map(_to_payee, (1, 2, 3), (8, 0, 8))),
    ),
    _Case("every rule of nine", "tree_of_nine", _ALL_NINE),
    _Case("no calls over a tree", "tree_of_nine", ()),
    _Case("the only rule of a tree", "tree_of_one", (_to_payee(5),)),
)


def build() -> dict[str, list[Json]]:
    """Return the vectors."""
    grants = samples()
    runs = [_vector(case, grants[case.grant]) for case in _CASES]
    with_p256 = next(run for run in runs if run["form"] == "ES256")
    return {
        "runs": runs,
        "refused_signatures": [
            *_refused(runs[0], signatures.refused),
            *_refused(with_p256, signatures.refused_es256),
        ],
        "malformed_calls": [
            {"why": why, "grant": hexed(encode_grant(grants[name].grant)), "calls": hexed(calls)}
            for why, (name, calls) in malformed_calls().items()
        ],
    }


def malformed_calls() -> dict[str, tuple[str, bytes]]:
    """Return the name of a grant and what are no calls under it, by what is wrong with them."""
    word = bytes(16)
    return {
        "nothing": ("transfer", b""),
        "a call too few": ("transfer", b"\x01"),
        "a trailing byte": ("transfer", b"\x00\x00"),
        "no such rule": ("transfer", b"\x01\x01\x00\x00"),
        "a length beyond the end": ("transfer", b"\x01\x00\x00\x02\xaa"),
        "a value under a rule without one": ("transfer", b"\x01\x00" + word + b"\x00\x00"),
        "no value under a rule with one": ("three_rules", b"\x01\x02\x00\x00"),
        "a send with arguments": ("three_rules", b"\x01\x02" + word + b"\x00\x01\xff"),
        "a target under any selector": ("any_selector", b"\x01\x01" + OTHER + b"\x00\x00"),
        "no target under any call": ("any_call", b"\x01\x00\x00\x00"),
        "a target of 19 bytes": ("any_call", b"\x01\x00" + OTHER[1:] + b"\x00\x00"),
    }


def _vector(case: _Case, sample: Sample) -> Json:
    packed = pack_run(sample.grant, case.calls, sample.tree)
    typed = run_typed_data(
        packed.grant_hash,
        packed.calls,
        nonce=case.nonce,
        deadline=case.deadline,
        chain_id=CHAIN_ID,
        account=ACCOUNT,
    )
    digest = eip712.digest(typed)
    signature = signatures.signed(case.form, digest)
    return {
        "what": case.what,
        "grant": hexed(encode_grant(sample.grant)),
        "asked": [call_json(call) for call in case.calls],
        "nonce": case.nonce,
        "deadline": case.deadline,
        "carried_grant": hexed(packed.grant),
        "calls": hexed(packed.calls),
        "typed_data": eip712.to_json(typed),
        "digest": hexed(digest),
        "form": case.form,
        "signature": hexed(signature),
        "calldata": hexed(_calldata(case, sample, packed, signature)),
    }


def _refused(run: Json, build: Callable[[bytes], dict[str, bytes]]) -> list[Json]:
    """Return signatures in place of that of *run*, none of which counts."""
    refused = build(bytes.fromhex(str(run["digest"]).removeprefix("0x")))
    return [
        {"why": why, "run": run["what"], "signature": hexed(signature)}
        for why, signature in refused.items()
    ]


def _calldata(case: _Case, sample: Sample, packed: PackedRun, signature: bytes) -> bytes:
    typed = grant_typed_data(sample.grant, epoch=0, chain_id=CHAIN_ID, account=ACCOUNT)
    owned = sign_digest(eip712.digest(typed), OWNER_SECRET) if case.is_first else None
    return run_calldata(
        packed.grant,
        packed.calls,
        signature,
        nonce=case.nonce,
        deadline=case.deadline,
        owner_signature=owned,
    )
