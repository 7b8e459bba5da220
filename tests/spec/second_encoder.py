"""Grants and calls from the JSON of the vectors to bytes: written from the document alone."""

from __future__ import annotations

from typing import Any, Final

KINDS: Final = ["call", "send", "any selector", "any call"]
OPERATORS: Final = ["equals", "one of", "at most"]
KEY_TYPES: Final = ["secp256k1", "P-256"]
NATIVE: Final = 0x3F


def big(number: int | str, size: int) -> str:
    """Return *number* as hex of so many bytes."""
    return f"{int(number):0{2 * size}x}"


def grant_hex(value: dict[str, Any]) -> str:
    """Return the grant that *value* describes."""
    relayer, root = value["relayer"] or "", value["root"] or ""
    flags = (1 if relayer else 0) + (2 if root else 0)
    rules = big(len(value["rules"]), 1) + "".join(map(rule_hex, value["rules"]))
    parts = [
        "01" + big(KEY_TYPES.index(value["key_type"]), 1),
        value["key"] + big(value["salt"], 4),
        big(value["starts_at"], 5) + big(value["expires_at"], 5),
        big(value["max_calls"], 4) + big(flags, 1) + relayer,
        big(len(value["caps"]), 1),
        *(big(cap["limit"], 16) + big(cap["window_s"], 4) for cap in value["caps"]),
        root or rules,
    ]
    return "".join(parts).replace("0x", "")


def rule_hex(rule: dict[str, Any]) -> str:
    """Return a packed rule, its length in front."""
    checks = [*map(constraint_hex, rule["constraints"]), *map(meter_hex, rule["meters"])]
    carries = any(meter["argument"] == NATIVE for meter in rule["meters"])
    head = KINDS.index(rule["kind"]) * 64 + carries * 32 + len(checks)
    names = f"{rule['target']}{rule['selector'] or ''}".replace("0x", "")
    body = big(head, 1) + names + "".join(checks)
    return big(len(body) // 2, 2) + body


def constraint_hex(constraint: dict[str, Any]) -> str:
    """Return a packed constraint, its values no longer than the largest needs."""
    numbers = [int(value) for value in constraint["values"]]
    size = next(size for size in range(1, 33) if max(numbers) < 256**size)
    operator = OPERATORS.index(constraint["operator"])
    count = big(len(numbers), 1) if operator == 1 else ""
    values = "".join(big(number, size) for number in numbers)
    return big(operator * 64 + constraint["argument"], 1) + big(size, 1) + count + values


def meter_hex(meter: dict[str, Any]) -> str:
    """Return a packed meter."""
    return big(3 * 64 + meter["argument"], 1) + big(meter["cap"], 1)


def calls_hex(calls: list[dict[str, Any]], rules: list[dict[str, Any]]) -> str:
    """Return packed calls under *rules*, which they count."""
    return big(len(calls), 1) + "".join(call_hex(call, rules[call["rule"]]) for call in calls)


def call_hex(call: dict[str, Any], rule: dict[str, Any]) -> str:
    """Return a packed call under *rule*."""
    carries = any(meter["argument"] == NATIVE for meter in rule["meters"])
    value = big(call["value_wei"], 16) if carries else ""
    target = str(call["target"]).removeprefix("0x") if rule["kind"] == "any call" else ""
    arguments = str(call["arguments"]).removeprefix("0x")
    return big(call["rule"], 1) + value + target + big(len(arguments) // 2, 2) + arguments
