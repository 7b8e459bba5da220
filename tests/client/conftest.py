"""A server and a chain for the whole room, and both forms of the client."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.client.both import CLIENTS, Client, close
from tests.client.liar import Stage
from tests.client.loopback import lying
from tests.client.service import Service, serving
from valetkey import Owner, Valetkey
from valetkey.spec.eip7951 import PRECOMPILE, SAMPLE, VALID

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.client.liar import Lies
    from valetkey.wire.wallet import Account


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    """Run the real server on a real chain."""
    with serving() as running:
        yield running


@pytest.fixture(scope="session")
def osaka(service: Service) -> None:
    """Let pass if the chain checks P-256 signatures."""
    call = {"to": f"0x{PRECOMPILE.hex()}", "data": f"0x{SAMPLE.hex()}"}
    if service.rpc.ask("eth_call", call, "latest") != f"0x{VALID.hex()}":
        pytest.skip("anvil is too old or not installed: no P-256 precompile")


@pytest.fixture(params=CLIENTS)
def make(request: pytest.FixtureRequest) -> Client:
    """Return the class of the synchronous, then of the asynchronous client."""
    return CLIENTS[request.param]


@pytest.fixture
async def vk(service: Service, make: Client) -> AsyncIterator[Client]:
    """Give a client of either form with a secret key."""
    client = make(service.url, api_key=service.api_key)
    yield client
    await close(client)


@pytest.fixture
def owner(service: Service) -> Owner:
    """Return an owner with 100 USDC."""
    return service.owner()


@pytest.fixture
def account(service: Service, owner: Owner) -> Account:
    """Return the owner's account, which runs our code."""
    with Valetkey(service.url, api_key=service.api_key) as client:
        return service.account(client, owner)


@pytest.fixture
async def stage(service: Service, make: Client) -> AsyncIterator[Stage]:
    """Give an account of its own, made before anybody lies."""
    lies: Lies = {}
    owner = service.owner()
    with Valetkey(service.url, api_key=service.api_key) as honest:
        account = service.account(honest, owner)
    with lying(service.url, lies) as liar:
        vk = make(liar.url, api_key=service.api_key)
        yield Stage(vk, liar, lies, owner, account, service)
        await close(vk)
