"""What a whitelist, a limit and two times mean: a permission, well formed, that holds on chain."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.checks import check_permission
from valetkey.core.permission.compile import NotOnChain, compile_grant
from valetkey.core.permission.decide import Allow, Deny, decide, nothing_spent
from valetkey.core.permission.effects import selector_of
from valetkey.core.permission.finding import LintRule
from valetkey.core.permission.lint import lint
from valetkey.core.permission.model import Call, Permission
from valetkey.core.permission.whitelist import whitelist_of
from valetkey.http.dialects.openfort.meaning import (
    INT32_MAX,
    LAG_S,
    UNLIMITED,
    Frame,
    Wanted,
    limit_of,
    permission_of,
)

NOW: Final = 1_800_000_000
YEAR_S: Final = 366 * 86_400
GAME: Final = b"\x25" * 20
SHOP: Final = b"\x52" * 20
ACCOUNT: Final = b"\xac" * 20
FRAME: Final = Frame(
    now=NOW,
    chain_now=NOW - 12,
    max_session_s=YEAR_S,
    relayer=b"\x0e" * 20,
    never=frozenset({ACCOUNT}),
)
GAME_ONLY: Final = Wanted("eip155:80002", (GAME,), None, 0, NOW + 3600)
ANY: Final = replace(GAME_ONLY, whitelist=())


def of(wanted: Wanted, frame: Frame = FRAME) -> Permission:
    """Return the permission, which is well formed and compiles."""
    permission = check_permission(permission_of(wanted, frame), forbidden=(ACCOUNT,))
    assert not isinstance(compile_grant(permission, key=b"\x01" * 20, salt=0), NotOnChain)
    return permission


def verdict(permission: Permission, *calls: Call, at: int = NOW) -> Code | None:
    """Return why *calls* are refused, None if they are allowed."""
    spent = nothing_spent(permission)
    said = decide(calls, permission, spent, now=at, account=ACCOUNT)
    return said.code if isinstance(said, Deny) else None


def call(function: str, to: bytes = GAME, wei: int = 0) -> Call:
    """Return a call with enough arguments for anything."""
    return Call(to, wei, selector_of(function) + bytes(32 * 8))


def refused(wanted: Wanted, frame: Frame = FRAME) -> tuple[str, str]:
    """Return the field that is named, and what is said of it."""
    with pytest.raises(Malformed) as error:
        permission_of(wanted, frame)
    field = str(error.value.facts["field"])
    assert error.value.detail.startswith(f"{field}: expected")
    return field, error.value.detail


def test_a_whitelist_means_any_function_of_its_contracts_and_nothing_else() -> None:
    """What the page mints; not another contract, not a payment, not the account itself."""
    permission = of(GAME_ONLY)
    assert verdict(permission, call("mint(address)")) is None
    assert verdict(permission, call("anything(uint256)")) is None
    assert verdict(permission) is None
    assert verdict(permission, call("mint(address)", SHOP)) is Code.TARGET_NOT_ALLOWED
    assert verdict(permission, call("mint(address)", wei=1)) is Code.VALUE_NOT_ALLOWED
    assert verdict(permission, call("mint(address)", ACCOUNT)) is Code.TARGET_FORBIDDEN


@pytest.mark.parametrize(
    "function",
    [
        "transfer(address,uint256)",
        "approve(address,uint256)",
        "transferFrom(address,address,uint256)",
        "setApprovalForAll(address,bool)",
        "safeTransferFrom(address,address,uint256)",
    ],
)
def test_what_moves_value_needs_the_vendors_meaning(function: str) -> None:
    """A whitelisted token stays where it is, unless the organization wants it as at the vendor."""
    assert verdict(of(GAME_ONLY), call(function)) is Code.SELECTOR_REFUSED
    vendors = of(GAME_ONLY, replace(FRAME, as_vendor=True))
    assert verdict(vendors, call(function)) is None
    assert verdict(vendors, call("mint(address)")) is None
    assert verdict(vendors, call(function, SHOP)) is Code.TARGET_NOT_ALLOWED
    assert verdict(vendors, call(function, wei=1)) is Code.VALUE_NOT_ALLOWED
    assert LintRule.NO_CAP in {one.rule for one in lint(vendors)}


def test_no_whitelist_is_any_contract_and_the_linter_says_so() -> None:
    """The page's curl call has none; what moves value is refused there, too."""
    permission = of(ANY)
    assert verdict(permission, call("mint(address)"), call("play()", SHOP)) is None
    assert verdict(permission, call("transfer(address,uint256)")) is Code.SELECTOR_REFUSED
    assert verdict(permission, Call(SHOP, 1, b"")) is not None
    assert LintRule.SUDO in {one.rule for one in lint(permission)}
    assert whitelist_of(permission) == ()
    assert of(ANY, replace(FRAME, as_vendor=True)) == permission


