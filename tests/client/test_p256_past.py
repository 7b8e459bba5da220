"""What the holder of a P-256 key can do past the server, and what the server makes of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.client.both import Client, done
from tests.client.p256 import new_key
from tests.client.service import SHOP, Service
from valetkey import Forbidden, P256SessionKey, transfer
from valetkey.core.errors import Code
from valetkey.devchain import CHAIN_ID, dev_keys, transact
from valetkey.spec import permission_bytes as pb
from valetkey.spec.eip712 import digest as typed_digest

if TYPE_CHECKING:
    from valetkey import Owner
    from valetkey.wire.session import Session
    from valetkey.wire.wallet import Account

pytestmark = pytest.mark.usefixtures("osaka")


def by_a_stranger(service: Service, account: Account, data: bytes) -> None:
    """Let somebody whom nobody knows send *data* to the account; it must be taken."""
    to = bytes.fromhex(account.address[2:])
    transact(service.rpc, dev_keys()[3], to=to, data=data)


def signed_run(
    service: Service, account: Account, shown: Session, key: P256SessionKey, amount: int
) -> bytes:
    """Return the calldata of a run that transfers *amount*, with the second nonce."""
    packed = bytes.fromhex((shown.grant or "")[2:])
    arguments = transfer(service.token, SHOP, amount).data[4:]
    run = pb.pack_run(pb.decode_grant(packed), [pb.RunCall(0, arguments)])
    until = int(time.time()) + 600
    digest = pb.run_digest(
        run.grant_hash,
        run.calls,
        nonce=1,
        deadline=until,
        chain_id=CHAIN_ID,
        account=bytes.fromhex(account.address[2:]),
    )
    signature = pb.es256_signature(key.sign_digest(digest))
    return pb.run_calldata(run.grant, run.calls, signature, nonce=1, deadline=until)


async def test_what_was_spent_past_the_server_is_counted(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """The cap is the chain's: a run that a stranger brought leaves so much less for the next."""
    paid = service.balance(SHOP)
    key = P256SessionKey(new_key())
    session = await done(vk.sessions.open(account, service.draft("2"), owner=owner, key=key))
    await done(session.transfer(service.token, SHOP, "0.5"))
    data = signed_run(service, account, await done(session.show()), key, 1_000_000)
    by_a_stranger(service, account, data)
    with pytest.raises(Forbidden) as refused:
        await done(session.transfer(service.token, SHOP, 500_001))
    assert refused.value.code is Code.CAP_EXCEEDED
    await done(session.transfer(service.token, SHOP, 500_000))
    assert service.balance(SHOP) - paid == 2_000_000


async def test_the_key_ends_its_own_session_without_the_server(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """`revokeByKey`: the holder signs the revocation, a stranger brings it."""
    key = P256SessionKey(new_key())
    session = await done(vk.sessions.open(account, service.draft(), owner=owner, key=key))
    await done(session.transfer(service.token, SHOP, 1))
    shown = await done(session.show())
    grant_id, packed = (bytes.fromhex(text[2:]) for text in (shown.grant_id, shown.grant))
    typed = pb.revoke_typed_data(
        grant_id, chain_id=CHAIN_ID, account=bytes.fromhex(account.address[2:])
    )
    signature = pb.es256_signature(key.sign_digest(typed_digest(typed)))
    by_a_stranger(service, account, pb.revoke_by_key_calldata(packed, signature))
    with pytest.raises(Forbidden) as refused:
        await done(session.transfer(service.token, SHOP, 1))
    assert refused.value.code is Code.SESSION_REVOKED
