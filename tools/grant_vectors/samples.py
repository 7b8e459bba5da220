"""The grants that the vectors are about."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from valetkey.spec.permission_bytes import (
    NATIVE_VALUE,
    NEVER_EXPIRES,
    NO_CALL_LIMIT,
    Cap,
    Constraint,
    Grant,
    Meter,
    Operator,
    Rule,
    RuleKind,
    RuleTree,
    decode_grant,
)
from valetkey.spec.secp256k1 import address_of_key

FOLDER: Final = Path(__file__).parents[2] / "docs" / "reference" / "grant-vectors"
ANNOTATED: Final = json.loads((FOLDER / "annotated.json").read_text())

# Keys that everybody knows. The account of the vectors is the owner's own, by EIP-7702.
OWNER_SECRET: Final = (1).to_bytes(32, "big")
SESSION_SECRET: Final = (2).to_bytes(32, "big")
P256_SECRET: Final = 3
ACCOUNT: Final = address_of_key(OWNER_SECRET)
CHAIN_ID: Final = 31337

TOKEN: Final = b"\x22" * 20
OTHER: Final = b"\x33" * 20
PAYEE: Final = b"\x55" * 20
RELAYER: Final = b"\x44" * 20
TRANSFER: Final = bytes.fromhex("a9059cbb")
APPROVE: Final = bytes.fromhex("095ea7b3")
PAY: Final = Rule(RuleKind.SEND, PAYEE, meters=(Meter(NATIVE_VALUE, 1),))
_PLAIN_TRANSFER: Final = Rule(RuleKind.CALL, TOKEN, TRANSFER, (Meter(1, 0),))


@dataclass(frozen=True, slots=True)
class Sample:
    """A grant, what it shows, and all its rules if it keeps only their root."""

    what: str
    grant: Grant
    tree: RuleTree | None = None


def annotated(name: str) -> bytes:
    """Return the bytes that the annotated vector *name* writes out."""
    return bytes.fromhex("".join(part for part, _ in ANNOTATED[name]["fields"]))


def rule_of_tree(index: int) -> Rule:
    """Return rule *index* of the trees: a transfer of a token of its own to one payee."""
    token = bytes((index + 1,)) * 20
    payee = int.from_bytes(PAYEE, "big")
    equals = Constraint(0, Operator.EQUALS, (payee,))
    return Rule(RuleKind.CALL, token, TRANSFER, (Meter(1, 0),), (equals,))


def tree_of(size: int) -> RuleTree:
    """Return a tree of so many rules."""
    return RuleTree(tuple(rule_of_tree(index) for index in range(size)))


def _p256_key() -> bytes:
    numbers = ec.derive_private_key(P256_SECRET, ec.SECP256R1()).public_key().public_numbers()
    return numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


_OPEN_ENDED: Final = Grant(
    key=address_of_key(SESSION_SECRET),
    salt=1,
    starts_at=0,
    expires_at=NEVER_EXPIRES,
    max_calls=NO_CALL_LIMIT,
    rules=(_PLAIN_TRANSFER,),
    caps=(Cap(20 * 10**6), Cap(10**18, 86_400)),
)
_TO_TWO: Final = replace(
    _PLAIN_TRANSFER, constraints=(Constraint(0, Operator.ONE_OF, (int(PAYEE.hex(), 16), 7)),)
)
_NO_APPROVAL: Final = Rule(
    RuleKind.CALL, TOKEN, APPROVE, constraints=(Constraint(1, Operator.EQUALS, (0,)),)
)
_ANY_SELECTOR: Final = Rule(RuleKind.ANY_SELECTOR, OTHER)
_ANY_CALL: Final = Rule(RuleKind.ANY_CALL)
_PAYABLE: Final = Rule(
    RuleKind.ANY_CALL,
    meters=(Meter(NATIVE_VALUE, 1),),
    constraints=(Constraint(NATIVE_VALUE, Operator.AT_MOST, (10**17,)),),
)
_THIRTY_ONE: Final = Rule(
    RuleKind.CALL,
    TOKEN,
    bytes(4),
    meters=tuple(Meter(argument, 1) for argument in range(16)),
    constraints=tuple(Constraint(at, Operator.AT_MOST, (256**at,)) for at in range(15)),
)
_WORDS: Final = Rule(
    RuleKind.CALL,
    TOKEN,
    b"\xff" * 4,
    constraints=(
        Constraint(62, Operator.EQUALS, (2**256 - 1,)),
        Constraint(0, Operator.ONE_OF, tuple(range(255))),
        Constraint(NATIVE_VALUE, Operator.AT_MOST, (0,)),
    ),
)


def samples() -> dict[str, Sample]:
    """Return every grant of the vectors by its name."""
    return {**_annotated(), **_usable(), **_extreme()}


def _annotated() -> dict[str, Sample]:
    return {name: Sample(each["what"], decode_grant(annotated(name))) for name, each in _named()}


def _named() -> list[tuple[str, dict[str, str]]]:
    return [(name, each) for name, each in ANNOTATED.items() if isinstance(each, dict)]


def _usable() -> dict[str, Sample]:
    """Return grants of the session key 2 (P-256: 3), which the runs are under."""
    nine, one = tree_of(9), tree_of(1)
    base = _OPEN_ENDED
    return {
        "transfer": Sample("transfers of a token, at most 20 units of 10^6", base),
        "to_one_of_two": Sample("the same to two recipients", replace(base, rules=(_TO_TWO,))),
        "three_rules": Sample(
            "transfers, an approval of nothing, and payments under a daily cap",
            replace(base, rules=(_PLAIN_TRANSFER, _NO_APPROVAL, PAY)),
        ),
        "p256": Sample("the key is one of P-256", replace(base, key=_p256_key())),
        "any_selector": Sample(
            "a token by exact rules, and any function of another contract",
            replace(base, rules=(_PLAIN_TRANSFER, _ANY_SELECTOR)),
        ),
        "any_call": Sample("any call, no value", replace(base, rules=(_ANY_CALL,))),
        "any_call_with_value": Sample(
            "any call with at most 10^17 wei, and 10^18 in a day",
            replace(base, rules=(_ANY_SELECTOR, _PAYABLE)),
        ),
        "relayer": Sample("only one relayer may submit", replace(base, relayer=RELAYER)),
        "tree_of_nine": Sample("nine rules", replace(base, rules=(), root=nine.root), nine),
        "tree_of_one": Sample("one rule", replace(base, rules=(), root=one.root), one),
        "tree_relayer_p256": Sample(
            "nine rules, a P-256 key and one relayer",
            replace(base, key=_p256_key(), relayer=RELAYER, rules=(), root=nine.root),
            nine,
        ),
    }


def _extreme() -> dict[str, Sample]:
    """Return grants whose parts are as large or as small as they may be."""
    largest, smallest = 2**128 - 1, Rule(RuleKind.SEND, bytes(19) + b"\x01")
    every_cap = replace(_PLAIN_TRANSFER, meters=tuple(Meter(1, cap) for cap in range(8)))
    return {
        "largest_numbers": Sample(
            "every number is the largest",
            Grant(
                key=b"\xff" * 64,
                salt=2**32 - 1,
                starts_at=2**40 - 2,
                expires_at=2**40 - 1,
                max_calls=2**32 - 1,
                rules=(Rule(RuleKind.CALL, b"\xff" * 20, b"\xff" * 4, (Meter(62, 0),)),),
                caps=(Cap(largest, 2**32 - 1),),
                relayer=b"\xff" * 20,
            ),
        ),
        "smallest_numbers": Sample(
            "every number is the smallest",
            Grant(bytes(19) + b"\x01", 0, 0, 1, 1, (smallest,), (Cap(0),)),
        ),
        "no_caps": Sample("nothing is counted", replace(_OPEN_ENDED, rules=(smallest,), caps=())),
        "eight_caps": Sample(
            "one amount booked to eight caps",
            replace(
                _OPEN_ENDED,
                rules=(every_cap,),
                caps=tuple(Cap(10 ** (8 + cap), 60 * cap) for cap in range(8)),
            ),
        ),
        "thirty_one_checks": Sample(
            "constraints of 1 to 15 bytes, and meters", replace(_OPEN_ENDED, rules=(_THIRTY_ONE,))
        ),
        "words": Sample(
            "a whole word, 255 alternatives, and no value",
            replace(_OPEN_ENDED, rules=(_WORDS,)),
        ),
        "twenty_rules": Sample(
            "twenty rules in a list",
            replace(_OPEN_ENDED, rules=tuple(rule_of_tree(index) for index in range(20))),
        ),
    }
