"""Pages of other origins: those that are named may ask and read, all others learn nothing."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from tests.worlds import make_organization, make_world
from valetkey.config import Rates, read_config_text
from valetkey.core.errors import Malformed
from valetkey.core.origins import Origins
from valetkey.http.native.table import ROUTES
from valetkey.http.server import running
from valetkey.http.settings import Settings
from valetkey.telemetry.journal import Journal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

APP: Final = "https://app.example"
STRANGERS: Final = (
    "https://evil.example",
    f"{APP}.evil.example",
    f"{APP}:8443",
    "http://app.example",
    "HTTPS://APP.EXAMPLE",
    f"{APP}/",
    "null",
    "*",
    "",
)
SENT: Final = (
    *("authorization", "content-digest", "content-type", "dpop", "idempotency-key"),
    *("last-event-id", "signature", "signature-input"),
)
READ: Final = (
    *("dpop-nonce", "ratelimit", "ratelimit-policy", "retry-after"),
    *("www-authenticate", "x-request-id"),
)


@dataclass(frozen=True, slots=True)
class There:
    """A server, and a key of its organization."""

    client: httpx.AsyncClient
    key: dict[str, str]

    async def preflight(self, origin: str, path: str = "/v1/users") -> httpx.Response:
        """Ask as a browser does before a page may."""
        asked = {
            "origin": origin,
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-type,idempotency-key",
        }
        return await self.client.options(path, headers=asked)


@asynccontextmanager
async def there(*origins: str, rates: Rates | None = None) -> AsyncIterator[There]:
    """Serve an organization to pages of *origins*."""
    world = await make_world()
    founded = await make_organization(world)
    settings = Settings(reconcile_s=0, deliver_s=0, origins=origins, rates=rates or Rates())
    async with (
        running(world, settings=settings, journal=Journal(bytes)) as serving,
        httpx.AsyncClient(base_url=serving.url) as client,
    ):
        yield There(client, {"authorization": f"Bearer {founded.secret}"})


def told(answer: httpx.Response) -> set[str]:
    """Return the names of what an answer says to a browser about other origins."""
    return {name for name in answer.headers if name.startswith("access-control-")}


def names_of(text: str) -> tuple[str, ...]:
    """Return the names in a list of header fields."""
    return tuple(sorted(name.strip().lower() for name in text.split(",")))


async def test_a_page_of_a_named_origin_may_ask_what_the_routes_take() -> None:
    """Every method of the routes, every header of every proof; for ten minutes, without cookies."""
    async with there(APP) as one:
        before = await one.preflight(APP)
        assert (before.status_code, before.content) == (204, b"")
        allowed = names_of(before.headers["access-control-allow-methods"])
        assert {route.method.lower() for route in ROUTES} <= set(allowed)
        assert names_of(before.headers["access-control-allow-headers"]) == SENT
        assert before.headers["access-control-allow-origin"] == APP
        assert before.headers["access-control-max-age"] == "600"
        assert before.headers["vary"] == "origin"
        assert "access-control-allow-credentials" not in before.headers


async def test_answers_and_refusals_are_read_by_that_page() -> None:
    """A page can tell why it was refused, and when to come back."""
    async with there(APP) as one:
        for path, fields, status in (
            ("/v1/users", one.key, 200),
            ("/v1/users", {}, 401),
            ("/v1/nothing", one.key, 404),
            ("/v1/users?limit=0", one.key, 400),
            ("/openapi.json", {}, 200),
        ):
            answer = await one.client.get(path, headers={**fields, "origin": APP})
            assert answer.status_code == status
            assert answer.headers["access-control-allow-origin"] == APP
            assert names_of(answer.headers["access-control-expose-headers"]) == READ
            assert answer.headers["vary"] == "origin"
            assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", STRANGERS)
async def test_another_origin_gets_no_header(origin: str) -> None:
    """Neither before nor with the answer; caches keep the two apart."""
    async with there(APP) as one:
        before = await one.preflight(origin)
        answer = await one.client.get("/v1/users", headers={**one.key, "origin": origin})
        assert told(before) == told(answer) == set()
        assert before.headers["vary"] == answer.headers["vary"] == "origin"


async def test_an_origin_that_stands_twice_is_none() -> None:
    """The attack: one for the browser's cache, another one for us."""
    async with there(APP) as one:
        twice = [("origin", APP), ("origin", "https://evil.example"), *one.key.items()]
        assert told(await one.client.get("/v1/users", headers=twice)) == set()


async def test_by_default_there_is_nothing_of_it() -> None:
    """A preflight is another method; no answer says anything."""
    async with there() as one:
        before = await one.preflight(APP)
        answer = await one.client.get("/v1/users", headers={**one.key, "origin": APP})
        assert (before.status_code, answer.status_code) == (405, 200)
        assert told(before) == told(answer) == set()
        assert "vary" not in answer.headers


async def test_a_flood_of_preflights_ends_and_keeps_no_page_from_stopping() -> None:
    """Counted by address as what proves nobody; those for stops with the stops."""
    rates = Rates(address_per_s=0.01, address_burst=2, stop_per_s=0.01, stop_burst=2)
    async with there(APP, rates=rates) as one:
        asked = [await one.preflight(APP) for _ in range(3)]
        assert [one.status_code for one in asked] == [204, 204, 429]
        assert int(asked[2].headers["retry-after"]) > 0
        assert asked[2].headers["access-control-allow-origin"] == APP
        assert (await one.preflight(APP, "/v1/session/close")).status_code == 204


@pytest.mark.parametrize(
    "text",
    [
        *("*", "null", "https://*.example", "app.example", "https://app.example/"),
        *("https://app.example/path", "https://App.example", "https://app.example:443"),
        *("http://app.example:80", "https://u@app.example", "https://localhost:*", "file://", ""),
    ],
)
def test_what_is_no_exact_origin_is_refused(text: str) -> None:
    """Everything at once above all; a default port too, which no browser names."""
    with pytest.raises(Malformed, match="origins: expected an origin"):
        Origins([text])


def test_origins_are_set_in_the_file_or_the_environment() -> None:
    """As a list; with commas in the environment."""
    assert read_config_text("[chains]\n", {}).origins == []
    assert read_config_text(f'origins = ["{APP}"]\n[chains]\n', {}).origins == [APP]
    local = "http://localhost:5173"
    told = {"VALETKEY_ORIGINS": f"{APP},{local}"}
    assert read_config_text("[chains]\n", told).origins == [APP, local]
