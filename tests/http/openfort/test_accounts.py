"""Accounts: one for each player, chain, owner and kind, clones that nothing has put there yet."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio

from tests.http.openfort.stage import Stage, by, refusal, staged
from tests.worlds import dump
from valetkey.core.ids import Prefix
from valetkey.core.surface import Surface
from valetkey.core.wallet import Account, SealedKey
from valetkey.flows.guests import log_in_guest
from valetkey.flows.prove import Bearer, authenticate
from valetkey.http.dialects.openfort import ids

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from valetkey.devchain import Deployment, Node

pytestmark = pytest.mark.asyncio(loop_scope="module")

OWNER: Final = "0x" + "a1" * 20
OTHER: Final = "0x" + "a2" * 20


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(live_node: Node, live_deployment: Deployment) -> AsyncIterator[Stage]:
    """Give a server that speaks the format, on a chain."""
    async with staged(live_node, live_deployment) as made:
        yield made


async def player(there: Stage, name: str = "Ada") -> str:
    """Return the id of a new player."""
    made = await there.made("/v1/players", {"name": name})
    return str(made["id"])


async def stored(there: Stage, shown_id: str) -> Account:
    """Return what the store has of an account."""
    key = ids.native(shown_id, Prefix.ACCOUNT, ids.ACCOUNT)
    found = await there.world.store.read(lambda view: view.get(Account, key))
    assert found is not None
    return found


async def test_an_account_is_a_clone_of_its_owner(there: Stage) -> None:
    """Its address follows from the owner; nothing is on the chain yet."""
    who = await player(there)
    form = {
        "chainId": str(there.chain_id),
        "player": who,
        "externalOwnerAddress": OWNER,
        "accountType": "UpgradeableV6",
    }
    made = (await there.sk.post("/v1/accounts", data=form)).json()
    account = await stored(there, made["id"])
    assert account.clone is not None
    assert (account.clone.personal, account.clone.salt) == (True, bytes(32))
    assert made["address"] == "0x" + account.clone.address.hex()
    assert made == {
        "id": made["id"],
        "object": "account",
        "createdAt": account.created_at,
        "address": made["address"],
        "ownerAddress": OWNER,
        "deployed": False,
        "custodial": False,
        "embeddedSigner": False,
        "chainId": there.chain_id,
        "accountType": "ValetkeyV1",
        "player": {"id": who},
    }
    assert await there.got(f"/v1/accounts/{made['id']}") == made


async def test_the_same_player_and_chain_give_the_same_account(there: Stage) -> None:
    """Whoever asks again, at once or later, with the owner or without; another owner is another."""
    who = await player(there)
    body = {"chainId": there.chain_id, "player": who}
    before = len((await dump(there.world))["SealedKey"])
    some = await asyncio.gather(*(there.made("/v1/accounts", body) for _ in range(4)))
    (made,) = {one["id"] for one in some}
    assert some[0]["custodial"] is True
    keys = await there.world.store.read(lambda view: view.find(SealedKey))
    assert len(keys) == before + 1
    owned = {**body, "externalOwnerAddress": some[0]["ownerAddress"]}
    assert (await there.made("/v1/accounts", owned))["id"] == made
    other = await there.made("/v1/accounts", {**body, "externalOwnerAddress": OTHER})
    assert other["id"] != made
    assert (await there.made("/v1/accounts", body))["id"] == made
    shown = await there.got("/v1/accounts", player=who, order="asc")
    assert ([one["id"] for one in shown["data"]], shown["total"]) == ([made, other["id"]], 2)


async def test_the_second_kind_is_at_its_owners_address(there: Stage) -> None:
    """EIP-7702; of the same player beside the clone."""
    who = await player(there)
    body = {"chainId": there.chain_id, "player": who, "externalOwnerAddress": "0x" + "b1" * 20}
    clone = await there.made("/v1/accounts", body)
    made = await there.made("/v1/accounts", {**body, "accountType": "Delegated Account"})
    assert made["address"] == made["ownerAddress"] == body["externalOwnerAddress"]
    assert made["accountType"] == "Delegated Account"
    assert clone["address"] != made["address"]
    assert (await stored(there, made["id"])).clone is None


async def test_without_a_player_there_is_a_new_one(there: Stage) -> None:
    """Once, when the same request comes again."""
    body = {"chainId": there.chain_id}
    fields = {"x-idempotency-key": "an-account-and-a-player"}
    before = (await there.got("/v1/players"))["total"]
    answers = [await there.sk.post("/v1/accounts", json=body, headers=fields) for _ in range(2)]
    first, again = [one.json() for one in answers]
    assert first == again
    assert (await there.got("/v1/players"))["total"] == before + 1
    whole = await there.got(f"/v1/accounts/{first['id']}", expand="player,transactionIntents")
    assert whole["player"] == await there.got(f"/v1/players/{first['player']['id']}")
    assert whole["transactionIntents"] == []
    both = await there.got(f"/v1/players/{first['player']['id']}", expand="accounts")
    assert both["accounts"] == [first]


async def test_the_newer_clients_see_the_same_accounts(there: Stage) -> None:
    """By their words for kinds and keys, and with what the account is made of."""
    who = await player(there)
    asked: dict[str, Any] = {
        "accountType": "Smart Account",
        "chainType": "EVM",
        "chainId": there.chain_id,
        "user": who,
        "address": "0x" + "c1" * 20,
    }
    made = await there.made("/v2/accounts", asked)
    clones = there.world.clones
    assert clones is not None
    assert made["smartAccount"] == {
        "implementationType": "ValetkeyV1",
        "implementationAddress": "0x" + clones.implementation.hex(),
        "factoryAddress": "0x" + clones.factory.hex(),
        "salt": "0x" + "00" * 32,
        "active": False,
    }
    assert (made["custody"], made["chainType"], made["wallet"]) == ("User", "EVM", who)
    assert await there.got(f"/v2/accounts/{made['id']}") == made
    first = await there.got(f"/v1/accounts/{made['id']}")
    assert (first["address"], first["ownerAddress"]) == (made["address"], asked["address"])
    linked = {"accountType": "Delegated Account", "chainType": "EVM", "account": made["id"]}
    second = await there.made("/v2/accounts", linked)
    assert second["address"] == asked["address"]
    user = who.replace("pla_", "usr_")
    for query, found in (
        ({"accountType": "Smart Account"}, [made["id"]]),
        ({"accountType": "Delegated Account"}, [second["id"]]),
        ({"accountType": "Externally Owned Account"}, []),
        ({"custody": "Developer"}, []),
        ({"chainType": "SVM"}, []),
        ({"address": made["address"]}, [made["id"]]),
        ({"chainId": there.chain_id}, [second["id"], made["id"]]),
    ):
        told = await there.got("/v2/accounts", user=user, **query)
        assert ([one["id"] for one in told["data"]], told["total"]) == (found, len(found))
    moved = {"account": made["id"], "chainId": there.chain_id}
    assert await there.made("/v2/accounts/switch-chain", moved) == made


BAD: Final[list[tuple[str, dict[str, Any], str]]] = [
    ("/v1/accounts", {}, "chainId"),
    ("/v1/accounts", {"chainId": 1}, "chainId"),
    ("/v1/accounts", {"chainId": "0x1"}, "chainId"),
    ("/v1/accounts", {"chainId": 0}, "chainId"),
    ("/v1/accounts", {"externalOwnerAddress": "0x12"}, "externalOwnerAddress"),
    ("/v1/accounts", {"externalOwnerAddress": "0x" + "00" * 20}, "owner"),
    ("/v1/accounts", {"accountType": "ZKSyncUpgradeableV2"}, "accountType"),
    ("/v1/accounts", {"player": "somebody"}, "player"),
    ("/v2/accounts", {}, "accountType"),
    ("/v2/accounts", {"accountType": "Externally Owned Account"}, "accountType"),
    ("/v2/accounts", {"accountType": "Smart Account", "chainType": "SVM"}, "chainType"),
    ("/v2/accounts", {"accountType": "Smart Account", "chainId": None}, "chainId"),
    ("/v2/accounts", {"accountType": "Smart Account", "address": "0x1"}, "address"),
    ("/v2/accounts", {"accountType": "Smart Account", "account": "acc_1"}, "account"),
    ("/v2/accounts", {"accountType": "Smart Account", "user": "org_1"}, "user"),
    (
        "/v2/accounts",
        {"accountType": "Smart Account", "implementationType": "Calibur"},
        "implementationType",
    ),
]


@pytest.mark.parametrize(("path", "body", "field"), BAD)
async def test_what_cannot_be_an_account_is_refused(
    there: Stage, path: str, body: dict[str, Any], field: str
) -> None:
    """The field is named, and nothing is changed."""
    chain = {"chainId": there.chain_id} if (body and path != "/v1/accounts") or len(body) else {}
    before = await dump(there.world)
    answer = await there.sk.post(path, json={**chain, **body})
    assert refusal(answer)[0] == 400
    assert [*answer.json()["error"]["details"]] == [field]
    assert await dump(there.world) == before


async def test_an_account_that_is_there_is_nobody_elses(there: Stage) -> None:
    """Another player with the same owner is told so, and can be given the second kind."""
    body = {"chainId": there.chain_id, "externalOwnerAddress": "0x" + "d1" * 20}
    await there.made("/v1/accounts", {**body, "player": await player(there)})
    before = await dump(there.world)
    who = await player(there, "another")
    answer = await there.sk.post("/v1/accounts", json={**body, "player": who})
    assert refusal(answer)[:2] == (400, "conflict")
    assert (await dump(there.world))["Account"] == before["Account"]


async def test_nobody_else_reaches_an_account(there: Stage) -> None:
    """Not without a key, not by a publishable or a native one, not from another organization."""
    who = await player(there)
    body = {"chainId": there.chain_id, "player": who}
    made = await there.made("/v1/accounts", body)
    before = await dump(there.world)
    for version in ("/v1/accounts", "/v2/accounts"):
        one = f"{version}/{made['id']}"
        for method, path in (("GET", one), ("GET", version), ("POST", version)):
            native = by(there.keys.founded.secret)
            answers = [
                await there.nobody.request(method, path, json={**body, **V2}),
                await there.nobody.request(method, path, json={**body, **V2}, headers=native),
                await there.pk.request(method, path, json={**body, **V2}),
            ]
            codes = [refusal(one)[:2] for one in answers]
            assert codes == [(401, "proof_missing"), (401, "proof_refused"), (400, "not_allowed")]
        stranger = by(there.others.sk)
        theirs = await there.nobody.get(f"{version}/{made['id']}", headers=stranger)
        assert refusal(theirs)[:2] == (404, "not_found")
        listed = await there.nobody.get(version, headers=stranger)
        assert listed.json()["data"] == []
        asked = {**body, **V2, "user": who}
        taken = await there.nobody.post(version, json=asked, headers=stranger)
        assert refusal(taken)[:2] == (404, "not_found")
    assert await dump(there.world) == before


V2: Final = {"accountType": "Smart Account", "chainType": "EVM"}


async def test_a_player_has_their_own_accounts_alone(there: Stage) -> None:
    """By their own client's token: they open with an owner's address, and see nobody else's."""
    key = await authenticate(
        there.world, Bearer(there.keys.pk), is_write=False, surface=Surface.OPENFORT
    )
    guest = await log_in_guest(there.world, key, surface=Surface.OPENFORT)
    fields = {**by(guest.token), "x-project-key": there.keys.pk}
    body = {"chainId": there.chain_id, "externalOwnerAddress": "0x" + "f1" * 20}
    made = (await there.nobody.post("/v1/accounts", json=body, headers=fields)).json()
    assert made["player"] == {"id": ids.shown(guest.user.id, ids.PLAYER)}
    again = {
        "accountType": "Smart Account",
        "chainId": there.chain_id,
        "address": body["externalOwnerAddress"],
    }
    second = await there.nobody.post("/v2/accounts", json=again, headers=fields)
    assert second.json()["id"] == made["id"]
    other = await there.made("/v1/accounts", {"chainId": there.chain_id})
    before = await dump(there.world)
    for version in ("/v1/accounts", "/v2/accounts"):
        listed = (await there.nobody.get(version, headers=fields)).json()
        assert ([one["id"] for one in listed["data"]], listed["total"]) == ([made["id"]], 1)
        hidden = await there.nobody.get(f"{version}/{other['id']}", headers=fields)
        assert refusal(hidden)[:2] == (404, "not_found")
    refused = [
        ({**body, "player": other["player"]["id"]}, (404, "not_found")),
        ({"chainId": there.chain_id}, (400, "malformed_body")),
    ]
    for asked, wanted in refused:
        answer = await there.nobody.post("/v1/accounts", json=asked, headers=fields)
        assert refusal(answer)[:2] == wanted
    stranger = {**fields, "x-project-key": there.others.pk}
    for headers in (stranger, {**fields, "x-project-key": there.keys.sk}):
        answer = await there.nobody.get("/v1/accounts", headers=headers)
        assert refusal(answer)[:2] == (401, "proof_refused")
    for path in ("/v1/players", "/v1/contracts"):
        answer = await there.nobody.get(path, headers=fields)
        assert refusal(answer)[:2] == (400, "not_allowed")
    after = await dump(there.world)
    assert {**after, "Usage": before["Usage"]} == before  # but for when the session was used last
