"""One server for all steps, on the chain that this machine runs best."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Final

import pytest
import pytest_asyncio

from tests.pages.browser import browsing
from tests.vendor.para.app import web_app
from tests.vendor.para.people import EMAIL, log_in
from tests.vendor.para.sdk import HERE, Sdk, sdk
from tests.vendor.para.stage import Stage, stage
from valetkey.devchain import Deployment, Node, deploy, launch, pick

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from playwright.async_api import Browser

PAGE: Final = "<!doctype html><title>Shop</title><script src='page.js'></script>"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say what is missing, and how it comes here, instead of failing in each test."""
    if (HERE / "node_modules").is_dir():
        return
    missing = pytest.mark.skip(reason="npm --prefix tests/vendor/para ci --ignore-scripts")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(missing)


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """Return a chain."""
    with launch(pick()) as made:
        yield made


@pytest.fixture(scope="module")
def deployment(node: Node) -> Deployment:
    """Return our contracts on it."""
    return deploy(node.rpc)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(node: Node, deployment: Deployment) -> AsyncIterator[Stage]:
    """Give a server that speaks Para's format."""
    async with stage(node, deployment) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def para(there: Stage) -> AsyncIterator[Sdk]:
    """Give an SDK in which ``browser`` has logged in: where sessions come from."""
    async with sdk(there.url) as made:
        await log_in(there, made, "browser", EMAIL)
        yield made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an integrator's page."""
    made = tmp_path_factory.mktemp("page")
    (made / "index.html").write_text(PAGE)
    bundle = ["node", "bundle.mjs", str(made / "page.js")]
    subprocess.run(bundle, cwd=HERE, check=True, timeout=60)  # noqa: S603 - our own script
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(there: Stage, folder: Path) -> AsyncIterator[str]:
    """Serve the web app of an integrator, and return its origin."""
    async with web_app(there, folder) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Give a browser."""
    async with browsing() as made:
        yield made
