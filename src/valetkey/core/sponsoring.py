"""Sponsorships: which acts of users an organization pays the gas of, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from valetkey.core.permission.model import Call
    from valetkey.core.sponsor_limit import Limit, LimitKind

MAX_RULES: Final = 64  # of one sponsorship, and of one rulebook: all are read for each act


class About(StrEnum):
    """What a clause speaks of: calls to others, acts on the account itself, or both."""

    CALLS = "calls"
    ACCOUNT = "account"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Clause:
    """
    Pays, or does not, for each call that all of it holds for. None is any.

    An act on the account itself is a call to the account, without a selector and without value.

    Args:
        pays: Whether it pays for what it speaks of, or refuses it.
        chains, but_chains: CAIP-2 names, and those that it does not speak of.
        targets, but_targets: 20 bytes each.
        selectors: 4 bytes each.
        least_wei, most_wei: Of native value that goes along.
    """

    pays: bool
    about: About
    chains: tuple[str, ...] | None = None
    but_chains: tuple[str, ...] = ()
    targets: tuple[bytes, ...] | None = None
    but_targets: tuple[bytes, ...] = ()
    selectors: tuple[bytes, ...] | None = None
    least_wei: int = 0
    most_wei: int | None = None


@dataclass(frozen=True, slots=True)
class Sponsorship:
    """
    A promise of an organization to pay the gas of acts that its rules cover, from its own fund.

    Without a rule it pays for nothing.

    Args:
        chain: CAIP-2, or None for any.
        rulebook_id: Whose clauses are asked before its own.
    """

    id: str
    organization_id: str
    name: str
    created_at: int
    chain: str | None = None
    rulebook_id: str | None = None
    description: str = ""
    is_enabled: bool = True
    is_deleted: bool = False


@dataclass(frozen=True, slots=True)
class SponsorshipRule:
    """
    One rule of a sponsorship: a clause that says what is paid, or a limit that says how much.

    Args:
        function: What the clause's selectors were made from, for people.
        contract_id: The contract whose address is the clause's target, if it was named by its id.
    """

    id: str
    organization_id: str
    sponsorship_id: str
    created_at: int
    clause: Clause | None = None
    limit: Limit | None = None
    function: str | None = None
    contract_id: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A clause of a rulebook, as it is enforced and as whoever made it wrote it (JSON)."""

    id: str
    clause: Clause
    text: str


@dataclass(frozen=True, slots=True)
class Rulebook:
    """
    Clauses that several sponsorships may follow: the first one that speaks of a call decides.

    Args:
        account_id: The only account that it is for; None for any.
        scope, priority: As whoever made it said; nothing depends on them here.
    """

    id: str
    organization_id: str
    created_at: int
    scope: str
    clauses: tuple[Written, ...]
    account_id: str | None = None
    description: str | None = None
    priority: int = 0
    is_enabled: bool = True
    is_deleted: bool = False


@dataclass(frozen=True, slots=True)
class Sponsored:
    """
    What somebody wants paid: an act on an account, or calls of it.

    Args:
        chain: CAIP-2.
        account: 20 bytes.
        act: What is done to the account itself, such as ``registering a session``; None for calls.
    """

    chain: str
    account_id: str
    account: bytes
    act: str | None = None
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """
    Why nothing is paid.

    Args:
        rule: The kind of rule that refuses or is missing.
        fix: What to do about it.
    """

    rule: str
    detail: str
    fix: str


@dataclass(frozen=True, slots=True)
class _Part:
    """One call that a clause may speak of."""

    target: bytes
    selector: bytes | None
    value_wei: int
    is_on_account: bool
    said: str


_SWITCH: Final = "switch it on, or leave the sponsorship out"


