"""How often anybody may ask: buckets, and a server that has them, in a time that tests set."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.http.calls import Caller, Nobody, Token
from tests.http.unchanged import check_problem, state
from tests.worlds import StoppedClock, make_organization, make_world
from valetkey.config import Rates, read_config_text
from valetkey.core.errors import Malformed
from valetkey.http.native.table import ROUTES
from valetkey.http.rates import Buckets, Lane
from valetkey.http.server import running
from valetkey.http.settings import Settings
from valetkey.telemetry.journal import Journal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.worlds import Founded
    from valetkey.flows.world import World

SMALL: Final = Rates(
    address_per_s=1,
    address_burst=30,
    failure_cost=10,
    caller_per_s=1,
    caller_burst=5,
    stop_per_s=1,
    stop_burst=3,
    kept=100,
)
WRONG: Final = "vk_secret_" + "A" * 43
# One item with integers as parameters, as RFC 9651 writes it.
_ITEM: Final = re.compile(r'"([a-z-]+)"((?:;[a-z]=(?:0|[1-9][0-9]*))+)')


@dataclass(frozen=True, slots=True)
class Served:
    """A server whose clock stands still."""

    world: World
    clock: StoppedClock
    client: httpx.AsyncClient
    founded: Founded

    def by(self, token: str) -> Caller:
        """Return who holds *token*."""
        return Caller(self.client, Token(token))

    @property
    def owner(self) -> Caller:
        """Return who holds the first key."""
        return self.by(self.founded.secret)


@asynccontextmanager
async def served(rates: Rates = SMALL, **settings: object) -> AsyncIterator[Served]:
    """Serve a world with small buckets."""
    clock = StoppedClock()
    world = await make_world(clock=clock)
    founded = await make_organization(world)
    made = replace(Settings(reconcile_s=0, deliver_s=0, rates=rates), **settings)  # type: ignore[arg-type]
    async with (
        running(world, settings=made, journal=Journal(bytes)) as serving,
        httpx.AsyncClient(base_url=serving.url) as client,
    ):
        yield Served(world, clock, client, founded)


def read_item(text: str) -> tuple[str, dict[str, int]]:
    """Return the name and the parameters of a structured field with one item."""
    found = _ITEM.fullmatch(text)
    assert found is not None, text
    pairs = (one.split("=") for one in found[2].split(";")[1:])
    return found[1], {name: int(value) for name, value in pairs}


@given(
    steps=st.lists(st.tuples(st.integers(0, 9000), st.integers(1, 4)), max_size=60),
    per_s=st.sampled_from([0.5, 1.0, 4.0, 200.0]),
    burst=st.integers(1, 10),
)
def test_a_bucket_lets_through_what_a_counted_one_would(
    steps: list[tuple[int, int]], per_s: float, burst: int
) -> None:
    """The same as tokens that are counted one by one: never more, and none is lost."""
    buckets = Buckets("x", per_s=per_s, burst=burst, kept=10)
    at_ms, tokens = 0, Fraction(burst)
    for passed_ms, asks in steps:
        at_ms += passed_ms
        tokens = min(Fraction(burst), tokens + passed_ms * Fraction(per_s) / 1000)
        for _ in range(asks):
            taken = buckets.take("a", at_ms=at_ms)
            assert (taken.wait_s == 0) == (tokens >= 1)
            tokens -= tokens >= 1
            assert taken.left == int(tokens)


def test_what_it_says_to_wait_is_enough_and_not_a_second_too_long() -> None:
    """Retry-After keeps its promise."""
    buckets = Buckets("x", per_s=0.25, burst=2, kept=10)
    assert [buckets.take("a", at_ms=0).wait_s for _ in range(3)] == [0, 0, 4]
    assert buckets.take("a", at_ms=3_000).wait_s == 1
    assert buckets.take("a", at_ms=4_000).wait_s == 0
    assert buckets.take("b", at_ms=0).left == 1


def test_buckets_forget_the_longest_quiet_beyond_their_bound() -> None:
    """However many addresses ask, memory is bounded; who has just asked is remembered."""
    buckets = Buckets("x", per_s=1, burst=3, kept=100)
    for number in range(10_000):
        buckets.take("always", at_ms=0)
        buckets.spend(f"2001:db8:{number:x}::/64", 1, at_ms=0)
        assert len(buckets) <= 100
    assert buckets.look("always", at_ms=0).wait_s == 1


def test_a_clock_that_is_set_back_keeps_nobody_out_for_long() -> None:
    """At most as long as an empty bucket takes to fill."""
    buckets = Buckets("x", per_s=1, burst=5, kept=10)
    buckets.spend("a", 5, at_ms=1_000_000_000)
    assert buckets.look("a", at_ms=0).wait_s == 1
    assert buckets.look("a", at_ms=5_000).left == 5


async def test_a_caller_reads_how_many_more_and_is_stopped_at_none() -> None:
    """Each answer says it in the fields of the draft; the refusal says when to come back."""
    async with served() as one:
        for left in (4, 3, 2, 1, 0):
            answer = await one.owner.send("GET", "/v1/users", None)
            assert answer.status_code == 200
            assert read_item(answer.headers["ratelimit-policy"]) == ("caller", {"q": 5, "w": 5})
            assert read_item(answer.headers["ratelimit"]) == ("caller", {"r": left, "t": 5 - left})
        before = await state(one.world)
        refused = await one.owner.send("POST", "/v1/users", {"reference": "x"})
        check_problem(refused, 429, "rate_limited")
        assert refused.headers["retry-after"] == "1"
        assert refused.json()["retry_after_s"] == 1
        assert read_item(refused.headers["ratelimit"]) == ("caller", {"r": 0, "t": 1})
        assert read_item(refused.headers["ratelimit-policy"]) == ("caller", {"q": 5, "w": 5})
        assert await state(one.world) == before
        one.clock.advance(1)
        assert (await one.owner.send("GET", "/v1/users", None)).status_code == 200


async def test_one_that_asks_without_end_keeps_no_other_out() -> None:
    """Callers have buckets of their own, also at one address."""
    async with served(replace(SMALL, caller_burst=8)) as one:
        other = (await one.owner.post("/v1/credentials", {"kind": "secret"}))["token"]
        while (await one.owner.send("GET", "/v1/users", None)).status_code == 200:
            pass
        assert (await one.by(other).send("GET", "/v1/users", None)).status_code == 200
        assert (await Caller(one.client, Nobody()).send("GET", "/healthz")).status_code == 200


async def test_guesses_are_few_and_the_address_waits() -> None:
    """A refused proof costs ten; then not even a good one is looked at from there."""
    async with served() as one:
        for _ in range(3):
            answer = await one.by(WRONG).send("GET", "/v1/users", None)
            check_problem(answer, 401, "proof_refused")
        for token in (WRONG, one.founded.secret):
            answer = await one.by(token).send("GET", "/v1/users", None)
            check_problem(answer, 429, "rate_limited")
            assert read_item(answer.headers["ratelimit"]) == ("address", {"r": 0, "t": 1})
        one.clock.advance(30)
        assert (await one.owner.send("GET", "/v1/users", None)).status_code == 200


async def test_who_proves_nothing_is_counted_by_address() -> None:
    """A flood without proofs ends, and liveness and readiness are asked for free."""
    async with served() as one:
        nobody = Caller(one.client, Nobody())
        statuses = [(await nobody.send("GET", "/v1/server")).status_code for _ in range(40)]
        assert statuses == [200] * 30 + [429] * 10
        assert (await nobody.send("GET", "/v1/users")).status_code == 429
        assert [(await nobody.send("GET", "/healthz")).status_code for _ in range(40)] == [200] * 40
        one.clock.advance(1)
        check_problem(await nobody.send("GET", "/v1/users"), 401, "proof_missing")


async def test_a_flood_keeps_no_owner_from_stopping() -> None:
    """Stops have buckets of their own: of the caller, and of the address."""
    async with served(replace(SMALL, caller_burst=8)) as one:
        body = {"proof": "bearer", "access": "read", "ttl_s": 60}
        key = (await one.owner.post("/v1/sessions", body))["session"]["id"]
        while (await one.owner.send("GET", "/v1/users", None)).status_code == 200:
            pass
        for _ in range(4):
            await one.by(WRONG).send("GET", "/v1/users", None)
        check_problem(await one.owner.send("GET", "/v1/users", None), 429, "rate_limited")
        stopped = await one.owner.send("POST", f"/v1/sessions/{key}/revoke", {})
        assert stopped.json()["session"]["state"] == "revoked"
        assert read_item(stopped.headers["ratelimit"]) == ("stop", {"r": 2, "t": 1})


def test_every_stop_is_in_the_lane_of_stops() -> None:
    """What ends or freezes, and what an owner needs to do it past the server."""
    lanes = {route.path: route.lane for route in ROUTES if route.lane is not Lane.USUAL}
    assert lanes == {
        "/healthz": Lane.FREE,
        "/readyz": Lane.FREE,
        **dict.fromkeys(
            (
                "/v1/credentials/{credential_id}/revoke",
                "/v1/exposure/revoke",
                "/v1/session/children/{session_id}/revoke",
                "/v1/session/close",
                "/v1/sessions/revoke",
                "/v1/sessions/{session_id}/freeze",
                "/v1/sessions/{session_id}/freeze-note",
                "/v1/sessions/{session_id}/kill-note",
                "/v1/sessions/{session_id}/revoke",
                "/v1/tokens/revoke",
            ),
            Lane.STOP,
        ),
    }


async def test_a_limit_of_nothing_is_none() -> None:
    """Who limits in front of the server turns it off here, and no answer speaks of it."""
    free = replace(SMALL, address_per_s=0, caller_per_s=0, stop_per_s=0)
    async with served(free) as one:
        for _ in range(20):
            answer = await one.owner.send("GET", "/v1/users", None)
            assert answer.status_code == 200
            assert "ratelimit" not in answer.headers
            assert (await one.by(WRONG).send("GET", "/v1/users", None)).status_code == 401


@pytest.mark.parametrize(("header", "is_believed"), [("10.9.9.9", False), ("127.0.0.1", True)])
async def test_an_address_is_not_had_by_writing_it(header: str, *, is_believed: bool) -> None:
    """Only a proxy that the operator trusts says where a request comes from."""
    trusted = (f"{header}/32",)
    async with served(trusted_proxies=trusted) as one:
        said = []
        for number in range(5):
            fields = {
                "authorization": f"Bearer {WRONG}",
                "x-forwarded-for": f"192.0.2.{number}",
                "forwarded": f"for=198.51.100.{number}",
            }
            said.append((await one.client.get("/v1/users", headers=fields)).status_code)
        assert said == ([401] * 5 if is_believed else [401] * 3 + [429] * 2)


def test_rates_and_proxies_are_set_in_the_environment() -> None:
    """As everything else is; a list is written with commas."""
    told = {
        "VALETKEY_RATES_CALLER_PER_S": "7.5",
        "VALETKEY_BOUNDS_WAIT_S": "3",
        "VALETKEY_TRUSTED_PROXIES": "10.0.0.0/8,fd00::/8",
        "VALETKEY_PROXY_HEADER": "forwarded",
    }
    config = read_config_text("[chains]\n[rates]\ncaller_per_s = 1\nstop_burst = 9\n", told)
    assert config.rates == Rates(caller_per_s=7.5, stop_burst=9)
    assert config.bounds.wait_s == 3
    assert config.trusted_proxies == ["10.0.0.0/8", "fd00::/8"]
    assert config.proxy_header == "forwarded"
    for wrong in ("[rates]\nburst = 1\n", "[rates]\nkept = 1\n", 'proxy_header = "via"\n'):
        with pytest.raises(Malformed):
            read_config_text(f"chains = {{}}\n{wrong}", {})
