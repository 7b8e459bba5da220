"""Sessions handed to backends with the SDK, in both its forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.client.both import Client, close, done
from tests.client.service import SHOP, Service
from valetkey import Forbidden, Owner, StampKey, Unauthenticated
from valetkey.core.errors import Code

if TYPE_CHECKING:
    from valetkey.wire.wallet import Account


async def test_a_backend_takes_a_session_over_by_a_code(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """One that reads, by its token; one that writes, by a key of the backend's own; each once."""
    held = await done(
        vk.sessions.open(account.id, service.draft(), owner=owner, key=StampKey.generate())
    )
    given = await done(held.export_session("read", ttl=60))
    opened = await done(vk.sessions.redeem(given.code, expires_in=60, label="backend"))
    assert (opened.session.parent_id, opened.session.access) == (held.id, "read")
    assert opened.token is not None
    with pytest.raises(Unauthenticated) as used:
        await done(vk.sessions.redeem(given.code))
    assert used.value.code is Code.CODE_REFUSED
    small = service.draft(lifetime="3", expires_in=60)
    chain = held.permission.chain
    again = await done(held.export_session("read"))
    with pytest.raises(Forbidden) as beyond:
        await done(vk.sessions.redeem_to_write(again.code, small, chain=chain))
    assert beyond.value.code is Code.NOT_WITHIN_PARENT
    given = await done(held.export_session("write"))
    worker = await done(vk.sessions.redeem_to_write(given.code, small, chain=chain))
    assert (await done(worker.transfer(service.token, SHOP, "2"))).state == "done"
    assert "vk_handoff_" not in repr(given)
    await done(held.close())


async def test_a_token_hands_its_session_off(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """The client of a browser has no key: what it holds is handed off for reading, and no more."""
    held = await done(
        vk.sessions.open(account.id, service.draft(), owner=owner, key=StampKey.generate())
    )
    reader = await done(held.open_reader())
    assert reader.token is not None
    browser = type(vk)(service.url, api_key=reader.token)
    given = await done(browser.sessions.export_session("read", ttl=60))
    with pytest.raises(Forbidden):
        await done(browser.sessions.export_session("write"))
    await close(browser)
    opened = await done(vk.sessions.redeem(given.code))
    assert opened.session.parent_id == reader.session.id
    await done(held.close())
