"""One chain and one server for the tests of a file, on the chain id that is on the page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
import pytest_asyncio

from tests.pages.browser import browsing, find_chromium
from tests.vendor.openfort.backend import name_origins
from tests.vendor.openfort.js import bundled
from tests.vendor.openfort.shop import Shop, make_shop
from tests.vendor.openfort.stage import CHAIN_ID, Stage, stage
from tests.vendor.openfort.tab import site
from valetkey.devchain import Deployment, Node, deploy, launch, pick

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from playwright.async_api import Browser

HERE: Final = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say what is missing, and how it comes here, instead of failing in each test."""
    if (HERE / "node_modules").is_dir():
        return
    missing = pytest.mark.skip(reason="npm --prefix tests/vendor/openfort ci --ignore-scripts")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(missing)


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """Return a chain."""
    with launch(pick(), chain_id=CHAIN_ID) as made:
        yield made


@pytest.fixture(scope="module")
def deployment(node: Node) -> Deployment:
    """Return our contracts on it."""
    return deploy(node.rpc)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(node: Node, deployment: Deployment) -> AsyncIterator[Stage]:
    """Give a server that speaks Openfort's format."""
    async with stage(node, deployment) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(there: Stage) -> Shop:
    """Return a shop that was set up with curl."""
    return await make_shop(there)


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the frame's source for Node."""
    target = tmp_path_factory.mktemp("child") / "child.mjs"
    return bundled("child.mjs", target, "--format=esm", "--platform=node")


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the app's script: the SDK as it is published, bundled as apps do."""
    target = tmp_path_factory.mktemp("app") / "app.js"
    args = ("--format=iife", "--define:global=globalThis", "--platform=browser")
    return bundled("browser.mjs", target, *args).read_text()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def port(script: str) -> AsyncIterator[int]:
    """Serve the app."""
    async with site(script) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def app(there: Stage, port: int) -> str:
    """Return the app's origin, which the publishable key names, and no other."""
    origin = f"http://localhost:{port}"
    await name_origins(there, origin)
    return origin


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Give a browser."""
    find_chromium()
    async with browsing() as made:
        yield made
