"""Servers to command: an empty one, and one that runs on a real local chain."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.cli.program import valetkey
from tests.leaks import secret
from valetkey import Owner, Valetkey
from valetkey.cli.local import Local, local_server
from valetkey.devchain import Deployment, DevKey, Node, delegate, deploy, dev_keys, launch, pick
from valetkey.spec.keccak import keccak256
from valetkey.spec.secp256k1 import address_of_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return the folder of a new server that speaks to no chain."""
    made = valetkey("init", "--home", tmp_path / "home")
    assert made.code == 0
    return tmp_path / "home"


@pytest.fixture(scope="session")
def chain() -> Iterator[Node]:
    """Return the chain that this machine runs best."""
    with launch(pick()) as node:
        yield node


@pytest.fixture(scope="session")
def deployed(chain: Node) -> Deployment:
    """Return our contracts on it."""
    return deploy(chain.rpc)


@pytest.fixture
def account(chain: Node, deployed: Deployment, request: pytest.FixtureRequest) -> DevKey:
    """Return a key whose account runs our code."""
    raw = secret(keccak256(request.node.nodeid.encode()))
    key = DevKey(raw, address_of_key(raw))
    delegate(chain.rpc, deployed.deployer, key, deployed.implementation)
    return key


@dataclass(frozen=True, slots=True)
class Live:
    """
    A server that runs, with one account whose owner is outside.

    Args:
        env: What points the program at it.
        owner_file: The owner's private key, as a person keeps it.
    """

    local: Local
    env: dict[str, str]
    account_id: str
    owner_file: Path

    @property
    def token(self) -> str:
        """The address of a token on its chain."""
        return f"0x{self.local.deployment.token.hex()}"


@contextmanager
def lived_in(folder: Path) -> Iterator[Live]:
    """Give a server as a process of its own, on a chain of its own, with one account."""
    key = dev_keys()[3]
    owner_file = folder / "owner.key"
    owner_file.write_text(key.secret.hex())
    with local_server(folder / "home") as local:
        owner = Owner.from_key(secret(key.secret))
        with Valetkey(local.url, api_key=local.secret) as server:
            added = server.wallets.add(local.chain, address=owner)
            implementation = local.deployment.implementation
            server.accounts.delegate(added.account, owner=owner, implementation=implementation)
        env = {"VALETKEY_URL": local.url, "VALETKEY_API_KEY": local.secret}
        yield Live(local, env, added.account.id, owner_file)


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Return a server whose one account stays the only one."""
    with lived_in(tmp_path_factory.mktemp("live")) as found:
        yield found
