"""The whole story of the page, by raw HTTP on a real chain: JSON, forms, and every step once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from eth_account import Account

from tests.http.openfort.game import Game, personal, plain, to_sign
from tests.http.openfort.stage import refusal
from valetkey.spec import eip712

if TYPE_CHECKING:
    from tests.http.openfort.game import Player

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_session_is_asked_for_signed_used_and_revoked(game: Game) -> None:
    """What the page shows, in JSON: each answer says what the chain says."""
    ada = await game.player()
    asked = await ada.ask(limit=3)
    body = asked.body
    assert body["id"].startswith("ses_")
    assert (body["object"], body["isActive"], body["address"]) == (
        "session",
        False,
        asked.key.address.lower(),
    )
    assert body["account"] == {"id": ada.account["id"]}
    assert body["whitelist"] == [game.address]
    assert (body["limit"], body["remainingUses"], body["unlimited"]) == (3, 3, False)
    assert isinstance(body["validUntil"], str)
    assert body["transactionIntents"] == []
    digest = to_sign(body)
    typed = body["nextAction"]["payload"]["valetkey"]["typed_data"]
    assert digest == "0x" + eip712.digest(eip712.from_json(typed)).hex()
    status, code, said = refusal(await ada.sign(asked.id, personal(asked.key, digest)))
    assert (status, code) == (400, "malformed_signature")
    assert said.startswith("signature: expected one by the owner")
    assert to_sign(await ada.shown(asked.id)) == digest
    opened = (await ada.sign(asked.id, ada.signed(digest))).json()
    assert opened["isActive"]
    assert "nextAction" not in opened
    done = await ada.act(asked.key, ada.mint())
    assert done.status_code == 200, done.text
    intent = done.json()
    assert intent["response"]["status"] == 1
    assert isinstance(intent["response"]["gasUsed"], str)
    assert game.minted(ada.account["address"]) == 1
    shown = await ada.shown(asked.id)
    assert shown["remainingUses"] == 2
    assert {"id": intent["id"]} in shown["transactionIntents"]
    revoked = await ada.revoke(asked.key.address)
    assert revoked.status_code == 200, revoked.text
    assert revoked.json()["isActive"]
    ended = (await ada.sign(asked.id, ada.signed(to_sign(revoked.json())))).json()
    assert (ended["isActive"], "nextAction" in ended) == (False, False)
    status, code, _ = refusal(await ada.act(asked.key, ada.mint()))
    assert (status, code) == (400, "session_revoked")
    assert game.minted(ada.account["address"]) == 1


async def test_forms_tell_the_same_story(game: Game) -> None:
    """As the page's curl calls are written: everything is text."""
    ada = await game.player()
    key = Account.create()
    stage = game.stage
    until = stage.clock.now() + 3600
    form = {
        "address": key.address,
        "chainId": str(stage.chain_id),
        "validUntil": str(until),
        "validAfter": "0",
        "account": ada.account["id"],
        "limit": "5",
        "optimistic": "false",
        "whitelist[]": game.address,
    }
    asked = await stage.sk.post("/v1/sessions", data=form)
    assert asked.status_code == 200, asked.text
    session = asked.json()
    assert session["validUntil"] == str(until)
    path = f"/v1/sessions/{session['id']}/signature"
    signature = {"signature": ada.signed(to_sign(session))}
    opened = await stage.pk.post(path, data=signature)
    assert opened.json()["isActive"], opened.text
    page = {
        "account": ada.account["id"],
        "address": key.address,
        "chainId": str(stage.chain_id),
    }
    for more, minted in (
        ({}, 0),
        (
            {
                "interactions[0][contract]": game.contract,
                "interactions[0][functionName]": "mint",
                "interactions[0][functionArgs][0]": ada.account["id"],
            },
            1,
        ),
    ):
        intent = await stage.sk.post("/v1/transaction_intents", data={**page, **more})
        assert intent.status_code == 200, intent.text
        signed = await stage.pk.post(
            f"/v1/transaction_intents/{intent.json()['id']}/signature",
            data={"signature": personal(key, to_sign(intent.json()))},
        )
        assert signed.json()["response"]["status"] == 1, signed.text
        assert game.minted(ada.account["address"]) == minted
    assert (await ada.shown(session["id"]))["remainingUses"] == 3
    ended = await stage.sk.post("/v1/sessions/revoke", data=page)
    digest = to_sign(ended.json())
    gone = await stage.pk.post(path, data={"signature": ada.signed(digest)})
    assert gone.json()["isActive"] is False, gone.text


