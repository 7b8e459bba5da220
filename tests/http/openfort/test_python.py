"""The page's story through our Python SDK, in both forms, on a real chain."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from eth_account import Account

from valetkey import Malformed, Owner, RefusedToSign, SessionKey, Unauthenticated, call
from valetkey.client.openfort import AsyncOpenfort, Openfort

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.http.openfort.game import Game, Player

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Off:
    """A synchronous client whose methods run beside the loop that serves it."""

    def __init__(self, thing: Any) -> None:  # noqa: ANN401 - a client, or a part of one
        self._thing = thing

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - what the client has
        found = getattr(self._thing, name)
        if callable(found):
            return lambda *given, **named: asyncio.to_thread(found, *given, **named)
        return Off(found)


@asynccontextmanager
async def plain(url: str, key: str) -> AsyncIterator[Any]:
    """Give the synchronous client."""
    with Openfort(url, key) as client:
        yield Off(client)


FORMS: list[Callable[[str, str], Any]] = [plain, AsyncOpenfort]


def owner_of(player: Player) -> Owner:
    """Return the owner of the player's account."""
    return Owner.from_key(bytes(player.owner.key))


@pytest.mark.parametrize("form", FORMS)
async def test_the_story_of_the_page(form: Callable[[str, str], Any], game: Game) -> None:
    """Create, authorise, use, revoke: the chain agrees with each answer."""
    player, key, keys = await game.player(), SessionKey.generate(), game.stage.keys
    owner, account = owner_of(player), player.account["id"]
    until = game.stage.clock.now() + 3600
    async with form(game.stage.url, keys.sk) as of, form(game.stage.url, keys.pk) as public:
        made = await of.sessions.create(
            account=account,
            address=key.address,
            valid_until=until,
            whitelist=[game.address],
            limit=2,
        )
        assert (made.is_active, made.waits, made.limit) == (False, True, 2)
        opened = await public.sessions.signature(made.id, made.next_action.sign(owner))
        assert (opened.is_active, opened.waits) == (True, False)
        mint = call(game.address, "mint(address)", player.account["address"])
        intent = await of.transaction_intents.create(account=account, calls=[mint])
        ended = await public.transaction_intents.signature(intent.id, intent.next_action.sign(key))
        assert ended.is_done
        assert game.minted(player.account["address"]) == 1
        assert (await of.transaction_intents.get(intent.id)).response == ended.response
        assert [one.id for one in await of.sessions.list(player=player.id)] == [made.id]
        listed = await of.transaction_intents.list(account=account)
        assert intent.id in [one.id for one in listed]
        end = await of.sessions.revoke(account=account, address=key.address)
        revoked = await public.sessions.signature(end.id, end.next_action.sign(owner))
        assert not revoked.is_active
        assert not (await of.sessions.get(made.id)).is_active
        late = await of.transaction_intents.create(account=account, calls=[mint])
        with pytest.raises(Malformed, match="revoked"):
            await public.transaction_intents.signature(late.id, late.next_action.sign(key))
    assert game.minted(player.account["address"]) == 1


@pytest.mark.parametrize("form", FORMS)
async def test_the_owner_acts_too(form: Callable[[str, str], Any], game: Game) -> None:
    """The same digest, signed by the owner, needs no session."""
    player = await game.player()
    mint = call(game.address, "mint(address)", player.account["address"])
    async with form(game.stage.url, game.stage.keys.sk) as of:
        intent = await of.transaction_intents.create(
            account=player.account["id"], calls=[mint, mint]
        )
        signature = intent.next_action.sign(owner_of(player))
        assert (await of.transaction_intents.signature(intent.id, signature)).is_done
    assert game.minted(player.account["address"]) == 2


@pytest.mark.parametrize("form", FORMS)
async def test_an_account_is_made_and_pinned(form: Callable[[str, str], Any], game: Game) -> None:
    """Whoever has the whole account signs for that address alone, whatever the server says."""
    owner = Owner.from_key(bytes(Account.create().key))
    until = game.stage.clock.now() + 3600
    asked = {"valid_until": until, "whitelist": [game.address]}
    async with form(game.stage.url, game.stage.keys.sk) as of:
        account = await of.accounts.create(chain_id=game.stage.chain_id, owner=owner.address)
        assert account == await of.accounts.get(account.id)
        made = await of.sessions.create(
            account=account, address=SessionKey.generate().address, **asked
        )
        assert made.next_action.verify()
        other = (await game.player()).account["id"]
        elsewhere = type(account)(other, account.address, account.owner_address, account.chain_id)
        lied = await of.sessions.create(
            account=elsewhere, address=SessionKey.generate().address, **asked
        )
        with pytest.raises(RefusedToSign, match=r"grant\.domain"):
            lied.next_action.sign(owner)


async def test_what_was_asked_for_elsewhere_is_not_signed(game: Game) -> None:
    """An operation that this process knows only from the server has nothing to compare."""
    player, key = await game.player(), SessionKey.generate()
    async with AsyncOpenfort(game.stage.url, game.stage.keys.sk) as of:
        until = game.stage.clock.now() + 3600
        made = await of.sessions.create(
            account=player.account["id"], address=key.address, valid_until=until
        )
        with pytest.raises(RefusedToSign, match="asked for elsewhere"):
            _ = (await of.sessions.get(made.id)).next_action
        opened = await of.sessions.signature(made.id, made.next_action.sign(owner_of(player)))
        with pytest.raises(RefusedToSign, match="nothing to sign"):
            _ = opened.next_action


async def test_refusals_have_our_codes_and_the_servers_words(game: Game) -> None:
    """A wrong signature, a wrong key, a time that is over."""
    player, key = await game.player(), SessionKey.generate()
    account, stage = player.account["id"], game.stage
    async with AsyncOpenfort(stage.url, stage.keys.sk) as of:
        with pytest.raises(Malformed, match="validUntil"):
            await of.sessions.create(account=account, address=key.address, valid_until=1685004600)
        until = stage.clock.now() + 3600
        made = await of.sessions.create(account=account, address=key.address, valid_until=until)
        with pytest.raises(Malformed, match="owner"):
            await of.sessions.signature(made.id, made.next_action.sign(key))
        assert not (await of.sessions.get(made.id)).is_active
    async with AsyncOpenfort(stage.url, "sk_test_" + "0" * 36) as nobody:
        with pytest.raises(Unauthenticated):
            await nobody.sessions.get(made.id)
    with pytest.raises(Malformed, match="sk_test_"):
        AsyncOpenfort(stage.url, "vk_secret_1")
