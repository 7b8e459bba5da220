"""Tokens asked about and given back, as OAuth 2 has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.http.calls import Form, Key, Token, unique
from tests.http.unchanged import check_problem, state

if TYPE_CHECKING:
    from tests.http.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

INTROSPECT = "/v1/tokens/introspect"
REVOKE = "/v1/tokens/revoke"


async def asked(stage: Stage, token: str, by: str = "secret") -> Any:  # noqa: ANN401 - JSON
    """Return what *by* is told of *token*."""
    return await stage.callers[by].post(INTROSPECT, Form({"token": token}))


async def test_a_token_that_may_be_used_tells_whose_it_is(stage: Stage) -> None:
    """RFC 7662 2.2: times in seconds, the subject and the session; no secret comes back."""
    user = await stage.secret.post("/v1/users", {"reference": unique()})
    opened = await stage.open("bearer", "read", user_id=user["id"])
    session = opened["session"]
    told = await asked(stage, opened["token"])
    assert told == {
        "active": True,
        "scope": "",
        "token_type": "Bearer",
        "iat": session["created_at"],
        "nbf": session["starts_at"],
        "exp": session["ends_at"],
        "sub": user["id"],
        "jti": session["id"],
        "organization_id": stage.org.organization.id,
        "user_id": user["id"],
        "access": "read",
    }


async def test_asking_is_no_use_of_the_session(stage: Stage) -> None:
    """A session that ends when it is idle does not live longer because a backend asks."""
    opened = await stage.open("bearer", "read", idle_s=50)
    before = await stage.secret.get(f"/v1/sessions/{opened['session']['id']}")
    stage.clock.advance(30)
    assert (await asked(stage, opened["token"]))["exp"] == before["ends_at"]


@pytest.mark.parametrize(
    "token",
    ["vk_session_" + "A" * 43, "vk_session_", "nonsense", "\x00", "vk_session_é"],
)
async def test_what_is_no_token_is_inactive_and_nothing_else(stage: Stage, token: str) -> None:
    """RFC 7662 2.2: no reason is given."""
    assert await asked(stage, token) == {"active": False}


async def test_api_keys_are_no_tokens_of_sessions(stage: Stage) -> None:
    """An introspection endpoint must not become a way to try secret keys."""
    assert await asked(stage, stage.org.secret) == {"active": False}


async def test_a_token_of_somebody_else_is_unknown(stage: Stage) -> None:
    """What the caller may not know is not there; its parent may know."""
    opened = await stage.open("bearer", "read")
    assert await asked(stage, opened["token"], by="stranger") == {"active": False}
    assert (await asked(stage, opened["token"], by="parent"))["active"] is True


@pytest.mark.parametrize("how", ["freeze", "revoke", "close"])
async def test_a_stopped_session_is_inactive_at_once(stage: Stage, how: str) -> None:
    """Whoever stops it: the next question finds it out."""
    opened = await stage.open("bearer", "read")
    if how == "close":
        await stage.by(Token(opened["token"])).post("/v1/session/close", {})
    else:
        await stage.secret.post(f"/v1/sessions/{opened['session']['id']}/{how}", {})
    assert await asked(stage, opened["token"]) == {"active": False}


async def test_a_token_before_its_first_second_and_after_its_last_is_inactive(
    stage: Stage,
) -> None:
    """`nbf` is the first second that counts, `exp` the first that does not."""
    start = stage.clock.now() + 1000
    opened = await stage.open("bearer", "read", starts_at=start, expires_at=start + 10, ttl_s=None)
    seen = []
    for seconds in (0, 1002, 10):
        stage.clock.advance(seconds)
        seen.append((await asked(stage, opened["token"]))["active"])
    assert seen == [False, True, False]


async def test_giving_a_token_back_ends_its_session(stage: Stage) -> None:
    """RFC 7009 2: it is refused from then on; giving it back again is no error."""
    opened = await stage.open("bearer", "read")
    holder = stage.by(Token(opened["token"]))
    assert (await holder.send("GET", "/v1/session")).status_code == 200
    form = Form({"token": opened["token"], "token_type_hint": "access_token", "resource": "x"})
    for _ in range(2):
        assert await stage.secret.post(REVOKE, form) == {}
        check_problem(await holder.send("GET", "/v1/session"), 401, "session_revoked")
    shown = await stage.secret.get(f"/v1/sessions/{opened['session']['id']}")
    assert shown["state"] == "revoked"


async def test_a_library_that_sends_no_request_id_may_give_a_token_back(stage: Stage) -> None:
    """RFC 7009 knows no idempotency key: giving the same token back is the same request."""
    opened = await stage.open("bearer", "read")
    answer = await stage.client.post(
        REVOKE,
        data={"token": opened["token"]},
        headers={"authorization": f"Bearer {stage.org.secret}"},
    )
    assert answer.status_code == 200, answer.text
    assert await asked(stage, opened["token"]) == {"active": False}


async def test_giving_back_what_is_no_token_changes_nothing(stage: Stage) -> None:
    """RFC 7009 2.2: an invalid token is no error; nor is one of somebody else, which lives on."""
    opened = await stage.open("bearer", "read")
    before = await state(stage.world)
    assert await stage.secret.post(REVOKE, Form({"token": "vk_session_" + "A" * 43})) == {}
    form = Form({"token": opened["token"]})
    assert await stage.callers["stranger"].post(REVOKE, form) == {}
    assert await state(stage.world) == before


@pytest.mark.parametrize(
    ("body", "media", "says"),
    [
        (b'{"token": "a"}', "application/json", "application/x-www-form-urlencoded"),
        (b"", "application/x-www-form-urlencoded", "`token`"),
        (b"token=", "application/x-www-form-urlencoded", "token"),
        (b"token=a&token=b", "application/x-www-form-urlencoded", "once"),
        (b"token", "application/x-www-form-urlencoded", "name=value"),
        (b"token=%ff", "application/x-www-form-urlencoded", "name=value"),
        (b"token=" + b"a" * 129, "application/x-www-form-urlencoded", "128"),
        (b"&".join(b"a%d=b" % i for i in range(40)), "application/x-www-form-urlencoded", "32"),
    ],
)
@pytest.mark.parametrize("path", [INTROSPECT, REVOKE])
async def test_a_form_that_is_none_is_refused(
    stage: Stage, path: str, body: bytes, media: str, says: str
) -> None:
    """The answer names what was expected; nothing changes."""
    before = await state(stage.world)
    answer = await stage.secret.send("POST", path, body, headers={"content-type": media})
    wrong_media = media == "application/json"
    code = "unsupported_media_type" if wrong_media else "malformed_body"
    check_problem(answer, 415 if wrong_media else 400, code)
    assert says in answer.json()["detail"]
    assert await state(stage.world) == before


async def test_no_token_is_in_the_log(stage: Stage) -> None:
    """The body of a form is as little logged as any other."""
    key = Key.make("p256", 91)
    opened = await stage.open("bearer", "read", label=key.public.hex()[:20])
    await asked(stage, opened["token"])
    await stage.secret.post(REVOKE, Form({"token": opened["token"]}))
    assert opened["token"].encode() not in b"".join(stage.lines)
