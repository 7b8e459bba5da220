"""Criteria of policies of the second version, as clauses: whatever is not enforced is refused."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from valetkey.core.sponsoring import About, Clause
from valetkey.core.units import UINT256_MAX
from valetkey.http.dialects.openfort.abi import functions_of, selectors_of
from valetkey.http.dialects.openfort.chains import name_of
from valetkey.http.dialects.openfort.policies_strategy import refused
from valetkey.wire.base import read_address

if TYPE_CHECKING:
    from collections.abc import Sequence

OPERATION: Final = "sponsorEvmTransaction"
MAX_LISTED: Final = 100
MAX_DIGITS: Final = 78
_MEMBERSHIP: Final = ("in", "not in")
_NAMING: Final = ("in", "==", "match")


class Criterion(Struct, frozen=True, rename="camel"):
    """One condition; which of its members count is said by its type."""

    type: str
    operator: str
    addresses: list[str] | None = None
    chain_ids: list[int] | None = None
    eth_value: int | str | None = None
    abi: str | None = None
    function_name: str | None = None
    args: dict[str, Any] | None = None


class RuleBody(Struct, frozen=True, rename="camel"):
    """A rule as it is asked for."""

    action: str
    operation: str
    criteria: list[Criterion] = []


def clause_of(rule: RuleBody, where: str) -> Clause:
    """
    Return what *rule* says: all of its criteria must hold, and none is any transaction.

    Args:
        where: It stands, for errors.

    Raises:
        Malformed: It says something that this server does not enforce.
    """
    if rule.action not in {"accept", "reject"}:
        raise refused(f"{where}.action", "accept or reject", rule.action)
    if rule.operation != OPERATION:
        expected = f"{OPERATION}, for nothing else is enforced by policies here"
        raise refused(f"{where}.operation", expected, rule.operation)
    whole = Clause(pays=rule.action == "accept", about=About.BOTH)
    parts = [
        _narrowed(whole, one, f"{where}.criteria[{at}]") for at, one in enumerate(rule.criteria)
    ]
    return reduce(_both, parts, whole)


def text_of(rule: RuleBody) -> str:
    """Return *rule* as it was written, without what was not."""
    criteria = [_written(one) for one in rule.criteria]
    said = {"action": rule.action, "operation": rule.operation, "criteria": criteria}
    return msgspec.json.encode(said).decode()


def _written(criterion: Criterion) -> dict[str, Any]:
    every: dict[str, Any] = msgspec.to_builtins(criterion)
    return {name: value for name, value in every.items() if value is not None}


def _narrowed(whole: Clause, one: Criterion, where: str) -> Clause:
    if one.type == "evmAddress":
        texts = _listed(one.addresses, f"{where}.addresses")
        found = tuple(
            read_address(text, f"{where}.addresses[{at}]") for at, text in enumerate(texts)
        )
        is_in = _operator(one, where, _MEMBERSHIP) == "in"
        return replace(whole, targets=found) if is_in else replace(whole, but_targets=found)
    if one.type == "evmNetwork":
        numbers = _listed(one.chain_ids, f"{where}.chainIds")
        names = tuple(name_of(number) for number in numbers)
        is_in = _operator(one, where, _MEMBERSHIP) == "in"
        return replace(whole, chains=names) if is_in else replace(whole, but_chains=names)
    if one.type == "ethValue":
        return _valued(whole, one, where)
    if one.type == "evmData":
        return _called(whole, one, where)
    expected = "evmAddress, evmNetwork, ethValue or evmData, for nothing else is enforced here"
    raise refused(f"{where}.type", expected, one.type)


def _valued(whole: Clause, one: Criterion, where: str) -> Clause:
    text = "" if one.eth_value is None else str(one.eth_value)
    is_number = text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
    if not is_number or int(text) > UINT256_MAX:
        raise refused(f"{where}.ethValue", "wei, as decimal digits", one.eth_value)
    wei, operator = int(text), _operator(one, where, ("<", "<=", ">", ">="))
    if operator == "<" and not wei:
        raise refused(f"{where}.ethValue", "more than 0, for nothing is below it", 0)
    if operator in {"<", "<="}:
        return replace(whole, most_wei=wei - (operator == "<"))
    return replace(whole, least_wei=wei + (operator == ">"))


def _called(whole: Clause, one: Criterion, where: str) -> Clause:
    _operator(one, where, _NAMING)
    if one.args:
        expected = "none: conditions on arguments are not enforced here"
        raise refused(f"{where}.args", expected, ", ".join(one.args))
    try:
        abi = msgspec.json.decode(one.abi or "", type=list[dict[str, Any]])
    except msgspec.MsgspecError:
        raise refused(f"{where}.abi", "an ABI as JSON", one.abi) from None
    functions = functions_of(abi, f"{where}.abi")
    named = selectors_of(one.function_name or "", functions, f"{where}.functionName")
    return replace(whole, selectors=named)


def _operator(one: Criterion, where: str, known: Sequence[str]) -> str:
    if one.operator not in known:
        raise refused(f"{where}.operator", f"one of {', '.join(known)}", one.operator)
    return one.operator


def _listed(values: list[Any] | None, where: str) -> list[Any]:
    if values is None or len(values) > MAX_LISTED:
        got = "none" if values is None else len(values)
        raise refused(where, f"a list of at most {MAX_LISTED}", got)
    return values


def _both(one: Clause, other: Clause) -> Clause:
    """Return what both speak of."""
    ceilings = [wei for wei in (one.most_wei, other.most_wei) if wei is not None]
    return replace(
        one,
        chains=_shared(one.chains, other.chains),
        but_chains=(*one.but_chains, *other.but_chains),
        targets=_shared(one.targets, other.targets),
        but_targets=(*one.but_targets, *other.but_targets),
        selectors=_shared(one.selectors, other.selectors),
        least_wei=max(one.least_wei, other.least_wei),
        most_wei=min(ceilings) if ceilings else None,
    )


def _shared(one: tuple[Any, ...] | None, other: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
    if one is None or other is None:
        return one if other is None else other
    return tuple(value for value in one if value in other)
