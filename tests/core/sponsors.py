"""Sponsorships, clauses, and what is asked of them; few of everything, so that they meet."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from valetkey.core.permission.model import Call
from valetkey.core.sponsoring import About, Clause, Sponsored, Sponsorship

ORGANIZATION: Final = "org_1"
CHAINS: Final = ("eip155:1", "eip155:80002")
ACCOUNT: Final = b"\xaa" * 20
TARGETS: Final = (b"\x01" * 20, b"\x02" * 20, ACCOUNT)
SELECTORS: Final = (b"\x0a\x0a\x0a\x0a", b"\x0b\x0b\x0b\x0b")
PLAIN: Final = Sponsorship("spn_1", ORGANIZATION, "till", 0)

_DATA: Final = st.one_of(st.just(b""), st.sampled_from(SELECTORS))
_SOME_CHAINS: Final = st.lists(st.sampled_from(CHAINS), max_size=2).map(tuple)
_SOME_TARGETS: Final = st.lists(st.sampled_from(TARGETS), max_size=2).map(tuple)
CALLS: Final = st.builds(Call, st.sampled_from(TARGETS), st.integers(0, 3), _DATA)
ASKED: Final = st.builds(
    Sponsored,
    st.sampled_from(CHAINS),
    st.just("acc_1"),
    st.just(ACCOUNT),
    st.sampled_from([None, "registering a session"]),
    st.lists(CALLS, max_size=3).map(tuple),
)
CLAUSES: Final = st.builds(
    Clause,
    st.booleans(),
    st.sampled_from(About),
    st.one_of(st.none(), _SOME_CHAINS),
    _SOME_CHAINS,
    st.one_of(st.none(), _SOME_TARGETS),
    _SOME_TARGETS,
    st.one_of(st.none(), st.lists(st.sampled_from(SELECTORS), max_size=2).map(tuple)),
    st.integers(0, 2),
    st.one_of(st.none(), st.integers(0, 3)),
)
RULES: Final = st.lists(CLAUSES, max_size=4)


def pays(about: About, **limits: object) -> Clause:
    """Return a clause that pays."""
    return Clause(True, about, **limits)  # type: ignore[arg-type]  # noqa: FBT003 - what it is


def refuses(about: About, **limits: object) -> Clause:
    """Return a clause that refuses."""
    return Clause(False, about, **limits)  # type: ignore[arg-type]  # noqa: FBT003 - what it is


def asks(*calls: Call, act: str | None = None, chain: str = CHAINS[0]) -> Sponsored:
    """Return what is asked for on the one account."""
    return Sponsored(chain, "acc_1", ACCOUNT, act, calls)
