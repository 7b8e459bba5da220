"""Keys of holders change while their sessions go on, and tokens are bound to keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.client.both import Client, close, done
from tests.client.loopback import Came, Said, answering, lying
from tests.client.service import SHOP, Service
from valetkey import (
    Conflict,
    Forbidden,
    Malformed,
    Owner,
    SessionKey,
    StampKey,
    Unauthenticated,
    Unavailable,
)
from valetkey.core.errors import Code

if TYPE_CHECKING:
    from valetkey.wire.wallet import Account


async def test_a_session_goes_on_under_a_key_made_here(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """One call; the object works as before, the old key proves nothing."""
    old = StampKey.generate()
    session = await done(vk.sessions.open(account, service.draft(), owner=owner, key=old))
    shown = await done(session.rotate_key())
    assert shown.key.public_key != f"0x{old.public_key.data.hex()}"
    assert (await done(session.transfer(service.token, SHOP, 1))).state == "done"
    with pytest.raises(Unauthenticated):
        await done(vk.sessions.attach(session.id, old))
    await done(session.rotate_key(new := StampKey.generate()))
    held = await done(vk.sessions.attach(session.id, new))
    assert (await done(held.show())).id == session.id
    with pytest.raises(Malformed, match="the one in use"):
        await done(session.rotate_key(new))
    with pytest.raises(Malformed, match="signs runs"):
        await done(session.rotate_key(SessionKey.generate()))


async def test_the_key_of_a_chain_session_does_not_change(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """The owner signed for it; the session goes on with it."""
    session = await done(vk.sessions.open(account, service.draft(), owner=owner))
    with pytest.raises(Conflict) as refused:
        await done(session.rotate_key())
    assert refused.value.code is Code.SESSION_KEY_FIXED
    assert (await done(session.show())).state == "open"


async def test_a_change_whose_answer_is_lost_is_found_out(
    service: Service, make: Client, owner: Owner, account: Account
) -> None:
    """The server has the new key and we never heard: the new key is tried."""
    lies: dict[str, Any] = {}
    with lying(service.url, lies) as proxy:
        vk = make(proxy.url, api_key=service.api_key)
        key = StampKey.generate()
        session = await done(vk.sessions.open(account, service.draft(), owner=owner, key=key))
        lies["/v1/session/key"] = lambda body: body.update(hangs_up=True)
        shown = await done(session.rotate_key())
        assert shown.id == session.id
        assert shown.key.public_key != f"0x{key.public_key.data.hex()}"
        assert (await done(session.transfer(service.token, SHOP, 1))).state == "done"
        await close(vk)


async def test_a_change_of_which_nothing_is_heard_is_asked_for_again(
    service: Service, make: Client, owner: Owner, account: Account
) -> None:
    """The new key may be in use: it is kept until somebody says whether it is."""
    lies: dict[str, Any] = {}
    with lying(service.url, lies) as proxy:
        vk = make(proxy.url, api_key=service.api_key)
        key = StampKey.generate()
        session = await done(vk.sessions.open(account, service.draft(), owner=owner, key=key))
        lies["/v1/session"] = lambda body: body.update(hangs_up=True)
        with pytest.raises(Unavailable):
            await done(session.rotate_key())
        lies.clear()
        with pytest.raises(Unauthenticated):  # it was done
            await done(vk.sessions.attach(session.id, key))
        assert (await done(session.rotate_key())).id == session.id
        assert (await done(session.transfer(service.token, SHOP, 1))).state == "done"
        await close(vk)


async def test_a_credential_goes_on_under_a_new_key(vk: Client) -> None:
    """It is changed by the client that signs with it, and by no other."""
    old, new = StampKey.generate(), StampKey.generate()
    credential = await done(vk.credentials.add_key(old))
    signing = vk.signed_by(credential.id, old)
    with pytest.raises(Forbidden, match="a client that signs"):
        await done(vk.credentials.rotate_key(new))
    rotated = await done(signing.credentials.rotate_key(new))
    assert (rotated.id, rotated.public_key) == (credential.id, f"0x{new.public_key.data.hex()}")
    with pytest.raises(Unauthenticated):
        await done(signing.users.add("late"))
    again = await done(signing.credentials.rotate_key(new))  # as after a lost answer
    assert again == rotated
    with pytest.raises(Unauthenticated):
        await done(signing.credentials.rotate_key(StampKey.generate()))
    assert await done(vk.signed_by(credential.id, new).users.add("in time"))


async def test_a_reader_whose_token_is_bound_reads(
    service: Service, make: Client, vk: Client, account: Account
) -> None:
    """It learns the nonce by itself; without the key the token is nothing."""
    key = StampKey.generate()
    opened = await done(
        vk.sessions.open_reader(expires_in=600, account_id=account.id, key=key.public_key)
    )
    reader = make(service.url, api_key=opened.token, key=key)
    for _ in range(2):
        assert (await done(reader.sessions.current())).id == opened.session.id
    with pytest.raises(Forbidden):
        await done(reader.users.add("mallory"))
    thieves = (
        make(service.url, api_key=opened.token),
        make(service.url, api_key=opened.token, key=StampKey.generate()),
    )
    for thief in thieves:
        with pytest.raises(Unauthenticated):
            await done(thief.sessions.current())
        await close(thief)
    assert opened.token not in repr(reader._line.proof)  # noqa: SLF001 - no secret in it
    await close(reader)
    with pytest.raises(Malformed, match="api_key"):
        make(service.url, key=key)


async def test_a_server_that_never_takes_a_nonce_is_asked_twice(make: Client) -> None:
    """Whatever it says, there is no loop in it."""
    count = iter(range(100))

    def refuse(request: Came) -> Said:
        assert request.headers["dpop"]
        body = {"code": "proof_nonce_needed", "detail": "another one"}
        return Said(401, body, {"DPoP-Nonce": f"nonce-{next(count)}"})

    with answering(refuse) as loopback:
        token = "vk_session_" + "A" * 43
        reader = make(loopback.url, api_key=token, key=StampKey.generate())
        with pytest.raises(Unauthenticated) as refused:
            await done(reader.sessions.current())
        assert refused.value.code is Code.PROOF_NONCE_NEEDED
        assert len(loopback.came) == 2
        await close(reader)
