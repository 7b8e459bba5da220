"""The calls of one run, packed: each names a rule and brings only the arguments."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from valetkey.spec.permission_bytes.grant import Grant
from valetkey.spec.permission_bytes.opened import OpenGrant
from valetkey.spec.permission_bytes.reader import Reader
from valetkey.spec.permission_bytes.rule import Rule, RuleKind
from valetkey.spec.permission_bytes.values import (
    ADDRESS_LENGTH,
    GrantFormatError,
    check_length,
    check_uint,
)

__all__ = ["MAX_RUN_CALLS", "RunCall", "decode_calls", "encode_calls"]

MAX_RUN_CALLS: Final = 255
_MAX_ARGUMENTS: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class RunCall:
    """
    One call under a grant.

    Attributes:
        rule: Index of the rule in the grant, or among those that the run brings.
        arguments: The calldata behind the selector; empty for a send. Under a wide rule the whole
            calldata: a selector and what follows it, or empty.
        value_wei: Native value; only under a rule with a meter on it.
        target: 20 bytes under a rule for any call, else ``None``: the rule names it.
    """

    rule: int
    arguments: bytes = b""
    value_wei: int = 0
    target: bytes | None = None


def encode_calls(grant: Grant | OpenGrant, calls: Sequence[RunCall]) -> bytes:
    """
    Return *calls* packed as the run carries them and the session key signs them.

    Args:
        grant: Its rules say what the calls have to bring.
        calls: At most 255; none for a run that only uses up its nonce.

    Raises:
        GrantFormatError: A call names no rule, or brings what its rule has no room for.
    """
    if len(calls) > MAX_RUN_CALLS:
        raise GrantFormatError(f"calls: expected at most {MAX_RUN_CALLS}, got {len(calls)}")
    return bytes((len(calls),)) + b"".join(_encode_call(grant, call) for call in calls)


def decode_calls(grant: Grant | OpenGrant, data: bytes) -> tuple[RunCall, ...]:
    """
    Return the calls that *data* is, all of it.

    Raises:
        GrantFormatError: *data* is not exactly what `encode_calls` writes for some calls.
    """
    reader = Reader(data)
    calls = tuple(_decode_call(grant, reader) for _ in range(reader.uint(1)))
    reader.end()
    return calls


def _encode_call(grant: Grant | OpenGrant, call: RunCall) -> bytes:
    rule = _rule_at(grant, call.rule)
    check_uint("call value_wei", call.value_wei, 128)
    if call.value_wei and not rule.carries_value:
        raise GrantFormatError(
            f"call value_wei: expected 0 without a meter on it, got {call.value_wei}"
        )
    brings_target = rule.kind is RuleKind.ANY_CALL
    check_length("call target", call.target or b"", ADDRESS_LENGTH * brings_target)
    most = 0 if rule.kind is RuleKind.SEND else _MAX_ARGUMENTS
    if len(call.arguments) > most:
        raise GrantFormatError(
            f"call arguments: expected up to {most} bytes, got {len(call.arguments)}"
        )
    value = call.value_wei.to_bytes(16, "big") if rule.carries_value else b""
    head = bytes((call.rule,)) + value + (call.target or b"")
    return head + len(call.arguments).to_bytes(2, "big") + call.arguments


def _decode_call(grant: Grant | OpenGrant, reader: Reader) -> RunCall:
    index = reader.uint(1)
    rule = _rule_at(grant, index)
    value = reader.uint(16) if rule.carries_value else 0
    target = reader.take(ADDRESS_LENGTH) if rule.kind is RuleKind.ANY_CALL else None
    arguments = reader.take(reader.uint(2))
    if arguments and rule.kind is RuleKind.SEND:
        raise GrantFormatError(
            f"call arguments: expected none for a send, got {len(arguments)} bytes"
        )
    return RunCall(index, arguments, value, target)


def _rule_at(grant: Grant | OpenGrant, index: int) -> Rule:
    if not 0 <= index < len(grant.rules):
        raise GrantFormatError(f"call rule: expected below {len(grant.rules)}, got {index}")
    return grant.rules[index]
