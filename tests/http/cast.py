"""Somebody of every kind, for the table of who gets in where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.http.calls import Key, Nobody, Stamper, Token
from tests.http.stage import HOUR_S, Stage, open_below

if TYPE_CHECKING:
    from tests.http.calls import Caller


async def add_everybody(stage: Stage) -> None:
    """Add a caller of each kind; sessions that are over are over in the server's time."""
    stage.keys["expired"], stage.callers["expired"] = await stage.stamped(10, "read", ttl_s=1)
    stage.clock.advance(5)  # the chain's time is the server's from here on
    await stage.secret.post(f"/v1/accounts/{stage.account['id']}/delegation", {})
    await _add_organizations(stage)
    await _add_keys(stage)
    await _add_sessions(stage)
    await _add_bound(stage)
    await _add_unusable(stage)
    await _add_children(stage)


async def _add_organizations(stage: Stage) -> None:
    """Beside the one in the middle: above it, above that, below it, and one of nobody's."""
    below = await open_below(stage.world, stage.client, stage.org, "Below")
    stage.callers |= {
        "anonymous": stage.by(Nobody()),
        "stranger": stage.by(Token(stage.stranger.secret)),
        "parent": stage.by(Token(stage.parent.secret)),
        "grandparent": stage.by(Token(stage.grandparent.secret)),
        "below": stage.by(Token(below.secret)),
    }


async def _add_keys(stage: Stage) -> None:
    public = await stage.secret.post("/v1/credentials", {"kind": "publishable"})
    stage.callers["publishable"] = stage.by(Token(public["token"]))
    key = Key.make("p256", 9)
    p256 = {"kind": "p256", "public_key": key.document["public_key"], "role": "owner"}
    added = await stage.secret.post("/v1/credentials", p256)
    stage.callers["p256"] = stage.by(Stamper(added["credential"]["id"], key, stage.clock))


async def _add_sessions(stage: Stage) -> None:
    keys, callers = stage.keys, stage.callers
    bearer = await stage.open("bearer", "read")
    keys["bearer"], callers["bearer"] = bearer["session"]["id"], stage.by(Token(bearer["token"]))
    keys["stamp_read"], callers["stamp_read"] = await stage.stamped(11, "read")
    keys["stamp_write"], callers["stamp_write"] = await stage.stamped(12, "write")
    held = Key.make("secp256k1", 13)
    chain = await stage.open("chain", "write", key=held.document)
    keys["chain"] = chain["session"]["id"]
    callers["chain"] = stage.by(Stamper(keys["chain"], held, stage.clock))


async def _add_bound(stage: Stage) -> None:
    """Add tokens of sessions that are bound to a key: with their proof, and without."""
    for number, name, access in (
        (16, "dpop", "read"),
        (33, "dpop_write", "write"),
        (34, "token_alone", "read"),
    ):
        opened, prover = await stage.proving(Key.make("p256", number), access)
        stage.keys[name] = opened["session"]["id"]
        stage.callers[name] = stage.by(prover)
    stage.callers["token_alone"] = stage.by(Token(prover.text))


async def _add_unusable(stage: Stage) -> None:
    """Add sessions that were stopped, or are not there yet, and a link to one that waits."""
    keys, callers = stage.keys, stage.callers
    waits = await stage.open_pending()
    callers["link"] = stage.by(Token(waits["consent_url"].partition("#")[2]))
    keys["pending"] = waits["session"]["id"]
    owner = Key.make("secp256k1", 77)
    callers["pending"] = stage.by(Stamper(keys["pending"], owner, stage.clock))
    starts_at = stage.clock.now() + HOUR_S
    keys["early"], callers["early"] = await stage.stamped(17, "read", starts_at=starts_at)
    for number, name, verb in ((14, "frozen", "freeze"), (15, "revoked", "revoke")):
        keys[name], callers[name] = await stage.stamped(number, "write")
        await stage.secret.post(f"/v1/sessions/{keys[name]}/{verb}", {})
    keys["closed"], callers["closed"] = await stage.stamped(18, "read")
    await callers["closed"].post("/v1/session/close")


async def _add_children(stage: Stage) -> None:
    """Add sessions under others: one in use, and one whose parent was revoked."""
    parent_id, _ = await stage.stamped(19, "write")
    stage.keys["child"], stage.callers["child"] = await _open_child(stage, parent_id, 30)
    above_id, _ = await stage.stamped(31, "write")
    stage.keys["under_revoked"], stage.callers["under_revoked"] = await _open_child(
        stage, above_id, 32
    )
    await stage.secret.post(f"/v1/sessions/{above_id}/revoke", {})


async def _open_child(stage: Stage, parent_id: str, number: int) -> tuple[str, Caller]:
    key = Key.make("p256", number)
    body = {"proof": "stamp", "access": "write", "key": key.document}
    body |= {"permission": stage.permission()}
    opened = await stage.secret.post(f"/v1/sessions/{parent_id}/children", body)
    session_id = opened["session"]["id"]
    return session_id, stage.by(Stamper(session_id, key, stage.clock))
