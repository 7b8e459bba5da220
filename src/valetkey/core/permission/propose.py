"""The smallest permission that allows what was recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.checks import (
    MAX_ARGUMENT,
    MAX_CONSTRAINTS,
    MAX_RECIPIENTS,
    NATIVE_DECIMALS,
    check_permission,
)
from valetkey.core.permission.cover import moves_value
from valetkey.core.permission.effects import EFFECTS
from valetkey.core.permission.model import (
    ADDRESS_BYTES,
    ANYTHING,
    Anything,
    Cap,
    Constraint,
    Operator,
    Permission,
    Rule,
    WideRule,
)
from valetkey.core.units import UINT128_MAX, UINT256_MAX

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from valetkey.core.permission.backtest import Recorded
    from valetkey.core.permission.effects import Effect
    from valetkey.core.permission.model import Call

_WORD_BYTES: Final = 32
_NUMBER_BITS: Final = 112  # a word with more bits is an address, a hash or a key
_ADDRESS_BITS: Final = 8 * ADDRESS_BYTES


@dataclass(frozen=True, slots=True)
class Slack:
    """How much more than recorded is allowed, in percent."""

    amounts: int = 0
    calls: int = 0
    time: int = 0


def propose(
    runs: Sequence[Recorded],
    *,
    chain: str,
    decimals: Mapping[bytes, int],
    slack: Slack,
    wide: Collection[bytes] = (),
) -> Permission:
    """
    Return a permission that accepts *runs* and, but for *slack*, as little else as it can.

    One rule for each function of each contract. Whoever received or was approved is listed, and so
    are other arguments. Amounts are capped where the function's effect is known; elsewhere numbers
    are bounded by the largest one, or listed if there is no slack. Of a function at most five
    arguments can be constrained.

    Args:
        runs: The permission begins with the first second of them and ends with the last.
        decimals: Of tokens, for people; 0 for those that are left out.
        wide: Targets of which any function is proposed. Nothing else ever makes a wide rule; what
            is known to move value is named all the same.

    Raises:
        Malformed: There is nothing recorded, or something that no permission allows.
    """
    if not runs:
        raise Malformed(Code.MALFORMED_PERMISSION, "runs: expected at least one, got none")
    groups: dict[tuple[bytes, bytes | None], list[Call]] = {}
    under_wide: dict[bytes, list[Call]] = {}
    for call in (call for run in runs for call in run.calls):
        if call.to in wide and not moves_value(call):
            under_wide.setdefault(call.to, []).append(call)
        else:
            groups.setdefault((call.to, call.selector), []).append(call)
    functions = [_Function(*key, calls, slack) for key, calls in groups.items()]
    begin, end = min(run.at for run in runs), max(run.at for run in runs) + 1
    caps = tuple(_caps(functions, under_wide, decimals, slack))
    recipients = ANYTHING if under_wide else _recipients(functions)
    return check_permission(
        Permission(
            chain=chain,
            rules=tuple(function.rule(caps, recipients) for function in functions),
            caps=caps,
            starts_at=begin,
            expires_at=begin + _more(end - begin, slack.time),
            recipients=recipients,
            max_calls=_more(sum(max(len(run.calls), 1) for run in runs), slack.calls),
            wide_rules=tuple(
                WideRule(target, payable=any(call.value_wei for call in calls))
                for target, calls in sorted(under_wide.items())
            ),
        )
    )


def _more(amount: int, percent: int) -> int:
    return amount - -amount * percent // 100


def _word(call: Call, argument: int) -> int:
    return int.from_bytes(call.arguments[argument * _WORD_BYTES :][:_WORD_BYTES])


@dataclass(frozen=True, slots=True)
class _Function:
    """All recorded calls of one function, or all payments to one target."""

    target: bytes
    selector: bytes | None
    calls: list[Call]
    slack: Slack

    @property
    def count(self) -> int:
        """How many arguments each of the calls has."""
        return min(len(call.arguments) // _WORD_BYTES for call in self.calls)

    @property
    def effect(self) -> Effect | None:
        """What the calls move, if they have the words that say so."""
        effect = EFFECTS.get(self.selector or b"")
        if effect is None or self.count <= max(effect.amount, effect.recipient):
            return None
        return effect

    @property
    def payable(self) -> bool:
        """Whether any of the calls carries value."""
        return any(call.value_wei for call in self.calls)

    def amounts(self) -> list[int]:
        """Return what each of the calls moves or approves."""
        return [_word(call, self.effect.amount) for call in self.calls] if self.effect else []

    def recipients(self) -> set[int] | None:
        """Return whom the calls name, the target if it is paid; None if that is not known."""
        paid = {int.from_bytes(self.target)} if self.payable or self.selector is None else set()
        if self.selector is None:
            return paid
        if self.effect is None:
            return None
        return paid | {_word(call, self.effect.recipient) for call in self.calls}

    def rule(self, caps: Sequence[Cap], recipients: tuple[bytes, ...] | Anything) -> Rule:
        """Return the rule for the calls; what *caps* and *recipients* say is not said again."""
        if self.selector is None:
            return Rule(self.target, None)
        known = EFFECTS.get(self.selector)
        said: list[Constraint] = []
        if self.effect is not None:
            amounts = [cap.per_call or 0 for cap in caps if cap.asset == self.target]
            said += [Constraint(self.effect.amount, Operator.AT_MOST, (one,)) for one in amounts]
            if not isinstance(recipients, Anything):
                words = [int.from_bytes(one) for one in recipients]
                said.append(self._constraint(self.effect.recipient, words))
        where = tuple(one for one in self._where() if one not in said)
        return Rule(
            self.target,
            self.selector,
            function=known.function if known else None,
            payable=self.payable,
            where=where,
        )

    def _where(self) -> tuple[Constraint, ...]:
        arguments = range(min(self.count, MAX_ARGUMENT + 1))
        listed = [
            self._constraint(argument, sorted({_word(call, argument) for call in self.calls}))
            for argument in arguments
        ]
        kept = sorted(listed, key=_importance)[:MAX_CONSTRAINTS]
        return tuple(sorted(kept, key=lambda one: one.argument))

    def _constraint(self, argument: int, words: list[int]) -> Constraint:
        is_amount = self.effect is not None and argument == self.effect.amount
        is_number = words[-1].bit_length() <= _NUMBER_BITS
        loose = is_amount or len(words) > MAX_RECIPIENTS or (is_number and self.slack.amounts > 0)
        if loose:
            most = min(_more(words[-1], self.slack.amounts), UINT256_MAX)
            return Constraint(argument, Operator.AT_MOST, (most,))
        operator = Operator.EQUALS if len(words) == 1 else Operator.ONE_OF
        return Constraint(argument, operator, tuple(words))


def _importance(constraint: Constraint) -> tuple[bool, int]:
    """Return what sorts lists before bounds, and addresses before other words."""
    bits = constraint.values[-1].bit_length()
    is_address = _NUMBER_BITS < bits <= _ADDRESS_BITS
    return constraint.operator is Operator.AT_MOST, 0 if is_address else 1


def _recipients(functions: Sequence[_Function]) -> tuple[bytes, ...] | Anything:
    """Return everybody who is named, if all of them are known and can be listed."""
    named: set[int] = set()
    for function in functions:
        found = function.recipients()
        if found is None or any(one.bit_length() > _ADDRESS_BITS for one in found):
            return ANYTHING
        named |= found
    if len(named) > MAX_RECIPIENTS:
        return ANYTHING
    return tuple(one.to_bytes(ADDRESS_BYTES) for one in sorted(named))


def _caps(
    functions: Sequence[_Function],
    under_wide: Mapping[bytes, Sequence[Call]],
    decimals: Mapping[bytes, int],
    slack: Slack,
) -> Iterator[Cap]:
    paying = [one for one in functions if one.payable or one.selector is None]
    sent = [call.value_wei for function in paying for call in function.calls]
    sent += [call.value_wei for calls in under_wide.values() for call in calls if call.value_wei]
    if sent:
        yield _cap(None, NATIVE_DECIMALS, sent, slack)
    for token in dict.fromkeys(one.target for one in functions if one.effect):
        same = [one for one in functions if one.target == token and one.selector is not None]
        moved = [amount for function in same for amount in function.amounts()]
        countable = token not in under_wide and all(one.effect for one in same)
        if countable and _more(sum(moved), slack.amounts) <= UINT128_MAX:
            yield _cap(token, decimals.get(token, 0), moved, slack)


def _cap(asset: bytes | None, decimals: int, amounts: Sequence[int], slack: Slack) -> Cap:
    return Cap(
        asset,
        decimals,
        per_call=_more(max(amounts), slack.amounts),
        lifetime=_more(sum(amounts), slack.amounts),
    )
