"""PINs through the SDK, in both forms: the server sees neither PIN nor secret."""

from __future__ import annotations

import pytest

from tests.client.both import Client, done
from valetkey import Forbidden, Limited, Malformed, NotFound
from valetkey.core.errors import Code
from valetkey.spec.password_seal import Cost

CHEAP = Cost(19_456, 2)


async def test_a_share_is_kept_under_a_pin(vk: Client) -> None:
    """Opened by it, not by another; after too many of those by none."""
    made = await done(vk.split.create())
    wallet_id, secret = made.wallet.id, made.share.encode()
    kept = await done(vk.pins.lock(wallet_id, "4829", secret, tries=2, cost=CHEAP))
    assert (kept.tries, kept.tries_left) == (2, 2)
    with pytest.raises(Forbidden) as wrong:
        await done(vk.pins.unlock(wallet_id, "4828"))
    assert wrong.value.code is Code.PIN_REFUSED
    assert await done(vk.pins.unlock(wallet_id, "4829")) == secret
    for _ in range(2):
        with pytest.raises(Forbidden):
            await done(vk.pins.unlock(wallet_id, "0000"))
    with pytest.raises(Limited) as locked:
        await done(vk.pins.unlock(wallet_id, "4829"))
    assert locked.value.code is Code.PIN_LOCKED
    await done(vk.pins.lock(wallet_id, "1111", secret, cost=CHEAP))
    assert await done(vk.pins.unlock(wallet_id, "1111")) == secret


async def test_what_is_no_pin_is_not_stored(vk: Client) -> None:
    """And a wallet without one says so."""
    made = await done(vk.split.create())
    with pytest.raises(NotFound):
        await done(vk.pins.unlock(made.wallet.id, "4829"))
    for pin, secret in (("", b"x"), ("4829", bytes(1025))):
        with pytest.raises(Malformed):
            await done(vk.pins.lock(made.wallet.id, pin, secret, cost=CHEAP))