@pytest.mark.parametrize("as_vendor", [False, True])
def test_the_whitelist_is_told_as_it_was_given(*, as_vendor: bool) -> None:
    """Twice the same is once; as many as there may be fit, also with what moves value."""
    permission = of(replace(GAME_ONLY, whitelist=(SHOP, GAME, SHOP)), FRAME)
    assert whitelist_of(permission) == (GAME, SHOP)
    many = tuple(bytes([n]) * 20 for n in range(1, 17))
    whole = of(replace(GAME_ONLY, whitelist=many), replace(FRAME, as_vendor=as_vendor))
    assert whitelist_of(whole) == many
    assert isinstance(
        decide(
            [call("play()", one) for one in many],
            whole,
            nothing_spent(whole),
            now=NOW,
            account=ACCOUNT,
        ),
        Allow,
    )


@pytest.mark.parametrize("limit", [1, 7, INT32_MAX])
def test_a_limit_is_a_number_of_calls(limit: int) -> None:
    """And it is told as it was given."""
    permission = of(replace(GAME_ONLY, limit=limit))
    assert limit_of(permission) == limit
    calls = [call("play()")] * (limit + 1 if limit < INT32_MAX else 1)
    assert verdict(permission, *calls[:limit]) is None
    if limit < INT32_MAX:
        assert verdict(permission, *calls) is Code.TOO_MANY_CALLS


@pytest.mark.parametrize("limit", [None, UNLIMITED])
def test_no_limit_is_told_as_the_most_that_32_bits_say(limit: int | None) -> None:
    """Generated clients have no room for the vendor's own word."""
    permission = of(replace(GAME_ONLY, limit=limit))
    assert permission.max_calls is None
    assert limit_of(permission) == INT32_MAX


@pytest.mark.parametrize("limit", [0, -1, 2**32 - 1, UNLIMITED - 1, UNLIMITED + 1])
def test_a_limit_of_nothing_or_too_much_is_refused(limit: int) -> None:
    """A session that can never be used is a mistake."""
    assert refused(replace(GAME_ONLY, limit=limit))[0] == "limit"


def test_the_last_valid_second_is_valid() -> None:
    """``validUntil`` is the last second, ``expires_at`` the first behind it."""
    permission = of(GAME_ONLY)
    assert verdict(permission, at=GAME_ONLY.valid_until) is None
    assert verdict(permission, at=GAME_ONLY.valid_until + 1) is Code.SESSION_EXPIRED


@pytest.mark.parametrize("after", [0, 1, NOW - 5, NOW])
def test_valid_after_that_is_over_is_now_on_a_chain_whose_clock_lags(after: int) -> None:
    """A session is not "not started" for a chain that is one block behind."""
    permission = of(replace(GAME_ONLY, valid_after=after))
    assert permission.starts_at == FRAME.chain_now
    idle = replace(FRAME, chain_now=NOW - 86_400)
    assert of(replace(GAME_ONLY, valid_after=after), idle).starts_at == NOW - LAG_S
    ahead = replace(FRAME, chain_now=NOW + 5)
    assert of(replace(GAME_ONLY, valid_after=after), ahead).starts_at == NOW


