"""What changes from one permission to another, in the words of `explain`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar

from valetkey.core.permission.explain import explain
from valetkey.core.permission.explain_signing import explain_signing
from valetkey.core.permission.model import Anything, TypedDataTemplate
from valetkey.core.permission.subset import NotSubset, is_subset
from valetkey.core.scope import held
from valetkey.core.units import format_amount

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from valetkey.core.permission.model import Cap, MessageTemplate, Permission, Rule, WideRule
    from valetkey.core.permission.subset import Subset

    Names = Mapping[bytes, str]

K = TypeVar("K")
_NOTHING: Final = (None, None)
_NATIVE_DECIMALS: Final = 18


class Kind(StrEnum):
    """How something changes."""

    ADDED = "added"
    REMOVED = "removed"
    RAISED = "raised"
    LOWERED = "lowered"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """
    One thing that changes.

    Args:
        place: What it is, such as ``max_calls`` or ``cap on native: lifetime``.
        before, after: In words or as a number; None is nothing there.
    """

    kind: Kind
    place: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        values = [value for value in (self.before, self.after) if value is not None]
        return f"{self.kind} {self.place}: {' → '.join(values)}"


@dataclass(frozen=True, slots=True)
class Diff:
    """
    What changes, and what that means.

    Args:
        changes: In the order of the document; the order of rules and caps is no change.
        answer: Whether the new permission is within the old one, and what it may if not.
    """

    changes: tuple[Change, ...]
    answer: Subset | NotSubset

    @property
    def widens(self) -> bool:
        """Whether the new permission accepts anything that the old one refuses."""
        return isinstance(self.answer, NotSubset)


def diff(old: Permission, new: Permission, *, names: Names) -> Diff:
    """
    Return what changes from *old* to *new*.

    Args:
        old, new: Well formed (`check_permission`).
        names: What the operator calls an address; others are shown by their address alone.

    Raises:
        Malformed: As `is_subset`.
    """
    changes = (
        *_text("chain", old.chain, new.chain),
        *_number("starts_at", old.starts_at, new.starts_at),
        *_number("expires_at", old.expires_at, new.expires_at),
        *_number("max_calls", old.max_calls, new.max_calls),
        *_text("relayer", _hex(old.relayer), _hex(new.relayer)),
        *_recipients(old, new, names),
        *_rules(old, new, names),
        *_wide_rules(old, new, names),
        *_caps(old, new, names),
        *_rate(old, new),
        *_number("fee_budget_wei", old.fee_budget_wei, new.fee_budget_wei, _native),
        *_signing(old, new, names),
    )
    return Diff(changes, is_subset(new, old))


def _hex(address: bytes | None) -> str | None:
    return None if address is None else f"0x{address.hex()}"


def _native(amount: int) -> str:
    return format_amount(amount, decimals=_NATIVE_DECIMALS)


def _named(asset: bytes | None, names: Names) -> str:
    if asset is None:
        return "native"
    return f"{names[asset]} (0x{asset.hex()})" if asset in names else f"0x{asset.hex()}"


def _text(place: str, before: str | None, after: str | None) -> Iterator[Change]:
    if before == after:
        return
    kind = Kind.CHANGED
    if before is None or after is None:
        kind = Kind.ADDED if before is None else Kind.REMOVED
    yield Change(kind, place, before, after)


def _number(
    place: str, before: int | None, after: int | None, say: Callable[[int], str] = str
) -> Iterator[Change]:
    if before is None or after is None:
        said = (None if value is None else say(value) for value in (before, after))
        yield from _text(place, *said)
    elif before != after:
        kind = Kind.RAISED if after > before else Kind.LOWERED
        yield Change(kind, place, say(before), say(after))


def _recipients(old: Permission, new: Permission, names: Names) -> Iterator[Change]:
    if isinstance(old.recipients, Anything) or isinstance(new.recipients, Anything):
        if old.recipients != new.recipients:
            before, after = (_said_of_recipients(one, names) for one in (old, new))
            yield Change(Kind.CHANGED, "recipients", before, after)
        return
    for one in old.recipients:
        if one not in new.recipients:
            yield Change(Kind.REMOVED, "recipients", _named(one, names), None)
    for one in new.recipients:
        if one not in old.recipients:
            yield Change(Kind.ADDED, "recipients", None, _named(one, names))


def _said_of_recipients(permission: Permission, names: Names) -> str:
    """Return the sentence of `explain`: the first one when there is no rule and no cap."""
    return explain(replace(permission, rules=(), wide_rules=(), caps=()), names=names)[1]


def _said_of_rule(rule: Rule, permission: Permission, names: Names) -> str:
    return explain(replace(permission, rules=(rule,)), names=names)[0]


def _said_of_cap(cap: Cap, permission: Permission, names: Names) -> str:
    rules = max(len(permission.rules) + len(permission.wide_rules), 1)
    return explain(replace(permission, caps=(cap,)), names=names)[rules]


def _said_of_wide_rule(wide: WideRule, permission: Permission, names: Names) -> str:
    return explain(replace(permission, rules=(), wide_rules=(wide,)), names=names)[0]


def _rules(old: Permission, new: Permission, names: Names) -> Iterator[Change]:
    before = {
        (one.target, one.selector): (one, _said_of_rule(one, old, names)) for one in old.rules
    }
    after = {(one.target, one.selector): (one, _said_of_rule(one, new, names)) for one in new.rules}
    yield from _each("rule", before, after)


def _wide_rules(old: Permission, new: Permission, names: Names) -> Iterator[Change]:
    before = {one.target: (one, _said_of_wide_rule(one, old, names)) for one in old.wide_rules}
    after = {one.target: (one, _said_of_wide_rule(one, new, names)) for one in new.wide_rules}
    yield from _each("wide rule", before, after)


def _each(
    place: str, before: Mapping[K, tuple[object, str]], after: Mapping[K, tuple[object, str]]
) -> Iterator[Change]:
    """Yield what changes among things that have a key, each with what is said of it."""
    for key in {**before, **after}:
        (was, said_of_it), (now, says) = before.get(key, _NOTHING), after.get(key, _NOTHING)
        if was != now:
            yield from _text(place, said_of_it, says)


def _rate(old: Permission, new: Permission) -> Iterator[Change]:
    was, now = old.rate, new.rate
    if was is not None and now is not None:
        yield from _number("rate: calls in one window", was.calls, now.calls)
        yield from _number("rate: seconds of a window", was.window_s, now.window_s)
        return
    said = (None if one is None else f"{one.calls} calls in {one.window_s} s" for one in (was, now))
    yield from _text("rate", *said)


def _signing(old: Permission, new: Permission, names: Names) -> Iterator[Change]:
    for place, field in (("text", "messages"), ("typed data", "typed_data"), ("scope", "scopes")):
        before, after = (
            {_key_of(one): (one, _said_of_one(field, one, names, permission))
             for one in _listed(permission, field)}
            for permission in (old, new)
        )  # fmt: skip
        yield from _each(place, before, after)


def _listed(permission: Permission, field: str) -> Iterable[Any]:
    return sorted(held(permission.scopes)) if field == "scopes" else getattr(permission, field)


def _key_of(one: MessageTemplate | TypedDataTemplate | str) -> object:
    return one.subject if isinstance(one, TypedDataTemplate) else one


def _said_of_one(
    field: str,
    one: MessageTemplate | TypedDataTemplate | str,
    names: Names,
    permission: Permission,
) -> str:
    if isinstance(one, str):
        return one
    alone = replace(permission, messages=(), typed_data=(), scopes=())
    alone = replace(alone, **{field: (one,)})  # type: ignore[arg-type]  # a list of its own kind
    return next(explain_signing(alone, names=names))


def _caps(old: Permission, new: Permission, names: Names) -> Iterator[Change]:
    for asset in dict.fromkeys(cap.asset for cap in (*old.caps, *new.caps)):
        was, now = old.cap_on(asset), new.cap_on(asset)
        if was is not None and now is not None:
            yield from _cap(f"cap on {_named(asset, names)}", was, now)
            continue
        yield from _text(
            "cap",
            None if was is None else _said_of_cap(was, old, names),
            None if now is None else _said_of_cap(now, new, names),
        )


def _cap(place: str, was: Cap, now: Cap) -> Iterator[Change]:
    yield from _number(f"{place}: decimals", was.decimals, now.decimals)

    def say(amount: int) -> str:
        return format_amount(amount, decimals=now.decimals)

    yield from _number(f"{place}: in one call", was.per_call, now.per_call, say)
    old, new = was.window, now.window
    if old is not None and new is not None:
        yield from _number(f"{place}: in one window", old.limit, new.limit, say)
        yield from _number(f"{place}: seconds of a window", old.window_s, new.window_s)
    else:
        said = (
            None if one is None else f"{say(one.limit)} in {one.window_s} s" for one in (old, new)
        )
        yield from _text(f"{place}: in one window", *said)
    yield from _number(f"{place}: in all", was.lifetime, now.lifetime, say)
