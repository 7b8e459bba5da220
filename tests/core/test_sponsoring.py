"""What a sponsorship pays for: nothing without a rule, and what the first clause says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.sponsors import (
    ACCOUNT,
    ASKED,
    CHAINS,
    ORGANIZATION,
    PLAIN,
    RULES,
    SELECTORS,
    TARGETS,
    asks,
    pays,
    refuses,
)
from valetkey.core.budget import book, booked_in
from valetkey.core.permission.decide import Deny
from valetkey.core.permission.model import Call
from valetkey.core.sponsor_limit import (
    Interval,
    Limit,
    LimitKind,
    Owner,
    line_id_of_limit,
    line_of_limit,
)
from valetkey.core.sponsoring import (
    About,
    Rulebook,
    SponsorshipRule,
    Written,
    clauses_of,
    covers,
    limits_of,
)

if TYPE_CHECKING:
    from valetkey.core.sponsoring import Clause, Sponsored, Sponsorship

ONE, OTHER = TARGETS[0], TARGETS[1]
MINT, BURN = SELECTORS
REGISTER: Final = asks(act="registering a session")
BOOK: Final = Rulebook("rbk_1", ORGANIZATION, 0, "project", ())
OWNER: Final = Owner("spr_1", ORGANIZATION, since=1000)


@given(ASKED)
def test_without_a_rule_nothing_is_paid(asked: Sponsored) -> None:
    """Deny by default, whatever is asked."""
    refused = covers(PLAIN, [], asked)
    assert refused is not None
    assert refused.fix.startswith("add a rule of type")


@given(RULES, ASKED)
def test_a_batch_is_paid_if_each_of_its_calls_is(clauses: list[Clause], asked: Sponsored) -> None:
    """None rides along with another."""
    alone = [replace(asked, act=None, calls=(call,)) for call in asked.calls]
    if asked.act is not None or not asked.calls:
        alone.append(replace(asked, calls=()))
    together = covers(PLAIN, clauses, asked) is None
    assert together == all(covers(PLAIN, clauses, one) is None for one in alone)


@given(RULES, ASKED, st.sampled_from(About))
def test_another_clause_behind_takes_nothing_away(
    clauses: list[Clause], asked: Sponsored, about: About
) -> None:
    """The first that speaks of a call decides: what was decided stays decided."""
    before = covers(PLAIN, clauses, asked)
    if before is None or before.rule == "reject":
        for more in (pays(about), refuses(about)):
            assert covers(PLAIN, [*clauses, more], asked) == before


@given(RULES, ASKED)
def test_a_clause_that_refuses_everything_first_leaves_nothing(
    clauses: list[Clause], asked: Sponsored
) -> None:
    """Order is what counts."""
    refused = covers(PLAIN, [refuses(About.BOTH), *clauses], asked)
    assert refused is not None
    assert refused.rule == "reject"


OFF: Final = [
    (replace(PLAIN, is_deleted=True), None, "deleted"),
    (replace(PLAIN, is_enabled=False), None, "disabled"),
    (replace(PLAIN, chain="eip155:5"), None, "chain"),
    (PLAIN, replace(BOOK, is_deleted=True), "deleted"),
    (PLAIN, replace(BOOK, is_enabled=False), "disabled"),
    (PLAIN, replace(BOOK, account_id="acc_2"), "account"),
]


@pytest.mark.parametrize(("sponsorship", "rulebook", "rule"), OFF)
@given(asked=ASKED)
def test_what_is_off_or_for_something_else_pays_for_nothing(
    sponsorship: Sponsorship, rulebook: Rulebook | None, rule: str, asked: Sponsored
) -> None:
    """Even with a rule that pays for everything."""
    refused = covers(sponsorship, [pays(About.BOTH)], asked, rulebook=rulebook)
    assert refused is not None
    assert refused.rule == rule


def test_what_is_on_and_for_this_pays() -> None:
    """For this chain and this account, named one by one."""
    named = replace(PLAIN, chain=CHAINS[0])
    rulebook = replace(BOOK, account_id="acc_1")
    asked = asks(Call(ONE, 0, MINT))
    assert covers(named, [pays(About.CALLS)], asked, rulebook=rulebook) is None


CALL: Final = Call(ONE, 2, MINT + bytes(32))
COVERED: Final = [
    (pays(About.CALLS), True),
    (pays(About.BOTH), True),
    (pays(About.ACCOUNT), False),
    (pays(About.CALLS, chains=(CHAINS[0],)), True),
    (pays(About.CALLS, chains=(CHAINS[1],)), False),
    (pays(About.CALLS, chains=()), False),
    (pays(About.CALLS, but_chains=(CHAINS[0],)), False),
    (pays(About.CALLS, but_chains=(CHAINS[1],)), True),
    (pays(About.CALLS, targets=(OTHER, ONE)), True),
    (pays(About.CALLS, targets=(OTHER,)), False),
    (pays(About.CALLS, targets=()), False),
    (pays(About.CALLS, but_targets=(ONE,)), False),
    (pays(About.CALLS, but_targets=(OTHER,)), True),
    (pays(About.CALLS, selectors=(BURN, MINT)), True),
    (pays(About.CALLS, selectors=(BURN,)), False),
    (pays(About.CALLS, least_wei=2, most_wei=2), True),
    (pays(About.CALLS, least_wei=3), False),
    (pays(About.CALLS, most_wei=1), False),
]


@pytest.mark.parametrize(("clause", "is_paid"), COVERED)
def test_a_clause_pays_if_all_of_it_holds(clause: Clause, *, is_paid: bool) -> None:
    """Each part of it can only narrow; an empty list is nothing."""
    refused = covers(PLAIN, [clause], asks(CALL))
    assert (refused is None) == is_paid
    if refused is not None:
        assert refused.rule == "contract_functions"
        assert f"0x{ONE.hex()} with 0x{MINT.hex()}" in refused.detail


ON_ACCOUNT: Final = [
    REGISTER,
    asks(),  # a batch without calls
    asks(Call(ACCOUNT, 0, MINT)),
]


@pytest.mark.parametrize("asked", ON_ACCOUNT)
def test_acts_on_the_account_need_a_rule_of_their_own(asked: Sponsored) -> None:
    """A rule for any contract does not pay for the account's own functions."""
    refused = covers(PLAIN, [pays(About.CALLS)], asked)
    assert refused is not None
    assert refused.rule == "account_functions"
    assert covers(PLAIN, [pays(About.ACCOUNT)], asked) is None
    assert covers(PLAIN, [pays(About.BOTH, targets=(ACCOUNT,))], asked) is None
    elsewhere = covers(PLAIN, [pays(About.BOTH, targets=(ONE,))], asked)
    assert elsewhere is not None