def test_valid_after_that_is_to_come_is_when_it_starts() -> None:
    """To the second."""
    permission = of(replace(GAME_ONLY, valid_after=NOW + 60))
    assert verdict(permission, at=NOW + 59) is Code.SESSION_NOT_STARTED
    assert verdict(permission, at=NOW + 60) is None


def test_times_that_no_session_can_have_name_their_field() -> None:
    """The page's literal time lies in 2023; an absolute expiry added to now lies in 2083."""
    field, said = refused(replace(GAME_ONLY, valid_until=1_685_004_600))
    assert field == "validUntil"
    assert said.endswith("later than now, which is 1800000000, got 1685004600, which is over")
    assert refused(replace(GAME_ONLY, valid_until=NOW))[0] == "validUntil"
    assert refused(replace(GAME_ONLY, valid_after=-1))[0] == "validAfter"
    assert refused(replace(GAME_ONLY, valid_after=NOW + 3600))[0] == "validUntil"
    assert refused(replace(GAME_ONLY, valid_until=NOW + YEAR_S + 60))[0] == "validUntil"
    field, said = refused(replace(GAME_ONLY, valid_until=NOW + NOW + 3600))
    assert field == "validUntil"
    assert "an absolute expiry were added to now" in said
    assert "(3600, it seems)" in said
    assert "in milliseconds" in refused(replace(GAME_ONLY, valid_until=NOW * 1000))[1]


def test_the_longest_session_is_as_long_as_the_server_says() -> None:
    """To the second, from when it begins or from now; what begins later ends no later."""
    most = FRAME.chain_now + FRAME.max_session_s - 1
    longest = of(replace(GAME_ONLY, valid_until=most))
    assert longest.expires_at - longest.starts_at == FRAME.max_session_s
    assert refused(replace(GAME_ONLY, valid_until=most + 1))[0] == "validUntil"
    later, most = replace(GAME_ONLY, valid_after=NOW + 60), NOW + FRAME.max_session_s - 1
    assert of(replace(later, valid_until=most)).expires_at == NOW + FRAME.max_session_s
    assert refused(replace(later, valid_until=most + 1))[0] == "validUntil"


@pytest.mark.parametrize(
    "target",
    [ACCOUNT, bytes(20), bytes.fromhex("5ff137d4b0fdcd49dca30c7cf57e578a026d2789")],
)
def test_what_is_never_called_is_on_no_whitelist(target: bytes) -> None:
    """The account itself, an entry point, zero: the place on the list is named."""
    field, said = refused(replace(GAME_ONLY, whitelist=(GAME, target)))
    assert field == "whitelist[1]"
    assert target.hex() in said


def test_a_whitelist_that_is_too_long_is_refused() -> None:
    """16 at most."""
    many = tuple(bytes([n]) * 20 for n in range(1, 18))
    assert refused(replace(GAME_ONLY, whitelist=many))[0] == "whitelist"


@given(
    whitelist=st.lists(st.integers(1, 255).map(lambda n: bytes([n]) * 20), max_size=20),
    limit=st.none() | st.integers(-2, 2**50),
    after=st.integers(-2, 2**42),
    until=st.integers(-2, 2**42),
    as_vendor=st.booleans(),
)
def test_whatever_is_asked_for_is_well_formed_or_refused_by_name(
    *,
    whitelist: list[bytes],
    limit: int | None,
    after: int,
    until: int,
    as_vendor: bool,
) -> None:
    """No text of a client gets past this to an error that it does not know."""
    wanted = Wanted("eip155:80002", tuple(whitelist), limit, after, until)
    frame = replace(FRAME, as_vendor=as_vendor)
    field: object = None
    try:
        permission = of(wanted, frame)
    except Malformed as error:
        field = error.facts["field"]
    if field is None:
        assert permission.relayer == FRAME.relayer
        assert whitelist_of(permission) == tuple(sorted(set(whitelist)))
    else:
        assert str(field).partition("[")[0] in {"limit", "validAfter", "validUntil", "whitelist"}
