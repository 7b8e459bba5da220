"""Identity providers through the SDK, in both forms."""

from __future__ import annotations

import pytest

from tests.client.both import Client, done, first
from tests.issuer import AUDIENCE, ISSUER, Issuer
from valetkey import Malformed, NotFound


async def test_a_provider_is_set_listed_and_removed(vk: Client) -> None:
    """What is read back is what was set; one of the same name replaces it."""
    keys = Issuer().keys
    made = await done(
        vk.identity_providers.set("custom", issuer=ISSUER, audiences=[AUDIENCE], keys=keys)
    )
    assert (made.name, made.issuer, made.audiences) == ("custom", ISSUER, [AUDIENCE])
    assert (made.keys, made.keys_url) == (keys, None)
    other = await done(
        vk.identity_providers.set("custom", issuer="https://b", audiences=["a"], keys=keys)
    )
    assert await first(vk.identity_providers.list()) == [other]
    with pytest.raises(Malformed, match="keys_url or keys"):
        await done(vk.identity_providers.set("custom", issuer="https://b", audiences=["a"]))
    assert await done(vk.identity_providers.remove("custom")) == other
    assert await first(vk.identity_providers.list()) == []
    with pytest.raises(NotFound):
        await done(vk.identity_providers.remove("custom"))
