"""A whole day of a server at the level of debug, and not one secret in its log."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import msgspec

from tests.http.calls import Key, Stamper, Token
from tests.http.cast import add_everybody
from tests.http.stage import USDC, Stage, staged
from tests.http.test_journeys import open_chain, sign_run
from valetkey.devchain import mint

if TYPE_CHECKING:
    from valetkey.devchain import Deployment, Node


def forms(value: bytes) -> set[str]:
    """Return what *value* could be written as."""
    plain = base64.urlsafe_b64encode(value).decode().rstrip("=")
    return {value.hex(), plain, base64.b64encode(value).decode().rstrip("=")}


async def live(stage: Stage) -> set[str]:
    """Do what sessions are for, refusals and stops included; return every secret that was used."""
    used: set[str] = {stage.org.secret, stage.parent.secret, stage.stranger.secret}
    await add_everybody(stage)
    for caller in stage.callers.values():
        if isinstance(caller.proof, Token):
            used.add(caller.proof.text)
        if isinstance(caller.proof, Stamper):
            used |= forms(caller.proof.key.private)
    for account in (stage.account, stage.outside):
        address = bytes.fromhex(account["address"][2:])
        mint(stage.node.rpc, stage.deployment, address, 1000 * USDC)
    held = Key.make("secp256k1", 230)
    opened, holder = await open_chain(stage, 230)
    session_id = opened["session"]["id"]
    planned = await holder.post("/v1/runs", {"calls": [stage.transfer(USDC)]})
    signature = sign_run(holder, planned["next_action"])
    await holder.send("POST", f"/v1/activities/{planned['id']}/signature", {"signature": "0x11"})
    await holder.post(f"/v1/activities/{planned['id']}/signature", signature)
    await holder.send("POST", "/v1/runs", {"calls": [stage.transfer(10**6 * USDC)]})
    asked = {"audience": "https://shop.example"}
    token = (await stage.callers["bearer"].post("/v1/session/token", asked))["token"]
    note = await stage.secret.get(f"/v1/sessions/{session_id}/kill-note")
    second, _ = await open_chain(stage, 231)
    await stage.secret.post(f"/v1/sessions/{session_id}/freeze", {})
    await stage.secret.post(f"/v1/sessions/{session_id}/revoke", {})
    await stage.by(Token(stage.org.secret + "x")).send("GET", "/v1/session")
    second_note = await stage.secret.get(f"/v1/sessions/{second['session']['id']}/kill-note")
    used |= {token, token.rpartition(".")[2], stage.org.secret + "x"}
    for one in (note, second_note):
        used |= {value for value in _texts(one) if len(value) > 66 + 2}  # longer than a hash
    return used | forms(held.private) | {signature["signature"][2:]}


def _texts(value: Any) -> set[str]:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return set().union(*map(_texts, value.values()))
    if isinstance(value, list):
        return set().union(*map(_texts, value))
    return {value.removeprefix("0x")} if isinstance(value, str) else set()


async def test_no_secret_of_any_journey_is_logged(node: Node, deployment: Deployment) -> None:
    """API keys, tokens, JWTs, private keys, kill notes, signatures: not in one line of debug."""
    async with staged(node, deployment) as stage:
        used = await live(stage)
        lines = [line.decode() for line in stage.lines]
    log = "".join(lines).lower()
    assert len(used) > 20
    assert [secret[:6] for secret in used if secret.lower() in log] == []
    told = [msgspec.json.decode(line) for line in lines]
    events = {line["event"] for line in told}
    assert {"chain:asked", "vault:used", "store:written", "session:revoked"} <= events
    runs = [line for line in told if line.get("route") == "/v1/activities/{activity_id}/signature"]
    done = next(line for line in runs if line["status"] == 200)
    during = [line for line in told if line.get("request_id") == done["request_id"]]
    sent = [line for line in during if line["event"] == "chain:asked" and line["call"] == "send"]
    assert [line["activity_id"] for line in sent] == [done["activity_id"]]
    assert "activity:done" in {line["event"] for line in during}
