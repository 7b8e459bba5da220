"""Openfort's browser SDK in Node: who logs in, and where their key is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from eth_account import Account
from eth_account.messages import encode_defunct

from tests.http.calls import unique
from tests.issuer import AUDIENCE, ISSUER, Issuer
from tests.vendor.driver import Refused
from tests.vendor.openfort.js import DELEGATED, PASSWORD, SESSION_ENTROPY, App, app
from tests.vendor.openfort.stage import CHAIN_ID

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.vendor.openfort.stage import Stage

UNAUTHENTICATED, NOT_CONFIGURED, READY = 1, 2, 4  # of the SDK's `EmbeddedState`
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def player(there: Stage, child: Path) -> AsyncIterator[App]:
    """Give an app in which a guest has signed up."""
    async with app(there, child) as made:
        await (await made.begin()).guest()
        yield made


async def test_a_guest_has_a_key_and_an_account_that_only_the_frame_signs_for(
    player: App, there: Stage
) -> None:
    """Made in the frame; what leaves it are an address, signatures and what nobody can read."""
    assert await player.sdk.ask("state") == NOT_CONFIGURED
    made = await player.create()
    assert await player.sdk.ask("state") == READY
    signature = await player.wallet("signMessage", "hello")
    signer = Account.recover_message(encode_defunct(text="hello"), signature=signature)
    assert signer.lower() == made["ownerAddress"]
    (secret,) = await player.sdk.ask("secret")
    (address,) = {Account.from_key(secret).address.lower()}
    assert address == made["ownerAddress"] != made["address"]
    seen = [
        json.dumps(await player.sdk.ask("messages")),
        json.dumps(await player.sdk.ask("storage")),
        b"".join(there.lines).decode(errors="replace"),
    ]
    for text in seen:
        assert secret not in text.lower()
    assert PASSWORD not in seen[2]
    assert await player.sdk.ask("reached") == ["127.0.0.1"]


async def test_a_second_device_has_the_key_again_by_the_password_alone(
    there: Stage, child: Path
) -> None:
    """Wrong: the SDK's own words for it. Right: the same account, and it signs."""
    await trust(there, issuer := Issuer())
    async with app(there, child) as first, app(there, child) as second:
        made = await (await log_in(first, issuer, "alice")).create()
        await log_in(second, issuer, "alice")
        with pytest.raises(Refused) as wrong:
            await second.recover(made["id"], "not the password")
        assert wrong.value.message == "Wrong recovery password for this embedded signer"
        found = await second.recover(made["id"])
        assert (found["id"], found["address"]) == (made["id"], made["address"])
        signature = await second.wallet("signMessage", "hello")
        assert signer_of(signature) == made["ownerAddress"]
        assert await second.sdk.ask("secret") == await first.sdk.ask("secret")
        listed = await second.wallet("list", {})
        assert [one["id"] for one in listed] == [made["id"]]


async def test_another_player_gets_nothing_of_it(there: Stage, child: Path) -> None:
    """Neither with the account's id nor with its password."""
    await trust(there, issuer := Issuer())
    async with app(there, child) as owner, app(there, child) as thief:
        made = await (await log_in(owner, issuer, "carol")).create()
        await log_in(thief, issuer, "mallory")
        with pytest.raises(Refused):
            await thief.recover(made["id"])
        assert await thief.sdk.ask("secret") == []


async def test_wrong_passwords_run_out(there: Stage, child: Path) -> None:
    """The server counts them; then the right one has to wait, too, and is told so."""
    await trust(there, issuer := Issuer())
    async with app(there, child) as first, app(there, child) as second:
        made = await (await log_in(first, issuer, "dora")).create(
            recoveryMethod="automatic", encryptionSession=SESSION_ENTROPY
        )
        await log_in(second, issuer, "dora")
        other = {"recoveryMethod": "automatic", "encryptionSession": SESSION_ENTROPY[:-1] + "2"}
        for _ in range(10):
            with pytest.raises(Refused):
                await second.wallet("recover", {"account": made["id"], "recoveryParams": other})
        good = {"recoveryMethod": "automatic", "encryptionSession": SESSION_ENTROPY}
        with pytest.raises(Refused, match="wrong tries in a day"):
            await second.wallet("recover", {"account": made["id"], "recoveryParams": good})


async def test_what_unlocks_is_asked_for_in_the_sdks_words(there: Stage, child: Path) -> None:
    """Each error that the SDK knows, where it is due; a passkey is refused with ours."""
    await trust(there, issuer := Issuer())
    async with app(there, child) as player:
        await log_in(player, issuer, "erin")
        with pytest.raises(Refused) as missing:
            await player.create(recoveryMethod="automatic")
        assert missing.value.message == "Project entropy is missing"
        with pytest.raises(Refused, match="at least 32"):
            await player.create(recoveryMethod="automatic", encryptionSession="short")
        made = await player.create()
        await player.sdk.ask("logout")
        await log_in(player, issuer, "erin")
        with pytest.raises(Refused) as password:
            await player.wallet(
                "recover",
                {"account": made["id"], "recoveryParams": {"recoveryMethod": "automatic"}},
            )
        assert "requires a password" in password.value.message


