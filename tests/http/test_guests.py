"""Whoever has a publishable key has it from a page that everybody opens: what they can break."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from tests.http.guest import Guest, house
from valetkey.config import Rates
from valetkey.core.one_time_code import MOST_TRIES
from valetkey.core.pregenerated import MOST as MOST_PREGENERATED
from valetkey.core.pregenerated import Pregenerated
from valetkey.core.wallet import Wallet
from valetkey.flows.own_wallet import MOST as MOST_OWN
from valetkey.http.dialects.para.face import LIMITS

FEW: Final = Rates(
    address_per_s=1, address_burst=50, failure_cost=10, caller_per_s=1, caller_burst=10
)
OTHER_ADDRESS: Final = "127.0.0.9"


def other(code: str) -> str:
    """Return a code that is not *code*."""
    return f"{(int(code) + 1) % 10**6:06d}"


async def test_one_browser_uses_the_publishable_key_up_for_no_other() -> None:
    """A flood at one address ends there; elsewhere people log in with the same key."""
    async with house(rates=FEW) as there:
        async with there.guest() as flood:
            said = [(await flood.send("POST", "/touch")).status_code for _ in range(12)]
            assert said == [200] * 10 + [429] * 2
        async with there.guest(OTHER_ADDRESS) as guest:
            await guest.begin()
            assert (await guest.enter(there.codes[-1])).status_code == 200


async def test_a_wrong_code_costs_its_address_as_much_as_a_wrong_token() -> None:
    """Five tries a code, and few codes from one address: also over many people's addresses."""
    async with house(rates=FEW) as there, there.guest() as guest:
        await guest.begin()
        wrong = other(there.codes[-1])
        said = [(await guest.enter(wrong)).status_code for _ in range(MOST_TRIES)]
        assert said == [403] * MOST_TRIES
        assert (await guest.enter(wrong)).status_code == 429
        async with there.guest(OTHER_ADDRESS) as victim:
            await victim.begin("bob@example.org")
            assert (await victim.enter(there.codes[-1])).status_code == 200


async def test_a_flood_with_a_cookie_keeps_nobody_from_logging_out() -> None:
    """One that was stolen is worth nothing from then on: stops are counted apart."""
    async with house(rates=FEW) as there, there.guest() as guest:
        await guest.begin()
        assert (await guest.enter(there.codes[-1])).status_code == 200
        while (await guest.send("POST", "/touch")).status_code == 200:
            pass
        assert (await guest.send("GET", "/logout")).status_code == 200
        there.clock.advance(60)
        assert not (await guest.send("POST", "/touch")).json()["isAuthenticated"]


async def test_letters_that_one_browser_has_sent_are_few() -> None:
    """Each to somebody else: whoever knows the publishable key has no mailer of their own."""
    async with house() as there, there.guest() as guest:
        await guest.send("POST", "/touch")
        said = []
        for number in range(LIMITS["codes"] + 5):
            body = {"email": f"victim{number}@example.org"}
            said.append((await guest.send("POST", "/users/init", body)).status_code)
        assert said == [200] * LIMITS["codes"] + [429] * 5
        assert len(there.codes) == LIMITS["codes"]
        async with there.guest(OTHER_ADDRESS) as other_guest:
            await other_guest.begin()
            assert (await other_guest.enter(there.codes[-1])).status_code == 200


@pytest.mark.parametrize("path", ["/auth/otp/code", "/auth/otp/again"])
async def test_codes_of_log_ins_that_nobody_began_cost_as_much(path: str) -> None:
    """Lookup ids are not searched for either."""
    async with house(rates=FEW) as there, there.guest() as guest:
        body = {"sessionId": "A" * 22, "code": "123456"}
        said = [(await guest.http.post(path, json=body)).status_code for _ in range(8)]
        assert said == [403] * 5 + [429] * 3


async def test_wallets_of_one_user_have_a_bound_also_when_asked_for_at_once() -> None:
    """Counted in the transaction that adds: one user does not fill the organization's quota."""
    async with house() as there, there.guest() as guest:
        await guest.begin()
        assert (await guest.enter(there.codes[-1])).status_code == 200
        user_id = (await guest.send("POST", "/touch")).json()["userId"]
        path = f"/users/{user_id}/wallets"
        asked = (guest.send("POST", path, {"type": "SOLANA"}) for _ in range(MOST_OWN + 6))
        said = [one.status_code for one in await asyncio.gather(*asked)]
        assert (said.count(200), said.count(429)) == (MOST_OWN, 6)
        assert len(await there.world.store.read(lambda view: view.find(Wallet))) == MOST_OWN


async def test_wallets_for_one_identifier_have_a_bound_and_none_is_nobodys() -> None:
    """Asked for at once as well; and each wallet that is there says for whom it was made."""
    async with house() as there, there.guest() as guest:
        backend = Guest(guest.http, there.secret)
        body = {"pregenIdentifier": "x-1", "pregenIdentifierType": "CUSTOM_ID", "type": "SOLANA"}
        more = MOST_PREGENERATED + 4
        asked = (backend.send("POST", "/wallets/pregen", body) for _ in range(more))
        said = [one.status_code for one in await asyncio.gather(*asked)]
        assert (said.count(200), said.count(429)) == (MOST_PREGENERATED, 4)
        read = there.world.store.read
        wallets = {one.id for one in await read(lambda view: view.find(Wallet))}
        assert wallets == {
            one.wallet_id for one in await read(lambda view: view.find(Pregenerated))
        }
        assert len(wallets) == MOST_PREGENERATED
