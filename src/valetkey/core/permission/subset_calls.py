"""A call that one permission lets through on its own, and another does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from valetkey.core.permission.model import Call
from valetkey.core.permission.reach import EVERY_WORD, Reach
from valetkey.core.permission.reach_wide import WideReach, fresh_selector, fresh_target
from valetkey.spec.permission_bytes.value_moving import VALUE_MOVING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from valetkey.core.permission.reach_wide import Reached


@dataclass(frozen=True, slots=True)
class Beyond:
    """A call, and the place in the other permission that it passes."""

    call: Call
    caveat: str
    detail: str


def calls_beyond(child: Reached, parent: Reached) -> Iterator[Beyond]:
    """
    Yield calls that *child* lets through and *parent* does not; none at all if there is none.

    1. An exact rule: what covers its function in the parent must let through as much. 2. A wide
    rule covers endless functions, and any call endless targets. But only those that a rule of the
    parent names are told apart; for all others one that nobody names stands.
    """
    for (target, selector), reach in child.exact.items():  # 1
        if reach.is_usable:
            covered = parent.covering(target, selector)
            found = _beyond_exact(reach, covered)
            if found is not None:
                yield found
    for wide in child.wide.values():  # 2
        targets = [] if wide.target is None else [wide.target]
        if wide.target is None:
            named = parent.targets - child.targets
            targets = [*sorted(named), fresh_target(child.targets | parent.targets)]
        for to in targets:
            yield from _beyond_wide(wide.value_wei, to, child, parent)


def _beyond_exact(reach: Reach, covered: Reach | WideReach | None) -> Beyond | None:
    if covered is None:
        return Beyond(reach.call(), "rules", "it may call what no rule names")
    if reach.value_wei > covered.value_wei:
        value_wei = covered.value_wei + 1
        detail = f"it may carry {value_wei} wei"
        return Beyond(reach.call(value_wei=value_wei), place_of(covered), detail)
    if isinstance(covered, WideReach):
        return None
    if reach.count < covered.count:
        detail = f"its calldata may end before argument {reach.count}"
        return Beyond(reach.call(), place_of(covered), detail)
    for argument, words in covered.words.items():
        word = reach.words.get(argument, EVERY_WORD).outside(words)
        if word is not None:
            detail = f"argument {argument} may be 0x{word:x}"
            return Beyond(reach.call(words={argument: word}), place_of(covered), detail)
    return None


def _beyond_wide(value_wei: int, to: bytes, child: Reached, parent: Reached) -> Iterator[Beyond]:
    """Yield calls of *to*, under a wide rule of the child, that the parent does not let through."""
    own, others = child.selectors_on(to), parent.selectors_on(to)
    for selector in sorted(others - own, key=lambda one: one or b""):
        if selector in VALUE_MOVING:
            continue
        covered = parent.exact[to, selector]
        call = Call(to, 0, selector or b"")
        if covered.count:
            detail = "its calldata may end behind the selector"
            yield Beyond(call, place_of(covered), detail)
        else:
            yield from _with_more_value(value_wei, call, covered)
    call = Call(to, 0, fresh_selector(own | others))
    wide = parent.wide_on(to)
    if wide is None:
        yield Beyond(call, "rules", "it may call what no rule names")
    else:
        yield from _with_more_value(value_wei, call, wide)


def _with_more_value(value_wei: int, call: Call, covered: Reach | WideReach) -> Iterator[Beyond]:
    if value_wei > covered.value_wei:
        more = covered.value_wei + 1
        yield Beyond(Call(call.to, more, call.data), place_of(covered), f"it may carry {more} wei")


def place_of(covered: Reach | WideReach) -> str:
    """Return where the rule stands in its permission."""
    kind = "wide_rules" if isinstance(covered, WideReach) else "rules"
    return f"{kind}[{covered.index}]"
