"""The smallest case that still shows a disagreement, and its telling to a person."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import TYPE_CHECKING, TypeVar

from tests.chain.differential.case import RELAYERS, SESSION_KEY, Damage, KeySignature
from tests.chain.differential.expected import expected
from tests.chain.differential.pack import pack
from valetkey.core.chain import Counter
from valetkey.core.errors import Malformed
from valetkey.core.permission.canonical import document
from valetkey.core.permission.checks import check_permission
from valetkey.core.permission.compile import compile_grant
from valetkey.core.permission.lower import lower
from valetkey.core.permission.model import ANYTHING
from valetkey.core.units import UINT40_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.chain.differential.case import Case, Kept
    from tests.chain.differential.compare import Disagreement
    from tests.chain.differential.evm import Evm
    from tests.chain.differential.outcome import Outcome
    from valetkey.core.permission.model import Cap, Permission, Rule

T = TypeVar("T")


def told(found: Disagreement, evm: Evm) -> str:
    """Return the smallest case with the disagreement that was *found*, for people."""

    def both(case: Case) -> tuple[Outcome, Outcome]:
        packed = pack(case)
        return expected(case, packed, checks_p256=evm.checks_p256), evm.run(packed)

    def is_bad(case: Case) -> bool:
        said, done = both(case)
        return said != done

    case = shrunk(found.case, is_bad)
    said, done = both(case)
    return f"\nexpected {said}\ngot      {done}\nfor\n{tell(case)}\n"


def shrunk(case: Case, is_bad: Callable[[Case], bool]) -> Case:
    """Return the simplest case that simpler steps lead to from *case* and that still is bad."""
    found = True
    while found:
        found = False
        for simpler in _simpler(case):
            if _is_well_formed(simpler) and is_bad(simpler):
                case, found = simpler, True
                break
    return case


def _is_well_formed(case: Case) -> bool:
    try:
        check_permission(case.permission)
    except Malformed:
        return False
    return isinstance(compile_grant(case.permission, key=SESSION_KEY, salt=case.salt), bytes)


def _simpler(case: Case) -> Iterator[Case]:
    for calls in _one_less(case.calls):
        yield replace(case, calls=calls)
    for permission in _simpler_permissions(case.permission):
        yield _recounted(case, permission)
    for kept in _simpler_kept(case.kept):
        yield replace(case, kept=kept)
    plain = (
        replace(case, nonce=0),
        replace(case, deadline=UINT40_MAX),
        replace(case, sender=case.permission.relayer or RELAYERS[0]),
        replace(case, epoch=0),
        replace(case, stray=0),
        replace(case, is_p256=False),
        replace(case, value_wei=0),
        replace(case, key_signature=KeySignature.PLAIN),
        replace(case, damage=Damage()),
    )
    yield from (simpler for simpler in plain if simpler != case)


def _one_less(items: tuple[T, ...]) -> Iterator[tuple[T, ...]]:
    for index in range(len(items)):
        yield items[:index] + items[index + 1 :]


def _one_other(
    items: tuple[T, ...], simpler: Callable[[T], Iterable[T]]
) -> Iterator[tuple[T, ...]]:
    for index, item in enumerate(items):
        for other in simpler(item):
            yield (*items[:index], other, *items[index + 1 :])


def _simpler_permissions(permission: Permission) -> Iterator[Permission]:
    for rules in (*_one_less(permission.rules), *_one_other(permission.rules, _simpler_rules)):
        yield replace(permission, rules=rules)
    for wide in _one_less(permission.wide_rules):
        yield replace(permission, wide_rules=wide)
    for caps in (*_one_less(permission.caps), *_one_other(permission.caps, _simpler_caps)):
        yield replace(permission, caps=caps)
    plain = (
        replace(permission, recipients=ANYTHING),
        replace(permission, max_calls=None),
        replace(permission, relayer=None),
    )
    yield from (simpler for simpler in plain if simpler != permission)


def _simpler_rules(rule: Rule) -> Iterator[Rule]:
    for where in _one_less(rule.where):
        yield replace(rule, where=where)
    if rule.payable:
        yield replace(rule, payable=False)


def _simpler_caps(cap: Cap) -> Iterator[Cap]:
    plain = (replace(cap, per_call=None), replace(cap, lifetime=None), replace(cap, window=None))
    yield from (simpler for simpler in plain if simpler != cap)


def _simpler_kept(kept: Kept) -> Iterator[Kept]:
    plain = (
        replace(kept, calls=0),
        replace(kept, nonce_base=0),
        replace(kept, nonce_bitmap=0),
        *(replace(kept, counters=each) for each in _one_other(kept.counters, _unspent)),
    )
    yield from (simpler for simpler in plain if simpler != kept)


def _unspent(_: Counter) -> tuple[Counter, ...]:
    return (Counter(0, 0),)


def _recounted(case: Case, permission: Permission) -> Case:
    """Return *case* under *permission*, each limit with the counter that it had."""
    limits = zip(lower(case.permission).limits, case.kept.counters, strict=True)
    old = {(limit.asset, limit.window_s, limit.limit): counter for limit, counter in limits}
    counters = tuple(
        old.get((limit.asset, limit.window_s, limit.limit), Counter(0, 0))
        for limit in lower(permission).limits
    )
    return replace(case, permission=permission, kept=replace(case.kept, counters=counters))


def tell(case: Case) -> str:
    """Return *case* for people: the permission as its document, everything else by name."""
    lines = [json.dumps(document(case.permission), indent=2)]
    lines += [
        f"call {index}: to 0x{call.to.hex()} value {call.value_wei} data 0x{call.data.hex()}"
        for index, call in enumerate(case.calls)
    ]
    rest = (each.name for each in fields(case) if each.name not in ("permission", "calls"))
    for name in rest:
        value = getattr(case, name)
        lines.append(f"{name}: {f'0x{value.hex()}' if isinstance(value, bytes) else value}")
    return "\n".join(lines)