async def test_a_page_that_is_opened_again_signs_and_after_a_log_out_it_does_not(
    there: Stage, child: Path
) -> None:
    """The device keeps the key, encrypted, until its user leaves."""
    await trust(there, issuer := Issuer())
    async with app(there, child) as player:
        made = await (await log_in(player, issuer, "frank")).create()
        await player.sdk.ask("reload")
        assert signer_of(await player.wallet("signMessage", "hello")) == made["ownerAddress"]
        await player.sdk.ask("logout")
        assert await player.sdk.ask("secret") == []
        with pytest.raises(Refused):
            await player.wallet("signMessage", "hello")
        await log_in(player, issuer, "frank")
        await player.recover(made["id"])
        assert signer_of(await player.wallet("signMessage", "hello")) == made["ownerAddress"]


async def test_a_key_is_locked_anew_by_who_knows_what_it_is_locked_under(
    there: Stage, child: Path
) -> None:
    """From a password to an encryption session; the password is no good from then on."""
    await trust(there, issuer := Issuer())
    async with app(there, child) as first, app(there, child) as second:
        made = await (await log_in(first, issuer, "gina")).create()
        password = {"recoveryMethod": "password", "password": PASSWORD}
        automatic = {"recoveryMethod": "automatic", "encryptionSession": SESSION_ENTROPY}
        wrong = {"recoveryMethod": "password", "password": "not it"}
        with pytest.raises(Refused, match="Wrong recovery password"):
            await first.wallet("setRecoveryMethod", wrong, automatic)
        await first.wallet("setRecoveryMethod", password, automatic)
        await log_in(second, issuer, "gina")
        with pytest.raises(Refused):
            await second.recover(made["id"])
        found = await second.wallet("recover", {"account": made["id"], "recoveryParams": automatic})
        assert found["id"] == made["id"]


async def test_a_key_comes_in_and_does_not_go_out(there: Stage, child: Path) -> None:
    """Imported it is as one that was made; exported it is not, and the SDK shows why."""
    await trust(there, issuer := Issuer())
    key = Account.create()
    async with app(there, child) as player:
        await log_in(player, issuer, "hugo")
        wanted = {
            "privateKey": key.key.hex(),
            "chainType": "EVM",
            "accountType": DELEGATED,
            "chainId": CHAIN_ID,
            "recoveryParams": {"recoveryMethod": "password", "password": PASSWORD},
        }
        made = await player.wallet("import", wanted)
        assert made["address"] == key.address.lower()
        with pytest.raises(Refused, match="gives no private key out"):
            await player.wallet("exportPrivateKey")


async def test_a_third_partys_token_is_shown_with_every_request(there: Stage, child: Path) -> None:
    """The SDK's own headers; an unknown provider is explained and logs nobody out."""
    await trust(there, issuer := Issuer())
    async with app(there, child) as player, app(there, child) as other:
        made = await (await log_in(player, issuer, "ines")).create()
        token = issuer.token("ines", now=there.clock.now(), jti="fresh")
        await player.sdk.ask("outside", token=token)
        assert signer_of(await player.wallet("signMessage", "hello")) == made["ownerAddress"]
        assert (await player.sdk.ask("user"))["isAnonymous"] is False
        await player.sdk.ask("outside", token=issuer.token("ines", now=there.clock.now() - 9999))
        with pytest.raises(Refused):
            await player.sdk.ask("user")
        await other.begin("firebase")
        await other.sdk.ask("outside", token=token)
        with pytest.raises(Refused, match="provider"):
            await other.sdk.ask("token")


async def test_a_guest_logs_out_and_is_gone(player: App) -> None:
    """Nobody else ever is that guest again."""
    token = await player.sdk.ask("token")
    await player.sdk.ask("logout")
    assert await player.sdk.ask("state") == UNAUTHENTICATED
    assert await player.sdk.ask("token") != token
    with pytest.raises(Refused):
        await player.wallet("signMessage", "hello")


async def trust(there: Stage, issuer: Issuer) -> None:
    """Have the issuer's tokens log players in."""
    body = {"name": "custom", "issuer": ISSUER, "audiences": [AUDIENCE], "keys": issuer.keys}
    answer = await there.native("POST", "/v1/identity-providers", json=body)
    assert answer.status_code == 200, answer.text


async def log_in(player: App, issuer: Issuer, subject: str) -> App:
    """Have *subject* be logged in by a token of the issuer's."""
    await player.begin("custom")
    token = issuer.token(subject, now=player.there.clock.now(), jti=unique())
    await player.sdk.ask("outside", token=token)
    assert await player.sdk.ask("token") == token
    return player


def signer_of(signature: str) -> str:
    """Return whose signature over the greeting it is."""
    found: str = Account.recover_message(encode_defunct(text="hello"), signature=signature)
    return found.lower()
