"""Openfort's browser SDK in Node: who logs in, and where their key is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from eth_account import Account
from eth_account.messages import encode_defunct

from tests.vendor.openfort.js import PASSWORD, App, app, bundled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.vendor.openfort.stage import Stage

NOT_CONFIGURED, READY = 2, 4  # of the SDK's `EmbeddedState`
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the frame's source for Node."""
    target = tmp_path_factory.mktemp("child") / "child.mjs"
    return bundled("child.mjs", target, "--format=esm", "--platform=node")


@pytest_asyncio.fixture(loop_scope="module")
async def player(there: Stage, child: Path) -> AsyncIterator[App]:
    """Give an app in which a guest has signed up."""
    async with app(there, child) as made:
        await (await made.begin()).guest()
        yield made


async def test_a_guest_has_a_key_and_an_account_that_only_the_frame_signs_for(
    player: App, there: Stage
) -> None:
    """Made in the frame; what leaves it are an address, signatures and what nobody can read."""
    assert await player.sdk.ask("state") == NOT_CONFIGURED
    made = await player.create()
    assert await player.sdk.ask("state") == READY
    signature = await player.wallet("signMessage", "hello")
    signer = Account.recover_message(encode_defunct(text="hello"), signature=signature)
    assert signer.lower() == made["ownerAddress"]
    (secret,) = await player.sdk.ask("secret")
    (address,) = {Account.from_key(secret).address.lower()}
    assert address == made["ownerAddress"] != made["address"]
    seen = [
        json.dumps(await player.sdk.ask("messages")),
        json.dumps(await player.sdk.ask("storage")),
        b"".join(there.lines).decode(errors="replace"),
    ]
    for text in seen:
        assert secret not in text.lower()
    assert PASSWORD not in seen[2]
    assert await player.sdk.ask("reached") == ["127.0.0.1"]
