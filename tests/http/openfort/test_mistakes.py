"""The usual mistakes are answered with what was expected, what came, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio

from tests.http.calls import unique
from tests.http.openfort.stage import Stage, by, refusal, staged
from valetkey.core.activity import Request
from valetkey.flows.credentials import revoke_credential

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.http.openfort.game import Game
    from valetkey.devchain import Deployment, Node

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNKNOWN: Final = "00000000-0000-4000-8000-000000000000"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(live_node: Node, live_deployment: Deployment) -> AsyncIterator[Stage]:
    """Give a server that speaks the format, on a chain."""
    async with staged(live_node, live_deployment) as made:
        yield made


@pytest.mark.parametrize(
    ("key", "got"),
    [
        (f"sk_live_{UNKNOWN}", "got a live key of the vendor's form"),
        (f"pk_live_{UNKNOWN}", "got a live key of the vendor's form"),
        (f"sk_test_{UNKNOWN}", "got one that is unknown here, or was revoked"),
        ("YOUR_SECRET_KEY", "begins with sk_test_ or pk_test_, or a player's token, got neither"),
    ],
)
async def test_a_key_that_is_none_is_told_by_its_form(there: Stage, key: str, got: str) -> None:
    """With what makes one; nothing of the key is repeated."""
    status, code, said = refusal(await there.nobody.get("/v1/players", headers=by(key)))
    assert (status, code) == (401, "proof_refused")
    assert said.endswith(got)
    assert UNKNOWN not in said


async def test_nobody_learns_from_it_which_keys_there_were(there: Stage) -> None:
    """One that was revoked, one of a native surface and one that never was: the form decides."""
    world, keys = there.world, there.others
    asked = (world, keys.founded.principal, Request(unique(), ""))
    await revoke_credential(*asked, credential_id=keys.secret.id)
    said = [
        refusal(await there.nobody.get("/v1/players", headers=by(key)))
        for key in (keys.sk, f"sk_test_{UNKNOWN}", keys.founded.secret, "vk_secret_of_nobody")
    ]
    assert said[0] == said[1]
    assert said[2] == said[3]


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        (
            "/v1/policy_rules",
            {"type": "mine"},
            "type: expected one of account_functions, contract_functions, rate_limit, got 'mine'",
        ),
        (
            "/v2/policies",
            {"scope": "everything", "rules": []},
            "scope: expected one of account, project, transaction, got 'everything'",
        ),
        (
            "/v1/policy_rules",
            {"type": "contract_functions"},
            "contract: expected the id of one (con_), or wildcard true for any, got nothing",
        ),
        ("/v1/accounts", {"chainId": "eip155:1"}, "chainId: expected a whole number, got a text"),
        ("/v1/accounts", {"chainId": []}, "chainId: expected a whole number, got a list"),
        ("/v1/accounts", {}, "chainId: expected it, it is missing"),
        (
            "/v2/policies",
            {"scope": "project", "rules": [{"action": 1, "operation": "x"}]},
            "rules[0].action: expected a text, got a whole number",
        ),
    ],
)
async def test_a_wrong_value_is_told_with_those_that_there_are(
    there: Stage, path: str, body: dict[str, Any], said: str
) -> None:
    """In words, without the names of types of our decoder."""
    policy = {}
    if path == "/v1/policy_rules":
        asks = {"name": "gas", "chainId": there.chain_id}
        strategy = {"sponsorSchema": "pay_for_user"}
        made = await there.made("/v1/policies", {**asks, "strategy": strategy})
        policy = {"policy": made["id"]}
    answer = await there.sk.post(path, json={**body, **policy})
    assert refusal(answer)[2] == said
    assert [*answer.json()["error"]["details"]] == [said.partition(":")[0]]


async def test_a_function_without_an_abi_is_told_where_one_is_given(game: Game) -> None:
    """Whoever noted a contract without its ABI, and calls a function by its name alone."""
    stage, ada = game.stage, await game.player()
    asks = {"name": "bare", "chainId": stage.chain_id, "address": game.broken}
    bare = await stage.made("/v1/contracts", asks)
    answer = await ada.intend({"contract": bare["id"], "functionName": "mint"})
    assert refusal(answer)[2] == (
        "interactions[0].functionName: expected a signature such as mint(address), or a contract"
        " (con_) that was made with its abi, got 'mint'"
    )


async def test_a_policy_without_the_rule_is_named_as_the_field(game: Game) -> None:
    """With the rule that is missing."""
    stage, ada = game.stage, await game.player()
    asks = {"name": "bare", "chainId": stage.chain_id}
    strategy = {"sponsorSchema": "pay_for_user"}
    policy = await stage.made("/v1/policies", {**asks, "strategy": strategy})
    asked = await stage.sk.post(
        "/v1/transaction_intents",
        json={
            "account": ada.account["id"],
            "chainId": stage.chain_id,
            "policy": policy["id"],
        },
    )
    status, code, said = refusal(asked)
    assert (status, code) == (400, "not_sponsored")
    assert "add a rule of type account_functions" in said
    assert asked.json()["error"]["details"] == {"policy": {"message": said}}


async def test_a_format_that_is_off_says_what_turns_it_on() -> None:
    """Only a path below its own prefix is looked at, and another face is not shown."""
    async with staged() as there:
        answer = await there.native.get("/para/touch")
        assert (answer.status_code, answer.json()["code"]) == (404, "no_such_route")
        assert "[dialects.para] in valetkey.toml turns it on" in answer.json()["detail"]
        other = await there.native.get("/paramount/touch")
        assert other.json()["detail"] == "there is nothing at '/paramount/touch'"
