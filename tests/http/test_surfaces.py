"""A proof works on the surface that it was issued for, and nobody learns where that is."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from tests.http.calls import Form, Key, Stamper, Token, unique
from tests.http.unchanged import check_problem, state
from valetkey.core.activity import Request
from valetkey.core.credential import Credential, CredentialKind
from valetkey.core.session import Session
from valetkey.core.surface import Surface
from valetkey.flows.credentials import add_credential
from valetkey.wire.credential import read_p256

if TYPE_CHECKING:
    import httpx

    from tests.http.calls import Proof
    from tests.http.stage import Stage
    from valetkey.ports import Tx

pytestmark = pytest.mark.asyncio(loop_scope="module")

ELSEWHERE: Final = sorted(set(Surface) - {Surface.NATIVE})
UNKNOWN: Final = "vk_secret_" + "A" * 43


async def added(
    stage: Stage, surface: Surface, kind: CredentialKind, key: Key | None = None
) -> tuple[Credential, str | None]:
    """Return a credential that was issued for *surface*, in whatever form it has keys."""
    credential, token = await add_credential(
        stage.world,
        stage.org.principal,
        Request(unique(), ""),
        kind=kind,
        label="",
        public_key=None if key is None else read_p256(key.document["public_key"], "key"),
    )
    elsewhere = replace(credential, surface=surface)
    await stage.world.store.write(lambda tx: tx.put(elsewhere))
    return elsewhere, token


async def moved(stage: Stage, session_id: str, surface: Surface) -> None:
    """Let a session have been opened on *surface*."""

    def body(tx: Tx) -> None:
        session = tx.get(Session, session_id)
        assert session is not None
        tx.put(replace(session, surface=surface))

    await stage.world.store.write(body)


def told(answer: httpx.Response) -> tuple[int, dict[str, object], list[tuple[str, str]]]:
    """Return all that *answer* says but its id."""
    body = {name: value for name, value in answer.json().items() if name != "request_id"}
    fields = [(name, value) for name, value in answer.headers.items() if name != "x-request-id"]
    return answer.status_code, body, [one for one in fields if one[0] != "date"]


async def refused(stage: Stage, proof: Proof, path: str = "/v1/users") -> str | None:
    """Read, and return what the log says of the refusal."""
    before = await state(stage.world)
    answer = await stage.by(proof).send("GET", path)
    check_problem(answer, 401, "proof_refused")
    assert told(answer) == told(await stage.by(Token(UNKNOWN)).send("GET", path))
    assert await state(stage.world) == before
    lines = [json.loads(line) for line in stage.lines]
    line = next(one for one in lines if one["request_id"] == answer.headers["x-request-id"])
    why: str | None = line["why"]
    return why


@pytest.mark.parametrize("surface", ELSEWHERE)
@pytest.mark.parametrize("kind", [CredentialKind.SECRET, CredentialKind.PUBLISHABLE])
async def test_an_api_key_of_another_surface_is_as_unknown_as_any(
    stage: Stage, surface: Surface, kind: CredentialKind
) -> None:
    """The answer is the one for a key that was never issued; the log alone has a word for it."""
    credential, token = await added(stage, surface, kind)
    assert await refused(stage, Token(token or "")) == f"other_surface {surface} {credential.id}"
    assert await refused(stage, Token(UNKNOWN)) is None


async def test_a_signing_key_of_another_surface_is_as_unknown_as_any(stage: Stage) -> None:
    """A stamp is no other proof than a token in that."""
    key = Key.make("p256", 401)
    credential, _ = await added(stage, Surface.TURNKEY, CredentialKind.P256, key)
    why = await refused(stage, Stamper(credential.id, key, stage.clock))
    assert why == f"other_surface turnkey {credential.id}"


async def test_a_session_of_another_surface_is_as_unknown_as_any(stage: Stage) -> None:
    """By its token, by its key, and by both; also when it is over: that would tell, too."""
    bearer = await stage.open("bearer", "read")
    key = Key.make("p256", 402)
    bound, prover = await stage.proving(key)
    for opened, proof in (
        (bearer, Token(bearer["token"])),
        (bound, Stamper(bound["session"]["id"], key, stage.clock)),
        (bound, Token(bound["token"])),
    ):
        session_id = opened["session"]["id"]
        await moved(stage, session_id, Surface.PORTAL)
        assert await refused(stage, proof, "/v1/session") == f"other_surface portal {session_id}"
    answer = await stage.by(prover).send("GET", "/v1/session")
    check_problem(answer, 401, "proof_refused")
    await stage.secret.post(f"/v1/sessions/{bearer['session']['id']}/revoke", {})
    await refused(stage, Token(bearer["token"]), "/v1/session")


async def test_a_token_of_another_surface_is_inactive_and_may_be_revoked(stage: Stage) -> None:
    """It is worth nothing here; taking power away works from everywhere."""
    opened = await stage.open("bearer", "read")
    session_id = opened["session"]["id"]
    form = Form({"token": opened["token"]})
    await moved(stage, session_id, Surface.OPENFORT)
    assert await stage.secret.post("/v1/tokens/introspect", form) == {"active": False}
    await stage.secret.post("/v1/tokens/revoke", form)
    shown = await stage.secret.get(f"/v1/sessions/{session_id}")
    assert (shown["surface"], shown["state"]) == ("openfort", "revoked")


async def test_the_surface_is_shown(stage: Stage) -> None:
    """What is issued here is native."""
    opened = await stage.open("bearer", "read")
    made = await stage.secret.post("/v1/credentials", {"kind": "secret"})
    assert opened["session"]["surface"] == made["credential"]["surface"] == "native"