async def test_a_signature_that_comes_again_has_the_same_answer(game: Game) -> None:
    """SDKs send again what they had no answer to; there is one transaction."""
    ada = await game.player()
    asked = await ada.ask()
    signature = ada.signed(to_sign(asked.body))
    first, second = [await ada.sign(asked.id, signature) for _ in range(2)]
    assert (first.status_code, first.json()) == (200, second.json())
    intent = (await ada.intend(ada.mint())).json()
    by_key = personal(asked.key, to_sign(intent))
    told = [(await ada.sign_intent(intent, by_key)).json() for _ in range(2)]
    assert told[0] == told[1]
    assert game.minted(ada.account["address"]) == 1
    revoked = (await ada.revoke(asked.id)).json()
    ending = ada.signed(to_sign(revoked))
    ends = [(await ada.sign(asked.id, ending)).json() for _ in range(2)]
    assert ends[0] == ends[1]
    assert ends[0]["isActive"] is False


@pytest.mark.parametrize("kind", ["Smart Account", "Delegated Account"])
async def test_the_owner_signs_calls_too(game: Game, kind: str) -> None:
    """Both kinds of accounts; owner and key sign what they ask for in the form of their kind."""
    ada = await game.player(accountType=kind)
    more = {} if kind == "Smart Account" else {"signedAuthorization": authorization(ada)}
    intent = await ada.intend(ada.mint(), **more)
    assert intent.status_code == 200, intent.text
    done = await ada.sign_intent(intent.json(), ada.signed(to_sign(intent.json())))
    assert done.json()["response"]["status"] == 1, done.text
    assert game.minted(ada.account["address"]) == 1
    opened = await ada.open()
    for form in (personal, plain):
        intent = (await ada.intend(ada.mint())).json()
        done = await ada.sign_intent(intent, form(opened.key, to_sign(intent)))
        assert done.json()["response"]["status"] == 1, done.text
    assert game.minted(ada.account["address"]) == 3
    asked = (await ada.revoke(opened.key.address)).json()
    ended = await ada.sign(opened.id, ada.signed(to_sign(asked)))
    assert ended.json()["isActive"] is False, ended.text
    intent = (await ada.intend(ada.mint())).json()
    answer = await ada.sign_intent(intent, personal(opened.key, to_sign(intent)))
    assert refusal(answer)[:2] == (400, "session_revoked")


async def test_an_account_takes_the_form_of_its_kind_from_its_owner(game: Game) -> None:
    """A clone both forms; an account at its owner's own address no message of a wallet."""
    clone = await game.player()
    for form in (personal, plain):
        asked = await clone.ask()
        opened = await clone.sign(asked.id, form(clone.owner, to_sign(asked.body)))
        assert opened.json()["isActive"], opened.text
    ada = await game.player(accountType="Delegated Account")
    asked = await ada.ask()
    answer = await ada.sign(asked.id, personal(ada.owner, to_sign(asked.body)))
    assert refusal(answer)[:2] == (400, "malformed_signature")


def authorization(ada: Player) -> str:
    """Return what lets a player's own address run our code (EIP-7702), as clients send it."""
    game = ada.game
    signed = ada.owner.sign_authorization(
        {
            "chainId": game.stage.chain_id,
            "address": "0x" + game.deployment.implementation.hex(),
            "nonce": 0,
        }
    )
    return f"0x{signed.r:064x}{signed.s:064x}{signed.y_parity + 27:02x}"  # type: ignore[attr-defined]
