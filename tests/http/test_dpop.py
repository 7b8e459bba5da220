"""Tokens bound to keys (DPoP): they read with a proof of the key, and are nothing without."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from tests.http.calls import Form, Key, Stamper, Token, unique
from tests.http.doors import CODES, read_table
from tests.http.requests_for import MAKERS, add_targets
from tests.http.unchanged import check_problem, state
from tests.worlds import make_world
from valetkey.core.rotation import key_statement
from valetkey.core.wallet import Curve, PublicKey
from valetkey.devchain import mint
from valetkey.http.native.table import ROUTES
from valetkey.http.routes import Write
from valetkey.spec.jwt import compact, joined, jwk_of, thumbprint, unb64u

if TYPE_CHECKING:
    import httpx

    from tests.http.calls import Prover
    from tests.http.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

OWN: Final = "/v1/session"
CURVES: Final = ("p256", "secp256k1", "ed25519")


def resigned(prover: Prover, proof: str, **changed: object) -> str:
    """Return *proof* with claims changed, signed again."""
    header, claims, _ = (part for part in proof.split("."))
    signed = joined(json.loads(unb64u(header)), {**json.loads(unb64u(claims)), **changed})
    return compact(signed, prover.key.sign(signed))


async def asked(stage: Stage, prover: Prover, path: str = OWN) -> httpx.Response:
    """Return the answer to a GET."""
    return await stage.by(prover).send("GET", path)


async def refused(stage: Stage, prover: Prover, code: str = "proof_refused") -> str:
    """Read, and return the detail of the refusal."""
    answer = await asked(stage, prover)
    check_problem(answer, 401, code)
    return str(answer.json()["detail"])


@pytest.mark.parametrize("curve", CURVES)
async def test_a_bound_token_reads_with_a_proof_by_its_key(stage: Stage, curve: str) -> None:
    """RFC 9449 7.1, on each curve; the answer brings the next nonce (8.2)."""
    opened, prover = await stage.proving(Key.make(curve, 301))
    assert opened["token_type"] == "DPoP"  # noqa: S105 - a kind of token
    answer = await asked(stage, prover)
    assert answer.status_code == 200, answer.text
    assert answer.json()["id"] == opened["session"]["id"]
    assert len(answer.headers["dpop-nonce"]) == 43
    assert (await asked(stage, prover, f"{OWN}?")).status_code == 200


async def test_the_first_request_is_told_the_nonce(stage: Stage) -> None:
    """RFC 9449 9: `use_dpop_nonce` in the challenge, the nonce in a field; then it works."""
    _, prover = await stage.proving(Key.make("p256", 302))
    answer = await asked(stage, replace(prover, nonce=None))
    check_problem(answer, 401, "proof_nonce_needed")
    challenge = answer.headers.get_list("www-authenticate")[1]
    assert challenge.startswith('DPoP error="use_dpop_nonce"')
    assert answer.json()["dpop_nonce"] == answer.headers["dpop-nonce"]
    assert (await asked(stage, replace(prover, nonce=answer.headers["dpop-nonce"]))).is_success


async def test_a_nonce_is_good_for_its_minute_and_the_next(stage: Stage) -> None:
    """A proof cannot be made long before it is used."""
    _, prover = await stage.proving(Key.make("p256", 303))
    stage.clock.advance(60)
    answer = await asked(stage, prover)
    assert answer.is_success
    assert answer.headers["dpop-nonce"] != prover.nonce
    stage.clock.advance(60)
    assert "DPoP-Nonce" in await refused(stage, prover, "proof_nonce_needed")


async def test_a_nonce_of_another_server_is_none(stage: Stage) -> None:
    """It comes of a key that each server has for itself; all its processes know it."""
    _, prover = await stage.proving(Key.make("p256", 304))
    other = await make_world(seed=7)
    now = stage.clock.now()
    foreign, _ = await other.nonces.good(other.vault, other.auditor, now=now)
    await refused(stage, replace(prover, nonce=foreign), "proof_nonce_needed")
    world = stage.world
    again = await type(world.nonces)().good(world.vault, world.auditor, now=now)
    assert prover.nonce in again


async def test_a_bound_token_alone_is_refused(stage: Stage) -> None:
    """RFC 9449 7.2: a thief of the token has nothing; the session goes on."""
    opened, prover = await stage.proving(Key.make("p256", 305))
    answer = await stage.by(Token(opened["token"])).send("GET", OWN)
    check_problem(answer, 401, "proof_key_bound")
    fields = prover.headers("GET", str(answer.url), b"", unique())
    for changed in (
        {"authorization": fields["authorization"]},
        {"dpop": fields["dpop"]},
        {**fields, "authorization": f"Bearer {opened['token']}"},
        {**fields, "authorization": "DPoP"},
        {**fields, "authorization": "DPoP x y"},
        {**fields, "signature": "x", "signature-input": "y"},
    ):
        check_problem(await stage.client.get(OWN, headers=changed), 401, "proof_refused")
    assert (await asked(stage, prover)).is_success


async def test_a_token_that_is_not_bound_is_no_token_for_dpop(stage: Stage) -> None:
    """Neither that of a bearer session nor an API key: a proof makes no more of them."""
    _, prover = await stage.proving(Key.make("p256", 306))
    bearer = await stage.open("bearer", "read")
    assert bearer["token_type"] == "Bearer"  # noqa: S105 - a kind of token
    for text in (bearer["token"], stage.org.secret, "vk_session_" + "A" * 43, "x" * 200):
        assert "got neither" in await refused(stage, replace(prover, text=text))


async def test_the_key_of_another_session_proves_nothing(stage: Stage) -> None:
    """Token and key belong together."""
    _, one = await stage.proving(Key.make("p256", 307))
    _, two = await stage.proving(Key.make("p256", 308))
    assert "got neither" in await refused(stage, replace(one, key=two.key))
    assert "got neither" in await refused(stage, replace(one, key=Key.make("secp256k1", 307)))


async def test_a_proof_is_for_its_token(stage: Stage) -> None:
    """`ath`: a proof that was seen is not put beside another token of the same key."""
    key = Key.make("p256", 309)
    first, one = await stage.proving(key)
    second, _ = await stage.proving(key)
    fields = one.headers("GET", str(stage.client.base_url.join(OWN)), b"", unique())
    fields["authorization"] = f"DPoP {second['token']}"
    check_problem(await stage.client.get(OWN, headers=fields), 401, "proof_refused")
    assert first["token"] != second["token"]


async def test_a_proof_is_seen_once(stage: Stage) -> None:
    """`jti`: neither the same proof nor another one under its id is answered again."""
    _, prover = await stage.proving(Key.make("p256", 310))
    fields = prover.headers("GET", str(stage.client.base_url.join(OWN)), b"", one := unique())
    assert (await stage.client.get(OWN, headers=fields)).is_success
    answer = await stage.client.get(OWN, headers=fields)
    check_problem(answer, 401, "proof_replayed")
    assert "invalid_dpop_proof" in answer.headers["www-authenticate"]
    again = await stage.by(prover).send("GET", OWN, request_id=one)
    check_problem(again, 401, "proof_replayed")


@pytest.mark.parametrize("lag_s", [61, -62, 3600, -(10**9)])
async def test_a_proof_of_another_time_is_refused(stage: Stage, lag_s: int) -> None:
    """A minute either way, as for signatures."""
    _, prover = await stage.proving(Key.make("p256", 311))
    detail = await refused(stage, replace(prover, lag_s=lag_s), "proof_too_old")
    assert "within 60 s" in detail


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", "http://evil.example/v1/session"),
        ("GET", "{base}/v1/sessions"),
        ("GET", "{base}/v1/session/"),
        ("GET", "{https}/v1/session"),
        ("POST", "{base}/v1/session"),
        ("get", "{base}/v1/session"),
    ],
)
async def test_a_proof_is_for_its_request(stage: Stage, method: str, url: str) -> None:
    """`htm` and `htu`: what was proved to one is not shown to another."""
    _, prover = await stage.proving(Key.make("p256", 312))
    base = str(stage.client.base_url).rstrip("/")
    target = url.format(base=base, https=base.replace("http:", "https:"))
    fields = prover.headers(method, target, b"", unique())
    check_problem(await stage.client.get(OWN, headers=fields), 401, "proof_refused")


async def test_a_target_with_a_query_is_refused(stage: Stage) -> None:
    """No proof covers the query: whoever signs one is told, and does not believe it was read."""
    _, prover = await stage.proving(Key.make("p256", 313))
    base = str(stage.client.base_url.join("/v1/activities"))
    fields = prover.headers("GET", base, b"", unique())
    assert (await stage.client.get("/v1/activities?limit=1", headers=fields)).is_success
    forged = resigned(prover, fields["dpop"], htu=f"{base}?limit=1")
    answer = await stage.client.get("/v1/activities?limit=1", headers={**fields, "dpop": forged})
    check_problem(answer, 401, "proof_refused")
    good = resigned(prover, fields["dpop"], jti=unique())
    assert (await stage.client.get("/v1/activities", headers={**fields, "dpop": good})).is_success


async def test_two_proofs_or_one_too_long_are_refused(stage: Stage) -> None:
    """RFC 9449 4.3, 1: two readers could see different ones."""
    _, prover = await stage.proving(Key.make("p256", 314))
    url = str(stage.client.base_url.join(OWN))
    first = prover.headers("GET", url, b"", unique())
    second = prover.headers("GET", url, b"", unique())
    twice = [*first.items(), ("dpop", second["dpop"])]
    check_problem(await stage.client.get(OWN, headers=twice), 400, "malformed_request")
    both = {**first, "dpop": f"{first['dpop']}, {second['dpop']}"}
    check_problem(await stage.client.get(OWN, headers=both), 401, "proof_refused")
    long = {**first, "dpop": first["dpop"] + "A" * 4096}
    check_problem(await stage.client.get(OWN, headers=long), 401, "proof_refused")
    assert (await stage.client.get(OWN, headers=first)).is_success


async def test_every_route_reads_and_none_writes_with_a_bound_token(stage: Stage) -> None:
    """
    A session that may write reads with its token what it reads anyway, and writes nothing.

    A proof covers no body. So it also gets no signed token that says that it may write; what it
    may do is to end itself.
    """
    await add_targets(stage)
    mint(stage.node.rpc, stage.deployment, bytes.fromhex(stage.account["address"][2:]), 10**6)
    opened, prover = await stage.proving(Key.make("p256", 315), "write")
    stage.keys["proving"] = opened["session"]["id"]
    writes = {f"{route.method} {route.path}" for route in ROUTES if isinstance(route, Write)}
    writes.add("POST /v1/session/token")
    found, wanted = {}, {"POST /v1/session/key": "kind"}  # that one is signed, or not at all
    for row, words in read_table().items():
        word = words["stamp_write"]
        if word == "-":
            continue
        is_write = row.removesuffix(" own") in writes
        wanted.setdefault(row, "reads" if is_write and word in {"yes", "none"} else word)
        method, _, _ = row.partition(" ")
        path, body = await MAKERS[row](stage, "proving")
        before = await state(stage.world)
        answer = await stage.by(prover).send(method, path, body)
        code = answer.json()["code"] if answer.status_code >= 400 else "yes"
        found[row] = CODES.get(code, code)
        if found[row] != "yes":
            assert await state(stage.world) == before, row
    assert found == wanted
    check_problem(await asked(stage, prover), 401, "session_closed")


async def test_a_bound_token_says_so_when_it_is_asked_about(stage: Stage) -> None:
    """RFC 9449 6.2: `token_type` and `cnf`; a backend of the organization checks the proof."""
    key = Key.make("p256", 316)
    opened, _ = await stage.proving(key)
    form = Form({"token": opened["token"]})
    told = await stage.secret.post("/v1/tokens/introspect", form)
    assert told["active"] is True
    assert told["token_type"] == "DPoP"  # noqa: S105 - a kind of token
    assert told["cnf"] == {"jkt": thumbprint(jwk_of("p256", key.public))}
    await stage.secret.post("/v1/tokens/revoke", form)
    inactive = await stage.secret.post("/v1/tokens/introspect", form)
    assert inactive == {"active": False}


async def test_a_bearer_session_has_no_bound_token(stage: Stage) -> None:
    """There is no key to bind it to."""
    body = {"proof": "bearer", "access": "read", "ttl_s": 60, "bound_token": True}
    answer = await stage.secret.send("POST", "/v1/sessions", body)
    check_problem(answer, 400, "malformed_body")
    assert "bound_token" in answer.json()["detail"]


async def test_a_session_without_a_bound_token_has_none(stage: Stage) -> None:
    """It is given to whoever asks for it, and to nobody else."""
    opened = await stage.open("stamp", "read", key=Key.make("p256", 317).document)
    assert (opened["token"], opened["token_type"]) == (None, None)


async def test_a_bound_token_is_bound_to_the_new_key_when_the_key_changes(stage: Stage) -> None:
    """Nobody logs in again: the same token, with proofs by the new key and no others."""
    old, new = Key.make("p256", 318), Key.make("secp256k1", 319)
    opened, prover = await stage.proving(old)
    session_id = opened["session"]["id"]
    was, will = (PublicKey(Curve(one.curve), one.public) for one in (old, new))
    signature = new.sign(key_statement(session_id, old=was, new=will)).hex()
    body = {"key": new.document, "signature": f"0x{signature}"}
    check_problem(await stage.by(prover).send("POST", "/v1/session/key", body), 403, "not_allowed")
    holder = stage.by(Stamper(session_id, old, stage.clock))
    shown = await holder.post("/v1/session/key", body)
    assert shown["key"] == new.document
    assert "got neither" in await refused(stage, prover)
    assert (await asked(stage, replace(prover, key=new))).is_success
    check_problem(await holder.send("GET", OWN), 401, "proof_refused")
