"""A vendor's wire format has its own place, routes, proofs and errors, and nothing of ours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import httpx
import pytest
import pytest_asyncio

from tests.http.calls import unique
from tests.http.dialect_stage import HOST, PAGE, SPOKEN, Spoken, spoken
from valetkey.config import DialectConfig, Rates, read_config_text
from valetkey.core.errors import Malformed
from valetkey.core.origins import Origins
from valetkey.http.faces import Faces
from valetkey.http.native.table import ROUTES
from valetkey.http.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIST: Final = "/v4/wallets/clients"
BEARER_LIST: Final = "/api/v3/custodians/me/clients"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there() -> AsyncIterator[Spoken]:
    """Give a server that speaks Portal's format."""
    async with spoken() as made:
        yield made


def keyed(key: str) -> dict[str, str]:
    """Return the header of Tatum's clients."""
    return {"x-api-key": key}


def told(answer: httpx.Response) -> tuple[int, dict[str, object]]:
    """Return all that a refusal says but its id."""
    body = {name: one for name, one in answer.json().items() if name != "request_id"}
    return answer.status_code, body


async def test_it_stands_behind_its_prefix_on_its_own_socket_and_at_its_host(
    there: Spoken,
) -> None:
    """One world behind all three, and both ways to bring the key."""
    fields, bearer = keyed(there.key), {"authorization": f"Bearer {there.key}"}
    answers = [
        await there.shared.get(f"/portal{LIST}", headers=fields),
        await there.shared.get(f"/portal{BEARER_LIST}", headers=bearer),
        await there.own.get(LIST, headers=fields),
        await there.own.get(BEARER_LIST, headers=bearer),
        await there.shared.get(LIST, headers={**fields, "host": HOST}),
        await there.shared.get(LIST, headers={**fields, "host": HOST.upper()}),
    ]
    assert [one.status_code for one in answers] == [200] * 6
    assert len({one.text for one in answers}) == 1


async def test_no_native_route_is_where_a_dialect_stands_at_the_root(there: Spoken) -> None:
    """Nor is the page for consents; a native key proves nobody there."""
    fields = {"authorization": f"Bearer {there.native}"}
    for path in sorted({route.path for route in ROUTES} | {"/consent", "/openapi.json"}):
        for client, more in ((there.own, {}), (there.shared, {"host": HOST})):
            answer = await client.get(path, headers={**fields, **more})
            assert (answer.status_code, answer.json()["code"]) == (404, "no_such_route"), path
            assert "error" in answer.json()


async def test_a_dialect_is_not_where_the_native_api_is(there: Spoken) -> None:
    """Without its prefix, behind another one, or at a host that only begins like its own."""
    fields = keyed(there.key)
    for path in (LIST, f"/portal2{LIST}", f"/Portal{LIST}", "/portal", f"//portal{LIST}"):
        assert (await there.shared.get(path, headers=fields)).status_code == 404, path
    for host in (f"{HOST}.evil.example", f"evil.{HOST}", f"{HOST}:1"):
        answer = await there.shared.get(LIST, headers={**fields, "host": host})
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_key_of_one_surface_is_as_unknown_on_the_other_as_any(there: Spoken) -> None:
    """In each direction the answer is the one for a key that was never issued."""
    unknown, logged = "vk_cust_" + "A" * 43, len(there.lines)
    wrong = await there.own.get(LIST, headers=keyed(there.native))
    assert told(wrong) == told(await there.own.get(LIST, headers=keyed(unknown)))
    assert wrong.status_code == 401
    fields = {"authorization": f"Bearer {there.key}"}
    native = await there.shared.get("/v1/users", headers=fields)
    never = await there.shared.get("/v1/users", headers={"authorization": f"Bearer {unknown}"})
    assert told(native) == told(never)
    assert native.status_code == 401
    whys = [json.loads(line).get("why") or "" for line in there.lines[logged:]]
    assert [one.split()[:2] for one in whys if one.startswith("other_surface")] == [
        ["other_surface", "native"],
        ["other_surface", "portal"],
    ]


async def test_a_session_of_the_native_api_is_unknown_on_a_dialect(there: Spoken) -> None:
    """A token that leaked from one client is worth nothing in another's format."""
    opened = await there.shared.post(
        "/v1/sessions",
        json={"proof": "bearer", "access": "read", "ttl_s": 60},
        headers={"authorization": f"Bearer {there.native}", "idempotency-key": unique()},
    )
    fields = {"authorization": f"Bearer {opened.json()['token']}"}
    assert (await there.own.get(BEARER_LIST, headers=fields)).status_code == 401


async def test_a_cookie_proves_nobody_and_is_never_set(there: Spoken) -> None:
    """A page of another origin that makes a browser ask has nothing to ask with."""
    cookies = {"cookie": f"x-api-key={there.key}; authorization=Bearer {there.key}"}
    for client, path in ((there.own, LIST), (there.shared, f"/portal{BEARER_LIST}")):
        refused = await client.get(path, headers=cookies)
        assert refused.status_code == 401
        answered = await client.get(path, headers={**cookies, **keyed(there.key)})
        assert "set-cookie" not in {**refused.headers, **answered.headers}


