"""What a client of Portal's format asks for again and again, and for others, gains it nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.http.calls import Caller, Token, unique
from tests.http.custodian import Custodian
from tests.http.dialect_stage import SPOKEN, Spoken, spoken
from tests.http.portal_client import ME, Client
from valetkey.core.activity import Request
from valetkey.core.errors import Forbidden
from valetkey.core.principal import Access, Principal, PrincipalKind
from valetkey.core.wallet import Curve
from valetkey.flows.client_shares import MOST_WALLETS
from valetkey.flows.split import CreateSplit, create_split

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")

HELLO = "0x" + b"hello".hex()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there() -> AsyncIterator[Spoken]:
    """Give a server that speaks Portal's format."""
    async with spoken(replace(SPOKEN, per_minute={"mpc": 0})) as made:
        yield made


async def newcomer(there: Spoken) -> Client:
    """Return a client that nobody knows yet."""
    made = await Custodian(there.own, there.key).client()
    return Client(there.own, made["clientSessionToken"])


async def test_many_backups_and_recoveries_never_hide_the_share_that_signs(there: Spoken) -> None:
    """A backup is the same each time; pairs of shares that are good for nothing are gone."""
    client = await newcomer(there)
    await client.generate()
    before = dict(client.shares)
    backups = [
        await client.ask("POST", "/v1/backup", {"generateResponse": json.dumps(before)})
        for _ in range(3)
    ]
    assert len({one["SECP256K1"]["id"] for one in backups}) == 1
    asked = {"backupResponse": json.dumps(backups[0])}
    for _ in range(20):
        client.shares = await client.ask("POST", "/v1/recover", asked)
    held = (await client.ask("GET", ME))["wallets"]
    assert {len(one["signingSharePairs"]) for one in held} == {2}
    old = client.signing("personal_sign", [HELLO], share=before["SECP256K1"]["share"])
    assert (await client.send("POST", "/v1/sign", old)).status_code == 200
    await client.store()
    assert await client.sign("personal_sign", [HELLO])
    assert await client.refused("/v1/generate", {}) == "STATE_INVALID"


async def test_a_client_that_never_stores_a_share_is_stopped(there: Spoken) -> None:
    """It cannot fill the quota of its organization with wallets that nobody uses."""
    client = await newcomer(there)
    for _ in range(MOST_WALLETS // 2):
        await client.generate(stores=False)
    assert await client.refused("/v1/generate", {}) == "STATE_INVALID"
    await client.store()
    assert await client.sign("personal_sign", [HELLO])


async def test_a_client_makes_wallets_for_itself_and_a_native_session_none(there: Spoken) -> None:
    """What the route asks is the principal's own; whatever else is asked is refused below it."""
    made = await Custodian(there.own, there.key).client()
    other = (await Custodian(there.own, there.key).client())["id"]
    native = Caller(there.shared, Token(there.native))
    body = {"proof": "bearer", "access": "read", "ttl_s": 60, "user_id": other}
    reads = (await native.post("/v1/sessions", body))["session"]["id"]
    owner = there.founded.organization.id
    for session_id in (made["sessionId"], reads):
        principal = Principal(PrincipalKind.SESSION, owner, session_id, Access.WRITE)
        command = CreateSplit(Curve.SECP256K1, user_id=other)
        with pytest.raises(Forbidden):
            await create_split(there.world, principal, Request(unique(), ""), command)
