"""What of Portal's is not there is refused as the page for those who come from it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
import pytest_asyncio

from tests.http.calls import Caller, Token
from tests.http.custodian import TATUM, Custodian, bearer
from tests.http.dialect_stage import Spoken, spoken
from tests.http.portal_client import Client, sealed
from valetkey.http.dialects.portal.rpc import METHODS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE: Final = (Path(__file__).parents[2] / "docs" / "how-to" / "coming-from-portal.md").read_text(
    encoding="utf-8"
)
ABSENT: Final = dict(
    re.findall(r"^\| (.+) \| (.+) \|$", PAGE.partition("## What is not there")[2], re.MULTILINE)
)
HELLO: Final = "0x" + b"hello".hex()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there() -> AsyncIterator[Spoken]:
    """Give a server that speaks Portal's format."""
    async with spoken() as made:
        yield made


async def settled(there: Spoken) -> tuple[str, Client]:
    """Return the id of a new client with wallets, and that client."""
    made = await Custodian(there.own, there.key).client()
    client = Client(there.own, made["clientSessionToken"])
    await client.generate()
    return made["id"], client


async def test_routes_that_are_not_there_are_said_so(there: Spoken) -> None:
    """To whoever asks, with a proof or without; nothing is made up."""
    client_id, client = await settled(there)
    routes = re.findall(r"`(GET|POST) (/\S+)`", "\n".join(ABSENT))
    assert {path.rpartition("/")[2] for _, path in routes} >= {"web-otp", "build-transaction"}
    for method, template in routes:
        assert ABSENT[f"`{method} {template}`"] == "`no_such_route`"
        path = template.replace("{client}", client_id).replace("{chain}", "eip155:1")
        for token in (there.key, client.token):
            answer = await there.own.request(method, path, headers=bearer(token), json={})
            assert (answer.status_code, answer.json()["code"]) == (404, "no_such_route")


async def test_methods_that_are_not_there_have_the_vendors_id(there: Spoken) -> None:
    """Those of other chains, and what only reads."""
    _, client = await settled(there)
    (row,) = (one for one in ABSENT if one.endswith("as a method of `/v1/sign`"))
    named = re.findall(r"`(\w+)`", row)
    assert named
    assert not set(named) & set(METHODS)
    assert ABSENT[row] == "`METHOD_UNSUPPORTED`"
    for method in named:
        refused = await client.refused("/v1/sign", client.signing(method, []))
        assert refused == "METHOD_UNSUPPORTED"


async def test_an_end_of_ejecting_is_refused(there: Spoken) -> None:
    """Nobody believes that a wallet may leave until then alone."""
    assert ABSENT["`ejectableUntil` of `enable-eject`"] == "`malformed_body`"
    client_id, _ = await settled(there)
    native = Caller(there.shared, Token(there.native))
    owner = {"kind": "secret", "role": "owner", "surface": "portal"}
    key = (await native.post("/v1/credentials", owner))["token"]
    backend = Custodian(there.own, key, TATUM)
    body = {"walletId": "wal_1", "ejectableUntil": "2027-01-01T00:00:00Z"}
    told = await backend.ask("PATCH", f"/{client_id}/enable-eject", body, status=400)
    assert told["code"] == "malformed_body"


async def test_a_share_of_portals_is_none_of_ours(there: Spoken) -> None:
    """It has the vendor's members, and no text of ours in it."""
    assert ABSENT["wallets and backups made by Portal"] == "`SHARE_PARSING_FAILED`"
    _, client = await settled(there)
    share = sealed(
        {
            "clientId": "cl",
            "share": "1",
            "ssid": "5d9f",
            "pubkey": {"X": "1", "Y": "2"},
            "bks": {"client": {"X": "3", "Rank": 0}, "server": {"X": "4", "Rank": 0}},
        }
    )
    body = client.signing("personal_sign", [HELLO], share=share)
    assert await client.refused("/v1/sign", body) == "SHARE_PARSING_FAILED"


async def test_what_is_not_looked_at_changes_nothing(there: Spoken) -> None:
    """A node of the client's choice is not asked; a presignature is not used."""
    (row,) = (one for one in ABSENT if "`rpcUrl`" in one)
    more: dict[str, object] = dict.fromkeys(re.findall(r"`(\w+)`", row), "http://127.0.0.1:1/")
    assert set(more) == {"sponsorGas", "presignature", "presignatureId", "rpcUrl"}
    _, client = await settled(there)
    plain = await client.sign("personal_sign", [HELLO])
    assert await client.sign("personal_sign", [HELLO], **more) == plain
