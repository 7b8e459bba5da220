"""Pages for people are served as they were built, and can do nothing that their policy forbids."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

import httpx
import pytest
import pytest_asyncio

from tests.http.unchanged import check_problem
from tests.worlds import make_world
from valetkey.http.server import running
from valetkey.http.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")
POLICY: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of a server with an empty world."""
    world = await make_world()
    async with (
        running(world, settings=Settings(reconcile_s=0)) as serving,
        httpx.AsyncClient(base_url=serving.url) as made,
    ):
        yield made


def assets(page: str) -> list[str]:
    """Return what *page* loads."""
    return re.findall(r'(?:src|href)="([^"]+)"', page)


async def test_the_page_and_all_that_it_loads_come_from_here(client: httpx.AsyncClient) -> None:
    """Every file has the policy; what is named after its content may be kept for ever."""
    index = await client.get("/consent")
    assert index.headers["content-type"] == "text/html; charset=utf-8"
    assert index.headers["cache-control"] == "no-store"
    paths = assets(index.text)
    assert {path.rpartition(".")[2] for path in paths} == {"js", "css", "svg"}
    for path in {"/consent", *paths}:
        answer = await client.get(path)
        assert answer.status_code == 200
        headers = answer.headers
        parts = (part.partition(" ") for part in headers["content-security-policy"].split("; "))
        assert {name: value for name, _, value in parts} == POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert "camera=()" in headers["permissions-policy"]
        if path != "/consent":
            assert headers["cache-control"] == "public, max-age=31536000, immutable"
            named = re.search(r"-([0-9a-f]{16})\.", path)
            assert named
            assert hashlib.sha256(answer.content).hexdigest().startswith(named[1])


async def test_the_page_has_nothing_inline(client: httpx.AsyncClient) -> None:
    """No script, no style and no handler of an event stands in the page itself."""
    page = (await client.get("/consent")).text
    assert re.findall(r"<script[^>]*>([^<]+)", page) == []
    assert re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|https?://", page) is None


async def test_a_page_is_only_read(client: httpx.AsyncClient) -> None:
    """Another method is refused as on every path; HEAD has the head alone."""
    refused = await client.post("/consent", json={})
    check_problem(refused, 405, "method_not_allowed")
    assert refused.headers["allow"] == "GET, HEAD"
    head = await client.head("/consent")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) == len((await client.get("/consent")).content)


@pytest.mark.parametrize(
    "path",
    ["/consent/", "/consent/index.html", "/consent/..%2f..%2f__init__.py", "/consent/%2e%2e/x"],
)
async def test_nothing_else_is_served_from_there(client: httpx.AsyncClient, path: str) -> None:
    """The paths are a list that was made at the start, not a folder that is looked into."""
    check_problem(await client.get(path), 404, "no_such_route")
