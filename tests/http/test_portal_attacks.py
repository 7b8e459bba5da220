"""What somebody tries who speaks Portal's format without its SDK."""

from __future__ import annotations

from typing import Final

from tests.http.custodian import PORTAL, Custodian, bearer
from tests.http.dialect_stage import spoken
from tests.http.portal_client import ME, Client
from valetkey.config import Rates

FEW: Final = Rates(caller_per_s=1, caller_burst=10)


async def test_an_answer_of_before_is_not_given_for_another_session() -> None:
    """The id of a request is for one session: used for the next one it is refused, not repeated."""
    async with spoken() as there:
        custodian = Custodian(there.own, there.key)
        made = await custodian.client()
        other = await custodian.token(made["id"])
        fields = {**bearer(there.key), "idempotency-key": "the-same"}
        said = []
        for session_id in (made["sessionId"], other["sessionId"], made["sessionId"]):
            path = f"{PORTAL}/{made['id']}/sessions/{session_id}"
            said.append((await there.own.delete(path, headers=fields)).status_code)
        assert said == [200, 409, 200]
        assert (await Client(there.own, other["clientSessionToken"]).ask("GET", ME))["id"]


async def test_a_flood_with_a_token_keeps_no_client_from_closing_it() -> None:
    """One that was stolen is closed with itself: stops are counted apart, as everywhere."""
    async with spoken(rates=FEW) as there:
        made = await Custodian(there.own, there.key).client()
        client = Client(there.own, made["clientSessionToken"])
        while (await client.send("GET", ME)).status_code == 200:
            pass
        assert (await client.send("GET", ME)).status_code == 429
        assert (await client.send("DELETE", f"{ME}/session")).status_code == 204
        there.clock.advance(60)
        assert (await client.send("GET", ME)).status_code == 401
