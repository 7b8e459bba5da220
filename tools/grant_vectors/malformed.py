"""Bytes that are no grant, each almost one, and why."""

from __future__ import annotations

from typing import Final

from tools.grant_vectors.json_form import Json, hexed
from tools.grant_vectors.samples import ANNOTATED, annotated

_CALL: Final = "22" * 20 + "a9059cbb"
_RULE_BYTES: Final = 29  # of the one rule of "plain", its length included
# In the annotated vector: this field is that instead.
_FIELDS: Final = (
    ("plain", "version", "00"),
    ("plain", "version", "02"),
    ("plain", "key type: secp256k1", "01"),
    ("plain", "key type: secp256k1", "02"),
    ("plain", "key", "00" * 20),
    ("plain", "no count", "00000000"),
    ("plain", "starts at 1710227456", "0065f15180"),
    ("plain", "flags: no relayer", "01"),
    ("plain", "flags: no relayer", "02"),
    ("plain", "flags: no relayer", "04"),
    ("plain", "flags: no relayer", "80"),
    ("plain", "one cap", "00"),
    ("plain", "one cap", "09"),
    ("plain", "one rule", "00"),
    ("plain", "27 bytes", "001a"),
    ("plain", "27 bytes", "001c"),
    ("plain", "exact, carries no value, one check", "81"),
    ("plain", "exact, carries no value, one check", "c1"),
    ("plain", "exact, carries no value, one check", "00"),
    ("plain", "exact, carries no value, one check", "02"),
    ("plain", "target", "00" * 20),
    ("plain", "cap 0", "01"),
    ("full", "relayer", "00" * 20),
    ("full", "exact, carries value, five checks", "05"),
    ("full", "1 byte", "00"),
    ("full", "1 byte", "02"),
    ("full", "20 bytes", "21"),
    ("full", "two values", "00"),
    ("full", "256", "0001"),
    ("full", "send, carries value, one check", "41"),
    ("wide", "any selector, carries no value, no checks", "a0"),
    ("wide", "any call, carries value, two checks", "c2"),
    ("wide", "no target", "22" * 20),
    ("wide", "native value at most", "80"),
    ("wide", "meter on the native value", "c0"),
    ("tree", "flags: rules in a tree", "00"),
    ("tree", "flags: rules in a tree", "03"),
)


def build() -> list[Json]:
    """Return the vectors."""
    return [{"why": why, "grant": hexed(grant)} for why, grant in malformed().items()]


def malformed() -> dict[str, bytes]:
    """Return every malformed grant by what is wrong with it."""
    plain, wide, tree = (annotated(name) for name in ("plain", "wide", "tree"))
    changed = {
        f"{name}: {comment} as {value[:16]}": _with_field(name, comment, value)
        for name, comment, value in _FIELDS
    }
    rules = {why: _with_rule(rule) for why, rule in _RULES.items()}
    return {
        **changed,
        **rules,
        "nine caps": _with_field("plain", "one cap", "09" + "00" * 160),
        "no rules, and none behind": plain[: -1 - _RULE_BYTES] + b"\0",
        "a trailing byte": plain + b"\0",
        "a trailing rule": plain + plain[-_RULE_BYTES:],
        "a P-256 key of zeros": wide[:2] + bytes(64) + wide[66:],
        "a P-256 key of 63 bytes": wide[:65] + wide[66:],
        "a root of 31 bytes": tree[:-1],
        "a root of 33 bytes": tree + b"\0",
        "the open form": tree[:-32] + b"\x01" + plain[-_RULE_BYTES:] + b"\0",
        "nothing": b"",
        "the first byte alone": plain[:1],
        "without the last byte": plain[:-1],
    }


# In place of the one rule of "plain".
_RULES: Final = {
    "the constraint 5 in two bytes": "01" + _CALL + "80020005",
    "the constraint 5 in 32 bytes": "01" + _CALL + "8020" + "05".zfill(64),
    "a constraint of 33 bytes": "01" + _CALL + "8021" + "01" + "00" * 32,
    "a constraint of no bytes": "01" + _CALL + "8000",
    "a constraint of no bytes before another": "02" + _CALL + "8000" + "800105",
    "one of nothing": "01" + _CALL + "400100",
    "one of two, the second cut off": "01" + _CALL + "40020201000200"[:-2],
    "a meter before a constraint": "02" + _CALL + "c100" + "000105",
    "a value flag without a meter on it": "21" + _CALL + "c100",
    "a meter on native value without the flag": "01" + _CALL + "ff00",
    "a meter without its cap": "01" + _CALL + "c1",
    "a rule of nothing": "",
    "a rule of its head alone": "00",
    "an exact rule without a selector": "00" + "22" * 20,
    "a send with a selector": "40" + _CALL,
    "a send without a target": "40" + "00" * 20,
    "any selector with a selector": "80" + _CALL,
    "any selector without a target": "80" + "00" * 20,
    "any selector, a meter on an argument": "81" + "22" * 20 + "c100",
    "any selector, a constraint on an argument": "81" + "22" * 20 + "000105",
    "any call with a target": "c0" + "22" * 20,
    "any call without room for one": "c0",
    "any call, a meter on an argument": "c1" + "00" * 20 + "c000",
    "any call, a value flag without a meter on it": "e0" + "00" * 20,
}


def _with_field(name: str, comment: str, replacement: str) -> bytes:
    fields = ANNOTATED[name]["fields"]
    if comment not in {label for _, label in fields}:
        raise LookupError(f"{name}: expected a field {comment!r}, got none")
    return bytes.fromhex(
        "".join(replacement if label == comment else part for part, label in fields)
    )


def _with_rule(rule_hex: str) -> bytes:
    rule = bytes.fromhex(rule_hex)
    return annotated("plain")[:-_RULE_BYTES] + len(rule).to_bytes(2, "big") + rule
