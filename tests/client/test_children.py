"""Sessions under others, in the SDK: opened, used, taken up elsewhere, ended."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.client.both import Client, close, done, first
from tests.client.service import SHOP, Service
from tests.leaks import secret
from valetkey import Conflict, Forbidden, Owner, SessionKey, StampKey, Unauthenticated
from valetkey.core.errors import Code

if TYPE_CHECKING:
    from valetkey.wire.wallet import Account


async def test_a_holder_opens_uses_and_ends_sessions_under_its_own(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """Narrower, counted against both, exported and taken up without an API key."""
    paid = service.balance(SHOP)
    parent = await done(
        vk.sessions.open(account.id, service.draft(), owner=owner, key=StampKey.generate())
    )
    small = service.draft(lifetime="3", expires_in=60)
    child = await done(parent.open_child(small, label="worker"))
    assert (await done(child.transfer(service.token, SHOP, "2"))).state == "done"
    assert service.balance(SHOP) - paid == 2_000_000
    assert (await done(parent.show())).remaining[0].left == "18000000"
    with pytest.raises(Forbidden) as refused:
        await done(child.transfer(service.token, SHOP, "2"))
    assert refused.value.code is Code.CAP_EXCEEDED
    with pytest.raises(Conflict):
        _ = child.grant_id
    exported = child.export()
    secret(bytes.fromhex(exported.rpartition("0x")[2][:64]))
    taken = await done(vk.sessions.load(exported))
    assert (taken.id, taken.permission) == (child.id, child.permission)
    assert (await done(taken.transfer(service.token, SHOP, "1"))).state == "done"
    below = await done(taken.open_child(service.draft(lifetime="1", expires_in=30)))
    assert [one.id for one in await first(parent.children())] == [child.id]
    assert (await done(parent.revoke_child(child.id))).session.state == "revoked"
    for one in (child, below):
        with pytest.raises(Unauthenticated):
            await done(one.show())
    await done(parent.close())


async def test_more_than_the_parent_is_refused(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """By the server, and under a key that is held elsewhere no child writes at all."""
    parent = await done(
        vk.sessions.open(account.id, service.draft(), owner=owner, key=StampKey.generate())
    )
    with pytest.raises(Forbidden) as refused:
        await done(parent.open_child(service.draft(lifetime="21", expires_in=60)))
    assert refused.value.code is Code.NOT_WITHIN_PARENT
    chain = await done(vk.sessions.open(account.id, service.draft(), owner=owner))
    with pytest.raises(Forbidden, match="is with its holder"):
        await done(chain.open_child(service.draft(expires_in=60)))


async def test_a_backend_opens_under_any_session_of_its_own(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """For a key of its own choice; one that reads by its token."""
    parent = await done(
        vk.sessions.open(account.id, service.draft(), owner=owner, key=StampKey.generate())
    )
    key = SessionKey.generate()
    child = await done(
        vk.sessions.open_under(parent.id, service.draft(expires_in=60), key=key, label="step 2")
    )
    assert child.account == parent.account
    listed = await first(vk.sessions.list(parent_id=parent.id))
    assert [(one.id, one.label, one.depth) for one in listed] == [(child.id, "step 2", 1)]
    opened = await done(parent.open_reader(expires_in=60))
    reader = type(vk)(service.url, api_key=opened.token)
    shown = await done(reader.sessions.current())
    assert (shown.parent_id, shown.access) == (parent.id, "read")
    assert shown.expires_at <= int(time.time()) + 61
    await close(reader)
