"""Requests that succeed: of each route, by whoever may, with things that are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.http.calls import Form, Key, Stamper, unique
from tests.http.doors import read_table
from tests.http.requests_for import MAKERS
from valetkey.core.rotation import key_statement
from valetkey.core.wallet import Curve, PublicKey
from valetkey.spec.secp256k1 import sign_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from tests.http.calls import Caller
    from tests.http.stage import Stage

    Aimed = tuple[Caller, str, Any]
    Aim = Callable[[Stage], Coroutine[Any, Any, Aimed]]


def whoever(route: str, word: str) -> list[tuple[str, str]]:
    """Return rows and kinds for which the table says *word* of *route*, or ``refused``."""
    table = read_table()
    rows = [row for row in (route, f"{route} own") if row in table]
    found = [(row, kind, said) for row in rows for kind, said in table[row].items()]
    if word == "refused":
        return [(row, kind) for row, kind, said in found if said not in {"yes", "-"}]
    return [(row, kind) for row, kind, said in found if said == word]


async def aim(stage: Stage, row: str, kind: str) -> Aimed:
    """Return a request of *row* by *kind*."""
    path, body = await MAKERS[row](stage, kind)
    return stage.callers[kind], path, body


async def _sign_run(stage: Stage) -> Aimed:
    key = Key.make("secp256k1", _number())
    opened = await stage.open("chain", "write", key=key.document)
    holder = stage.by(Stamper(opened["session"]["id"], key, stage.clock))
    planned = await holder.post("/v1/runs", {"calls": [stage.transfer(1)]})
    digest = bytes.fromhex(planned["next_action"]["digest"][2:])
    signature = "0x" + sign_digest(digest, key.private).hex()
    return holder, f"/v1/activities/{planned['id']}/signature", {"signature": signature}


async def _change_key(stage: Stage) -> Aimed:
    session_id, holder = await stage.stamped(_number(), "read")
    return holder, "/v1/session/key", _new_key(session_id, holder)


async def _change_credential(stage: Stage) -> Aimed:
    key = Key.make("p256", _number())
    wanted = {"kind": "p256", "public_key": key.document["public_key"]}
    added = (await stage.secret.post("/v1/credentials", wanted))["credential"]["id"]
    holder = stage.by(Stamper(added, key, stage.clock))
    return holder, f"/v1/credentials/{added}/key", _new_key(added, holder)


async def _close(stage: Stage) -> Aimed:
    _, holder = await stage.stamped(_number(), "read")
    return holder, "/v1/session/close", None


async def _remove_provider(stage: Stage) -> Aimed:
    path, body = await MAKERS["POST /v1/identity-providers/{name}/remove"](stage, "secret")
    return stage.secret, path, body


def _number() -> int:
    """Return the number of a key that nobody else has."""
    return 1000 + int(unique().rpartition("-")[2])


def _public(key: Key) -> PublicKey:
    return PublicKey(Curve(key.curve), key.public)


def _new_key(holder_id: str, holder: Caller) -> dict[str, Any]:
    assert isinstance(holder.proof, Stamper)
    new = Key.make("p256", _number())
    statement = key_statement(holder_id, old=_public(holder.proof.key), new=_public(new))
    return {"key": new.document, "signature": "0x" + new.sign(statement).hex()}


# What the table's requests cannot do, or do to whoever asks: these bring a caller of their own.
ALONE: Final[Mapping[str, Aim]] = {
    "POST /v1/activities/{activity_id}/signature": _sign_run,
    "POST /v1/session/key": _change_key,
    "POST /v1/credentials/{credential_id}/key": _change_credential,
    "POST /v1/session/close": _close,
    "POST /v1/identity-providers/{name}/remove": _remove_provider,
}


def overlaid(body: object, drawn: Mapping[str, Any], name: str) -> object:
    """Return *body* with one field of *drawn* in it."""
    if isinstance(body, Form) and isinstance(drawn[name], str):
        return Form({**body.fields, name: drawn[name]})
    return {**body, name: drawn[name]} if isinstance(body, dict) else body
