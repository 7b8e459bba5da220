"""What a session key is refused, each with a reason that a person reads, and nothing is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from eth_account import Account

from tests.http.openfort.game import (
    Game,
    Opened,
    Player,
    fresh,
    make_game,
    native_id,
    personal,
    to_sign,
)
from tests.http.openfort.stage import refusal, staged
from valetkey.devchain import fund, mint

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ada(game: Game) -> Player:
    """Give a player whose account has coins and tokens to lose."""
    made = await game.player()
    address = bytes.fromhex(made.account["address"][2:])
    fund(game.node.rpc, game.deployment, address, 10**18)
    mint(game.node.rpc, game.deployment, address, 10**9)
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(ada: Player) -> Opened:
    """Give a session for the game alone."""
    return await ada.open()


async def state(ada: Player, opened: Opened) -> tuple[Any, ...]:
    """Return what a refusal must leave as it is, on both sides."""
    shown = await ada.shown(opened.id)
    address = ada.account["address"]
    balance = ada.game.node.rpc.ask("eth_getBalance", address, "latest")
    left = {**shown, "transactionIntents": [], "updatedAt": 0}
    return left, balance, ada.game.minted(address)


async def refused(
    ada: Player, opened: Opened, *interactions: dict[str, Any], key: LocalAccount | None = None
) -> tuple[str, str]:
    """Return code and message of what the key of *opened* is refused; the intent still waits."""
    before = await state(ada, opened)
    intent = (await ada.intend(*interactions)).json()
    digest = to_sign(intent)
    answer = await ada.sign_intent(intent, personal(key or opened.key, digest))
    status, code, said = refusal(answer)
    assert status == 400
    assert await state(ada, opened) == before
    waits = await ada.stage.got(f"/v1/transaction_intents/{intent['id']}")
    assert to_sign(waits) == digest
    assert "response" not in waits
    return code, said


async def test_only_the_contracts_on_the_list(ada: Player, opened: Opened) -> None:
    """Another contract is not there."""
    code, said = await refused(ada, opened, {"to": ada.game.broken, "data": "0x01020304"})
    assert code == "target_not_allowed"
    assert ada.game.broken in said


@pytest.mark.parametrize("value", ["1", "0x1", 1])
async def test_no_coin_goes_along(ada: Player, opened: Opened, value: object) -> None:
    """The vendor's keys send what the account has; ours send nothing."""
    code, _ = await refused(ada, opened, ada.mint(value=value))
    assert code == "value_not_allowed"


async def test_one_bad_call_refuses_all_of_them(ada: Player, opened: Opened) -> None:
    """All or none."""
    code, _ = await refused(ada, opened, ada.mint(), ada.mint(value="1"))
    assert code == "value_not_allowed"


async def test_a_key_that_nobody_knows(ada: Player, opened: Opened) -> None:
    """Not a key of this account; the answer says who it would have been."""
    code, said = await refused(ada, opened, ada.mint(), key=Account.create())
    assert code == "malformed_signature"
    assert said.startswith("signature: expected one by the owner")


async def test_the_key_of_another_account(ada: Player, opened: Opened) -> None:
    """A live session of one account is nobody on another."""
    other = await (await ada.game.player()).open()
    code, _ = await refused(ada, opened, ada.mint(), key=other.key)
    assert code == "malformed_signature"


async def test_what_is_no_signature(ada: Player) -> None:
    """Of another length, or no hex: said before anything is looked up."""
    intent = (await ada.intend(ada.mint())).json()
    for text in ("0x", "0x1234", "nonsense", "0x" + "00" * 64, "0x" + "00" * 66):
        status, code, said = refusal(await ada.sign_intent(intent, text))
        assert (status, code) == (400, "malformed_signature")
        assert said.startswith("signature: expected")


async def test_an_account_never_calls_itself(ada: Player) -> None:
    """Not by its address, not by its id, not as zero: nor its factory, nor its code."""
    for named in (
        {"to": ada.account["address"]},
        {"contract": ada.account["id"]},
        {"to": "0x" + "00" * 20},
        {"to": "0x" + ada.game.deployment.clone_factory.hex()},
        {"to": "0x" + ada.game.deployment.clone_implementation.hex()},
    ):
        status, _, said = refusal(await ada.intend(ada.mint(), {**named, "data": "0x12345678"}))
        assert (status, said[:16]) == (400, "interactions[1]."[:16])


async def test_the_number_of_uses_is_what_it_is(ada: Player) -> None:
    """Calls are counted, each of a batch, and an empty batch as one."""
    opened = await ada.open(limit=3)
    assert (await ada.act(opened.key, ada.mint(), ada.mint())).json()["response"]["status"] == 1
    code, said = await refused(ada, opened, ada.mint(), ada.mint())
    assert code == "too_many_calls"
    assert "3 calls allowed, 2 used, 2 asked for" in said
    assert (await ada.act(opened.key)).json()["response"]["status"] == 1
    shown = await ada.shown(opened.id)
    assert (shown["remainingUses"], shown["isActive"]) == (0, False)
    code, _ = await refused(ada, opened)
    assert code == "session_exhausted"


async def test_before_and_after_its_time(game: Game) -> None:
    """To the second, by the clock of the server; the chain has its own."""
    async with staged(game.node, game.deployment) as stage:
        mine = await make_game(stage, game.node, game.deployment)
        bea = await mine.player()
        now = stage.clock.now()
        early = await bea.open(validAfter=now + 600)
        code, _ = await refused(bea, early, bea.mint())
        assert code == "session_not_started"
        brief = await bea.open(validUntil=now + 300)
        intent = (await bea.intend(bea.mint())).json()
        stage.clock.advance(302)
        answer = await bea.sign_intent(intent, personal(brief.key, to_sign(intent)))
        assert refusal(answer)[:2] == (400, "session_expired")
        assert (await bea.shown(brief.id))["isActive"] is False


async def test_a_call_that_reverts_is_told_with_its_reason_and_costs_no_use(ada: Player) -> None:
    """It is seen before it is sent: nothing is on chain, and the use is given back."""
    opened = await ada.open(limit=2, whitelist=[ada.game.broken])
    answer = await ada.act(opened.key, {"to": ada.game.broken, "data": "0x01020304"})
    assert answer.status_code == 200, answer.text
    response = answer.json()["response"]
    assert response["status"] == 0
    assert response["error"]["name"] == "call_reverted"
    assert response["error"]["reason"]
    assert "transactionHash" not in response
    assert (await ada.shown(opened.id))["remainingUses"] == 2


async def test_a_frozen_session_is_refused_and_goes_on_when_it_is_unfrozen(
    ada: Player, opened: Opened
) -> None:
    """Frozen by whoever looks after it, natively."""
    native = ada.stage.native
    session_id = native_id(opened)
    frozen = await native.post(f"/v1/sessions/{session_id}/freeze", headers=fresh(), json={})
    assert frozen.status_code == 200, frozen.text
    assert (await ada.shown(opened.id))["isActive"] is False
    code, _ = await refused(ada, opened, ada.mint())
    assert code == "session_frozen"
    unfrozen = await native.post(f"/v1/sessions/{session_id}/unfreeze", headers=fresh(), json={})
    assert unfrozen.status_code == 200, unfrozen.text
    assert (await ada.shown(opened.id))["isActive"] is True
    assert (await ada.act(opened.key, ada.mint())).json()["response"]["status"] == 1