async def test_a_key_in_the_place_of_the_other_family_is_not_looked_at(there: Spoken) -> None:
    """What proves is one header for each family, and no other."""
    bearer = {"authorization": f"Bearer {there.key}"}
    assert (await there.own.get(LIST, headers=bearer)).status_code == 401
    assert (await there.own.get(BEARER_LIST, headers=keyed(there.key))).status_code == 401
    basic = {"authorization": f"Basic {there.key}"}
    assert (await there.own.get(BEARER_LIST, headers=basic)).status_code == 401
    assert (await there.own.get(LIST, headers={b"x-api-key": b"vk_\xfc"})).status_code == 401


async def test_the_bounds_of_the_server_hold_in_the_vendors_form(there: Spoken) -> None:
    """Too long, too large, another method: said as the vendor says errors."""
    fields = keyed(there.key)
    long = await there.own.get(LIST, headers=fields, params={"cursor": "a" * 4000})
    large = await there.own.request("GET", LIST, headers=fields, content=b"x" * 100_000)
    method = await there.own.delete(LIST, headers=fields)
    wrong = await there.own.get(LIST, headers=fields, params={"take": "101"})
    answers = [long, large, method, wrong]
    assert [one.status_code for one in answers] == [414, 413, 405, 400]
    for one in answers:
        assert isinstance(one.json()["error"], str)
        assert one.json()["request_id"] == one.headers["x-request-id"]
    assert method.headers["allow"] == "GET, POST, HEAD"


async def test_what_is_logged_and_counted_names_the_template_with_its_prefix(
    there: Spoken,
) -> None:
    """Wherever it came in, so that a dialect is told apart from the native API."""
    await there.own.get(LIST, headers=keyed(there.key))
    line = json.loads(there.lines[-1])
    assert line["route"] == f"/portal{LIST}"
    assert there.key not in there.lines[-1].decode()
    async with httpx.AsyncClient() as client:
        shown = (await client.get(there.metrics_url)).text
    assert f'route="/portal{LIST}"' in shown


async def test_pages_of_named_origins_alone_may_ask(there: Spoken) -> None:
    """The browser is told for that origin, also on a refusal; for another one nothing."""
    asking = {"access-control-request-method": "GET"}
    for origin in (PAGE, "http://localhost:5173", "http://localhost"):
        before = await there.own.options(LIST, headers={**asking, "origin": origin})
        assert (before.status_code, before.content) == (204, b"")
        assert "x-api-key" in before.headers["access-control-allow-headers"]
        for fields in (keyed(there.key), {}):
            answer = await there.own.get(LIST, headers={**fields, "origin": origin})
            assert answer.headers["access-control-allow-origin"] == origin
            assert answer.headers["vary"] == "origin"
            assert "access-control-allow-credentials" not in answer.headers
    for origin in (f"{PAGE}.evil", "null", "http://localhost.evil:1", "http://localhost:1@evil"):
        before = await there.own.options(LIST, headers={**asking, "origin": origin})
        answer = await there.own.get(LIST, headers={**keyed(there.key), "origin": origin})
        assert "access-control-allow-origin" not in {**before.headers, **answer.headers}
    native = await there.shared.get("/v1/users", headers={"origin": PAGE})
    assert "access-control-allow-origin" not in native.headers


async def test_guesses_on_a_dialect_and_on_the_native_api_are_counted_together() -> None:
    """Whoever tries keys gains nothing by going from one format to the other."""
    rates = Rates(address_per_s=0.01, address_burst=30, failure_cost=10)
    async with spoken(rates=rates) as there:
        for number in range(3):
            guessed = await there.own.get(LIST, headers=keyed(f"vk_cust_{number}"))
            assert guessed.status_code == 401
        limited = await there.own.get(LIST, headers=keyed(there.key))
        assert (limited.status_code, limited.json()["code"]) == (429, "rate_limited")
        assert int(limited.headers["retry-after"]) > 0
        fields = {"authorization": f"Bearer {there.native}"}
        assert (await there.shared.get("/v1/users", headers=fields)).status_code == 429


async def test_a_dialect_is_off_unless_it_is_named() -> None:
    """By default there is nothing of it; a section alone turns its prefix on."""
    assert read_config_text("[chains]\n", {}).dialects == {}
    config = read_config_text("[chains]\n[dialects.portal]\n", {})
    assert config.dialects == {"portal": DialectConfig()}
    assert not Faces(Settings()).dialects
    assert set(Faces(Settings(dialects=config.dialects)).dialects) == {"portal"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[dialects.fantasy]", "fantasy"),
        ("[dialects.portal]\nport = 1", "dialects.portal.port"),
        ("[dialects.portal]\nports = [70000]", "dialects"),
        ("[dialects.portal]\norigins = 7", "dialects"),
    ],
)
async def test_what_is_set_wrongly_is_refused(text: str, said: str) -> None:
    """An unknown name, an unknown key, a port that is none."""
    with pytest.raises(Malformed, match=said):
        read_config_text(f"[chains]\n{text}\n", {})


async def test_an_origin_that_is_none_is_refused() -> None:
    """A page cannot be let in by a pattern that somebody else fits."""
    for text in ("*", "https://*.example", "https://a.example/", "http://evil:*", "app.example"):
        with pytest.raises(Malformed, match="origins"):
            Origins([text])
    assert PAGE in Origins(SPOKEN.origins)


@pytest.mark.parametrize("name", ["clone_factory", "clone_implementation"])
async def test_what_makes_clones_is_named_whole_or_not_at_all(name: str) -> None:
    """An address that follows from one of both would be nobody's."""
    text = f'{name} = "0x{"11" * 20}"\n[chains]\n'
    with pytest.raises(Malformed, match="expected clone_factory and clone_implementation"):
        read_config_text(text, {})