def covers(
    sponsorship: Sponsorship,
    clauses: Sequence[Clause],
    asked: Sponsored,
    *,
    rulebook: Rulebook | None = None,
) -> Refused | None:
    """
    Say why *sponsorship* does not pay for what is *asked*, or None if it does. Counts nothing.

    1. it is there and on; 2. it is of this chain; 3. so is its rulebook, and for this account;
    4. of each call, and of an act on the account, the first clause that speaks of it pays. What no
    clause speaks of is not paid. A batch without calls is an act on the account.

    Args:
        clauses: Those of the rulebook first, then its own, in the order in which they were made.
    """
    refused = _off(sponsorship, asked)  # 1, 2
    if refused is None and rulebook is not None:
        refused = _rulebook_refuses(rulebook, asked)  # 3
    if refused is not None:
        return refused
    for part in _parts(asked):  # 4
        first = next((one for one in clauses if _speaks_of(one, part, asked.chain)), None)
        if first is None:
            return _missing(part)
        if not first.pays:
            detail = f"a rule of the sponsorship refuses {part.said}"
            return Refused("reject", detail, "change that rule, or the order of the rules")
    return None


def clauses_of(rules: Sequence[SponsorshipRule], rulebook: Rulebook | None) -> list[Clause]:
    """Return what `covers` asks, in order: the clauses of the rulebook, then those of *rules*."""
    written = [] if rulebook is None else [one.clause for one in rulebook.clauses]
    return written + [one.clause for one in rules if one.clause is not None]


def limits_of(
    rules: Sequence[SponsorshipRule], kind: LimitKind
) -> list[tuple[SponsorshipRule, Limit]]:
    """Return the limits of one kind, each with its rule."""
    return [(one, one.limit) for one in rules if one.limit is not None and one.limit.kind is kind]


def _off(sponsorship: Sponsorship, asked: Sponsored) -> Refused | None:
    if sponsorship.is_deleted:
        return Refused("deleted", "the sponsorship was deleted", "name another, or none")
    if not sponsorship.is_enabled:
        return Refused("disabled", "the sponsorship is disabled", _SWITCH)
    if sponsorship.chain not in {None, asked.chain}:
        detail = f"the sponsorship is for {sponsorship.chain}, this is on {asked.chain}"
        return Refused("chain", detail, "name one for this chain, or for any")
    return None


def _rulebook_refuses(rulebook: Rulebook, asked: Sponsored) -> Refused | None:
    if rulebook.is_deleted:
        detail = "the rules that the sponsorship follows were deleted"
        return Refused("deleted", detail, "let it follow others")
    if not rulebook.is_enabled:
        return Refused("disabled", "the rules that the sponsorship follows are disabled", _SWITCH)
    if rulebook.account_id not in {None, asked.account_id}:
        detail = "the rules that the sponsorship follows are for another account"
        return Refused("account", detail, "let it follow rules for this account, or for any")
    return None


def _parts(asked: Sponsored) -> Iterator[_Part]:
    if asked.act is not None or not asked.calls:
        said = asked.act or "a batch without calls, which is an act on the account itself"
        yield _Part(asked.account, None, 0, is_on_account=True, said=said)
    for call in asked.calls:
        is_on_account = call.to == asked.account
        selector = "no data" if call.selector is None else f"0x{call.selector.hex()}"
        said = f"a call to 0x{call.to.hex()} with {selector}"
        yield _Part(call.to, call.selector, call.value_wei, is_on_account, said)


def _speaks_of(clause: Clause, part: _Part, chain: str) -> bool:
    wanted = About.ACCOUNT if part.is_on_account else About.CALLS
    return (
        clause.about in {wanted, About.BOTH}
        and (clause.chains is None or chain in clause.chains)
        and chain not in clause.but_chains
        and (clause.targets is None or part.target in clause.targets)
        and part.target not in clause.but_targets
        and (clause.selectors is None or part.selector in clause.selectors)
        and clause.least_wei <= part.value_wei
        and (clause.most_wei is None or part.value_wei <= clause.most_wei)
    )


def _missing(part: _Part) -> Refused:
    kind = "account_functions" if part.is_on_account else "contract_functions"
    detail = f"no rule of the sponsorship pays for {part.said}"
    return Refused(kind, detail, f"add a rule of type {kind} that covers it")