def test_a_payment_without_data_has_no_selector() -> None:
    """A rule for functions does not pay for it, one for the contract does."""
    asked = asks(Call(ONE, 1, b""))
    refused = covers(PLAIN, [pays(About.CALLS, selectors=(MINT,))], asked)
    assert refused is not None
    assert "with no data" in refused.detail
    assert covers(PLAIN, [pays(About.CALLS, targets=(ONE,))], asked) is None


def test_the_rulebook_is_asked_first() -> None:
    """What it refuses, a rule of the sponsorship does not bring back; limits are no clauses."""
    limit = Limit(LimitKind.COUNT_PER_INTERVAL, 1)
    rules = [
        SponsorshipRule("spr_1", ORGANIZATION, "spn_1", 0, clause=pays(About.CALLS)),
        SponsorshipRule("spr_2", ORGANIZATION, "spn_1", 0, limit=limit),
    ]
    rulebook = replace(BOOK, clauses=(Written("spr_3", refuses(About.CALLS), "{}"),))
    assert clauses_of(rules, None) == [pays(About.CALLS)]
    assert clauses_of(rules, rulebook) == [refuses(About.CALLS), pays(About.CALLS)]
    assert limits_of(rules, LimitKind.COUNT_PER_INTERVAL) == [(rules[1], limit)]
    assert limits_of(rules, LimitKind.GAS_PER_INTERVAL) == []


LENGTHS: Final = [
    (Interval.MINUTE, 2, 120),
    (Interval.HOUR, 1, 3600),
    (Interval.DAY, 1, 86_400),
    (Interval.WEEK, 1, 604_800),
    (Interval.MONTH, 1, 2_592_000),
]


@pytest.mark.parametrize(("interval", "count", "seconds"), LENGTHS)
def test_an_interval_has_a_fixed_length(interval: Interval, count: int, seconds: int) -> None:
    """A month is thirty days; a limit for each transaction has no windows."""
    assert Limit(LimitKind.GAS_PER_INTERVAL, 1, interval, count).window_s == seconds
    assert Limit(LimitKind.GAS_PER_TRANSACTION, 1, interval, count).window_s == 0


@given(
    most=st.integers(0, 5),
    waits=st.lists(st.integers(0, 90), max_size=30),
)
def test_no_window_counts_more_than_the_limit(most: int, waits: list[int]) -> None:
    """However close to each other they come, and where windows begin."""
    limit = Limit(LimitKind.COUNT_PER_INTERVAL, most, Interval.MINUTE)
    now, before = OWNER.since, None
    taken: dict[int, int] = {}
    for wait in waits:
        now += wait
        line = line_of_limit(limit, OWNER, before)
        window, _ = booked_in(line, now=now)
        booked = book(line, 1, now=now)
        if isinstance(booked, Deny):
            assert taken.get(window, 0) == most
            continue
        before = booked[0]
        taken[window] = taken.get(window, 0) + 1
    assert all(count <= most for count in taken.values())


def test_a_limit_that_is_changed_goes_on_counting() -> None:
    """With the same interval it is the same line; uses and gas are counted apart."""
    uses = Limit(LimitKind.COUNT_PER_INTERVAL, 5, Interval.HOUR)
    booked = book(line_of_limit(uses, OWNER, None), 3, now=OWNER.since)
    assert not isinstance(booked, Deny)
    less = line_of_limit(replace(uses, most=4), OWNER, booked[0])
    assert (less.limit, less.counter.spent) == (4, 3)
    longer = replace(uses, interval=Interval.DAY)
    gas = Limit(LimitKind.GAS_PER_INTERVAL, 5, Interval.HOUR)
    assert len({line_id_of_limit(one, "spr_1") for one in (uses, longer, gas)}) == 3
