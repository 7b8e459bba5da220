"""Behind a proxy: proofs name the URL that callers see, whatever host the proxy asks for."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from tests.http.calls import Caller, Key, Prover, Token, unique
from tests.http.unchanged import check_problem
from tests.worlds import RunningClock, make_organization, make_world
from valetkey.http.server import running
from valetkey.http.settings import Settings
from valetkey.telemetry.journal import Journal

SEEN = "https://keys.example/v1/session"
CLAIMED = {
    SEEN: 200,
    "HTTPS://keys.example:443/v1/session": 200,
    "http://keys.example/v1/session": 401,
    "https://evil.example/v1/session": 401,
}


@pytest.mark.parametrize("claimed", CLAIMED)
async def test_a_proof_of_a_key_names_the_public_url(claimed: str) -> None:
    """What somebody proved to another host is worth nothing here, whatever `Host` says."""
    world = await make_world(clock=RunningClock())
    founded = await make_organization(world)
    settings = Settings(public_url="https://keys.example", reconcile_s=0)
    async with (
        running(world, settings=settings, journal=Journal(bytes)) as serving,
        httpx.AsyncClient(base_url=serving.url) as client,
    ):
        key = Key.make("p256", 350)
        body = {"proof": "stamp", "access": "read", "ttl_s": 60, "bound_token": True}
        asked = {**body, "key": key.document}
        opened = await Caller(client, Token(founded.secret)).post("/v1/sessions", asked)
        prover = Prover(opened["token"], key, world.clock)
        first = await client.get("/v1/session", headers=prover.headers("GET", SEEN, b"", unique()))
        check_problem(first, 401, "proof_nonce_needed")
        prover = replace(prover, nonce=first.headers["dpop-nonce"])
        fields = {**prover.headers("GET", claimed, b"", unique()), "host": "evil.example"}
        assert (await client.get("/v1/session", headers=fields)).status_code == CLAIMED[claimed]
        here = prover.headers("GET", f"{serving.url}/v1/session", b"", unique())
        check_problem(await client.get("/v1/session", headers=here), 401, "proof_refused")
