"""One P-256 key for requests and for the chain: the life of a session."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.client.both import Client, close, done, first
from tests.client.p256 import Mirrored, Recording, new_key, point_of
from tests.client.service import SHOP, Service
from valetkey import (
    Conflict,
    Forbidden,
    P256SessionKey,
    Unauthenticated,
)
from valetkey.core.errors import Code
from valetkey.core.wallet import grant_key_of
from valetkey.devchain import dev_keys, transact
from valetkey.spec.permission_bytes import es256_signature, is_run_signed_by

if TYPE_CHECKING:
    from pathlib import Path

    from valetkey import Owner
    from valetkey.wire.wallet import Account

pytestmark = pytest.mark.usefixtures("osaka")


async def test_a_p256_session_is_opened_used_and_stopped(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """Everything that a session on secp256k1 does, with the key that signs the requests."""
    paid = service.balance(SHOP)
    key = P256SessionKey(new_key())
    session = await done(vk.sessions.open(account, service.draft("2"), owner=owner, key=key))
    shown = await done(session.show())
    assert (shown.state, shown.proof, shown.key.curve) == ("open", "chain", "p256")
    assert shown.session_key.startswith(f"0x{key.public_key.data[1:].hex()}")
    assert shown.permission.relayer is None

    for _ in range(2):  # the first use opens the grant, the second finds it open
        assert (await done(session.transfer(service.token, SHOP, "0.5"))).state == "done"
    assert service.balance(SHOP) - paid == 1_000_000
    with pytest.raises(Forbidden) as refused:
        await done(session.transfer(service.token, SHOP, "1.1"))
    assert refused.value.code is Code.CAP_EXCEEDED

    frozen = await done(session.freeze())
    assert {one.plane: one.code for one in frozen.tried} == dict.fromkeys(
        ("server", "chain"), Code.SESSION_FROZEN
    )
    with pytest.raises(Forbidden) as refused:
        await done(session.transfer(service.token, SHOP, 1))
    assert refused.value.code is Code.SESSION_FROZEN
    assert (await done(session.unfreeze())).session.state == "open"
    assert (await done(session.transfer(service.token, SHOP, "1"))).state == "done"

    revoked = await done(session.revoke())
    assert [one.code for one in revoked.tried] == [Code.SESSION_REVOKED] * 2
    with pytest.raises(Unauthenticated):
        await done(session.transfer(service.token, SHOP, 1))
    assert service.balance(SHOP) - paid == 2_000_000


async def test_the_kill_note_of_a_p256_session_needs_no_server(
    service: Service, vk: Client, owner: Owner, account: Account, tmp_path: Path
) -> None:
    """The owner signed it, whatever curve the session's key is on."""
    key = P256SessionKey(new_key())
    session = await done(vk.sessions.open(account, service.draft(), owner=owner, key=key))
    await done(session.transfer(service.token, SHOP, 1))
    note = json.loads(session.kill_note.save(tmp_path / "kill.json").read_text())
    to, data = (bytes.fromhex(note[name][2:]) for name in ("account", "calldata"))
    transact(service.rpc, dev_keys()[3], to=to, data=data)
    with pytest.raises(Forbidden) as refused:
        await done(session.transfer(service.token, SHOP, 1))
    assert refused.value.code is Code.SESSION_REVOKED


async def test_a_browsers_key_is_given_a_session_and_holds_it(
    service: Service, make: Client, vk: Client, owner: Owner, account: Account
) -> None:
    """The backend learns the point; the owner signs later; the holder needs no API key."""
    key = new_key()
    waiting = await done(
        vk.sessions.open_for(point_of(key), account, service.draft(), curve="p256")
    )
    assert (waiting.state, waiting.proof) == ("pending", "chain")
    assert waiting.session_key == f"0x{point_of(key)[4:]}"
    await done(vk.sessions.grant(waiting, owner=owner))
    holder = make(service.url)
    session = await done(
        holder.sessions.attach(waiting.id, P256SessionKey(key), account=account.address)
    )
    assert (await done(session.transfer(service.token, SHOP, 1))).state == "done"
    kinds = [one.kind for one in await first(session.activities())]
    assert kinds == ["run", "session:grant", "session:open"]
    assert (await done(session.close())).session.state == "closed"
    await close(holder)


@pytest.mark.parametrize("is_high", [False, True])
async def test_the_chain_takes_either_s(
    service: Service, vk: Client, owner: Owner, account: Account, *, is_high: bool
) -> None:
    """WebCrypto makes both. A run signed twice is one run: its nonce is used."""
    key = Mirrored(new_key(), is_high=is_high)
    session = await done(vk.sessions.open(account, service.draft(), owner=owner, key=key))
    assert (await done(session.transfer(service.token, SHOP, 1))).state == "done"


async def test_no_signed_request_is_a_run_and_no_signed_run_a_request(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """What the key signs for the one is 32 bytes, for the other always more: docs/adr/0007."""
    key = Recording(new_key())
    session = await done(vk.sessions.open(account, service.draft(), owner=owner, key=key))
    await done(session.transfer(service.token, SHOP, 1))
    await first(session.activities())
    await done(session.close())
    assert {len(digest) for digest in key.digests} == {32}
    assert len(key.requests) > 3
    for message in key.requests:
        assert len(message) > 32
        assert b'\n"@signature-params": (' in message
        signature = es256_signature(key.sign_message(message))
        assert not is_run_signed_by(grant_key_of(key.public_key), key.digests[0], signature)


async def test_a_p256_key_is_not_exported(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """It may be in a security module; whoever takes the session up has the key there."""
    key = P256SessionKey(new_key())
    session = await done(vk.sessions.open(account, service.draft(), owner=owner, key=key))
    with pytest.raises(Conflict, match="P-256"):
        session.export()
