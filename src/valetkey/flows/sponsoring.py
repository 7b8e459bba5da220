"""A sponsorship pays, or says why not: asked when something is planned and when it goes off."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from valetkey.core.budget import BudgetLine, Entry, book, booked_in, settle
from valetkey.core.errors import Code, Forbidden, NotFound
from valetkey.core.permission.decide import Deny
from valetkey.core.principal import PrincipalKind
from valetkey.core.sponsor_limit import (
    LimitKind,
    Owner,
    line_id_of_limit,
    line_of_limit,
)
from valetkey.core.sponsoring import (
    MAX_RULES,
    Rulebook,
    Sponsored,
    Sponsorship,
    SponsorshipRule,
    clauses_of,
    covers,
    limits_of,
)
from valetkey.core.sponsorship import Fund
from valetkey.core.units import format_moment

if TYPE_CHECKING:
    from valetkey.core.activity import Activity
    from valetkey.core.principal import Principal
    from valetkey.core.sponsor_limit import Limit
    from valetkey.core.wallet import Account
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View


@dataclass(frozen=True, slots=True)
class Sponsor:
    """A sponsorship, with all that says what it pays for."""

    sponsorship: Sponsorship
    rules: tuple[SponsorshipRule, ...]
    rulebook: Rulebook | None


def sponsor_of(view: View, organization_id: str, sponsorship_id: str) -> Sponsor:
    """
    Return a sponsorship of an organization, whether it is on or not.

    Raises:
        NotFound: It has no such sponsorship.
    """
    found = view.get(Sponsorship, sponsorship_id)
    if found is None or found.organization_id != organization_id:
        raise NotFound(Code.NOT_FOUND, "there is no sponsorship with that id")
    rules = view.find(SponsorshipRule, sponsorship_id=found.id, limit=MAX_RULES)
    rulebook = view.get(Rulebook, found.rulebook_id) if found.rulebook_id else None
    return Sponsor(found, tuple(rules), rulebook)


def expect_named(principal: Principal, sponsorship_id: str | None) -> None:
    """
    Let no client pass that names nothing: what the organization's fund pays its backend decides.

    Whoever has a publishable key can be a client, and their accounts make any calls.

    Raises:
        Forbidden: ``not_sponsored``.
    """
    if principal.kind is PrincipalKind.SESSION and sponsorship_id is None:
        detail = (
            "expected a sponsorship that pays (policy), got none: without one the organization's"
            " fund pays, for what its backend asks alone"
        )
        raise Forbidden(Code.NOT_SPONSORED, detail, field="policy")


def expect_sponsored(
    view: View, organization_id: str, sponsorship_id: str | None, asked: Sponsored, *, now: int
) -> None:
    """
    Let pass what the sponsorship pays for now. Nothing is counted: that is for `count_sponsored`.

    Args:
        sponsorship_id: None if none was named: then the fund of the organization pays for anything.

    Raises:
        NotFound: The organization has no such sponsorship.
        Forbidden: ``not_sponsored``: the detail names the rule that refuses or is missing, and what
            to do. ``sponsorship_exceeded``: it has paid for as many as it may for now.
    """
    if sponsorship_id is None:
        return
    sponsor = sponsor_of(view, organization_id, sponsorship_id)
    _expect_covered(sponsor, asked)
    for rule, limit in limits_of(sponsor.rules, LimitKind.COUNT_PER_INTERVAL):
        line = _line(view, rule, limit)
        if booked_in(line, now=now)[1] >= limit.most:
            raise _used_up(line, now=now)


def count_sponsored(world: World, tx: Tx, activity: Activity, asked: Sponsored) -> Activity:
    """
    Return *activity*, counted by what sponsors it, if anything does: once, when it can go off.

    To be called in the transaction that makes it ready, which whatever this raises undoes. What
    stops something is neither refused nor counted here: the fund for stops pays for it in any case.

    Raises:
        NotFound, Forbidden: As `expect_sponsored`.
    """
    is_stop = activity.intent is not None and activity.intent.fund is Fund.STOPS
    if activity.sponsorship_id is None or activity.uses or is_stop:
        return activity
    sponsor = sponsor_of(tx, activity.organization_id, activity.sponsorship_id)
    _expect_covered(sponsor, asked)
    now = world.clock.now()
    uses: list[Entry] = []
    for rule, limit in limits_of(sponsor.rules, LimitKind.COUNT_PER_INTERVAL):
        line = _line(tx, rule, limit)
        booked = book(line, 1, now=now)
        if isinstance(booked, Deny):
            raise _used_up(line, now=now)
        tx.put(booked[0])
        uses.append(booked[1])
    return replace(activity, uses=tuple(uses))


def sponsored_calls(
    world: World, view: View, planned: Activity, account: Account, sponsorship_id: str | None
) -> Activity:
    """
    Return planned calls of *account* with what is to pay for them, which would do so now.

    Raises:
        NotFound, Forbidden: As `expect_sponsored`.
    """
    owner, now = planned.organization_id, world.clock.now()
    expect_sponsored(view, owner, sponsorship_id, _calls(planned, account), now=now)
    return replace(planned, sponsorship_id=sponsorship_id)


def count_calls(world: World, tx: Tx, ready: Activity, account: Account) -> Activity:
    """Return calls of *account*, counted by what sponsors them, if anything; `count_sponsored`."""
    return count_sponsored(world, tx, ready, _calls(ready, account))


def expect_registering(
    world: World, view: View, account: Account, sponsorship_id: str | None
) -> None:
    """Let pass what the sponsorship pays for: registering a session (`expect_sponsored`)."""
    owner, now = account.organization_id, world.clock.now()
    expect_sponsored(view, owner, sponsorship_id, _registering(account), now=now)


def count_registering(world: World, tx: Tx, ready: Activity, account: Account) -> Activity:
    """Return the registration of a session, counted by what sponsors it; `count_sponsored`."""
    return count_sponsored(world, tx, ready, _registering(account))


def _registering(account: Account) -> Sponsored:
    return Sponsored(account.chain, account.id, account.address, act="registering a session")


def _calls(activity: Activity, account: Account) -> Sponsored:
    calls = activity.execution.calls if activity.execution is not None else ()
    return Sponsored(account.chain, account.id, account.address, calls=calls)


def uses_given_back(tx: Tx, activity: Activity) -> Activity:
    """Return *activity*, no transaction of which was mined, counted by its sponsorship no more."""
    for entry in activity.uses:
        line = tx.get(BudgetLine, entry.line_id)
        if line is not None:
            tx.put(settle(line, entry, actual=0))
    return replace(activity, uses=())


def lines_for_gas(view: View, activity: Activity, ceiling_wei: int) -> list[BudgetLine] | Deny:
    """
    Return the lines of its sponsorship that the gas of *activity* is booked to, or who refuses.

    Args:
        ceiling_wei: The most that a transaction can cost more than the attempt before it.
    """
    is_stop = activity.intent is not None and activity.intent.fund is Fund.STOPS
    if activity.sponsorship_id is None or is_stop:
        return []
    sponsor = sponsor_of(view, activity.organization_id, activity.sponsorship_id)
    off = sponsor.sponsorship
    if off.is_deleted or not off.is_enabled:
        return Deny(Code.NOT_SPONSORED, "sponsorship", "it was disabled or deleted meanwhile")
    before = activity.attempts[-1].transaction.ceiling_wei() if activity.attempts else 0
    for _, limit in limits_of(sponsor.rules, LimitKind.GAS_PER_TRANSACTION):
        if before + ceiling_wei > limit.most:
            detail = f"expected gas of at most {limit.most} wei, this can cost"
            detail += f" {before + ceiling_wei}"
            return Deny(Code.SPONSORSHIP_EXCEEDED, limit.kind, detail)
    gas = limits_of(sponsor.rules, LimitKind.GAS_PER_INTERVAL)
    return [_line(view, rule, limit) for rule, limit in gas]


def _expect_covered(sponsor: Sponsor, asked: Sponsored) -> None:
    refused = covers(
        sponsor.sponsorship,
        clauses_of(sponsor.rules, sponsor.rulebook),
        asked,
        rulebook=sponsor.rulebook,
    )
    if refused is not None:
        detail = f"{refused.detail}; {refused.fix}"
        raise Forbidden(Code.NOT_SPONSORED, detail, rule=refused.rule)


def _line(view: View, rule: SponsorshipRule, limit: Limit) -> BudgetLine:
    before = view.get(BudgetLine, line_id_of_limit(limit, rule.id))
    return line_of_limit(limit, Owner(rule.id, rule.organization_id, rule.created_at), before)


def _used_up(line: BudgetLine, *, now: int) -> Forbidden:
    window, _ = booked_in(line, now=now)
    again = line.starts_at + (window + 1) * line.window_s
    detail = f"count_per_interval: the sponsorship pays for {line.limit} in {line.window_s} s"
    detail += f", and has; the next interval begins at {again} ({format_moment(again)})"
    return Forbidden(Code.SPONSORSHIP_EXCEEDED, detail, rule="count_per_interval", again_at=again)
