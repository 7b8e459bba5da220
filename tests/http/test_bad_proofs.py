"""Proofs that prove nothing: refused before anything is looked at, and nothing changes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.http.calls import COMPONENTS, Key, Stamper, unique
from tests.http.unchanged import check_problem, state
from valetkey.spec.rfc9421 import RequestParts, content_digest, sign_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.http.calls import Caller
    from tests.http.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

USER: Final = {"reference": "somebody"}


def stamper(stage: Stage) -> Stamper:
    """Return the organization's P-256 credential, which may write."""
    proof = stage.callers["p256"].proof
    assert isinstance(proof, Stamper)
    return proof


def url_of(stage: Stage) -> str:
    """Return where users are."""
    return str(stage.client.base_url.join("/v1/users"))


async def refused(stage: Stage, by: Caller, code: str, **sent: Any) -> str:  # noqa: ANN401
    """Send a write, and return the detail of its refusal."""
    before = await state(stage.world)
    answer = await by.send("POST", "/v1/users", sent.pop("body", USER), **sent)
    check_problem(answer, 401, code)
    assert "bearer" in answer.headers["www-authenticate"].lower()
    assert await state(stage.world) == before
    return str(answer.json()["detail"])


@pytest.mark.parametrize("lag_s", [61, -65, 3600, 10**9])
async def test_a_clock_more_than_60_seconds_off_is_refused(stage: Stage, lag_s: int) -> None:
    """A captured request is worth nothing a minute later, nor is one made for the future."""
    late = stage.by(replace(stamper(stage), lag_s=lag_s))
    assert "within 60 s" in await refused(stage, late, "proof_too_old")


@pytest.mark.parametrize("lag_s", [58, -58])
async def test_a_clock_less_than_60_seconds_off_is_accepted(stage: Stage, lag_s: int) -> None:
    """Clocks differ."""
    answer = await stage.by(replace(stamper(stage), lag_s=lag_s)).send("POST", "/v1/users", USER)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    ("components", "says"),
    [
        (("@path", "@query"), "@method"),
        (("@method",), "@target-uri"),
        (("@method", "@path"), "@query"),
        (("@method", "@authority"), "@target-uri"),
    ],
)
async def test_a_signature_that_covers_too_little_is_refused(
    stage: Stage, components: tuple[str, ...], says: str
) -> None:
    """What is not signed could have been changed on the way."""
    by = stage.by(replace(stamper(stage), components=components))
    assert says in await refused(stage, by, "proof_refused")


async def test_the_target_uri_may_be_signed_in_one_piece(stage: Stage) -> None:
    """`@target-uri` says more than path and query do."""
    by = stage.by(replace(stamper(stage), components=("@method", "@target-uri")))
    answer = await by.send("POST", "/v1/users?", USER)
    assert answer.status_code in {201, 401}  # an empty query is no part that ASGI tells us of
    answer = await by.send("POST", "/v1/users", USER)
    assert answer.status_code == 201, answer.text


def _unsigned_body(fields: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if name != "content-digest"}


def _other_digest(fields: dict[str, str]) -> dict[str, str]:
    return {**fields, "content-digest": content_digest(b"another body")}


def _weak_digest(fields: dict[str, str]) -> dict[str, str]:
    return {**fields, "content-digest": "md5=:XUFAKrxLKna5cZ2REBfFkg==:"}


def _relabelled(fields: dict[str, str]) -> dict[str, str]:
    return {
        **fields,
        "signature": fields["signature"].replace("vk=", "sig="),
        "signature-input": fields["signature-input"].replace("vk=", "sig="),
    }


def _no_signature(fields: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if name != "signature"}


def _no_input(fields: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if name != "signature-input"}


def _garbage(fields: dict[str, str]) -> dict[str, str]:
    return {**fields, "signature-input": "vk=(((;;;"}


def _other_signature(fields: dict[str, str]) -> dict[str, str]:
    return {**fields, "signature": "vk=:" + "A" * 86 + "==:"}


def _short_signature(fields: dict[str, str]) -> dict[str, str]:
    return {**fields, "signature": "vk=:AAAA:"}


def _younger(fields: dict[str, str]) -> dict[str, str]:
    text = fields["signature-input"]
    at = text.index("created=") + len("created=")
    return {
        **fields,
        "signature-input": f"{text[:at]}{int(text[at : at + 10]) + 1}{text[at + 10 :]}",
    }


def _with_token(fields: dict[str, str]) -> dict[str, str]:
    return {**fields, "authorization": "Bearer vk_secret_x"}


async def test_an_unchanged_signed_request_is_accepted(stage: Stage) -> None:
    """The ones below differ from this one in one thing each."""
    body = b'{"reference":"somebody"}'
    fields = stamper(stage).headers("POST", url_of(stage), body, unique())
    headers = {**fields, "content-type": "application/json"}
    answer = await stage.client.post("/v1/users", content=body, headers=headers)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    "change",
    [
        _unsigned_body,
        _other_digest,
        _weak_digest,
        _relabelled,
        _no_signature,
        _no_input,
        _garbage,
        _other_signature,
        _short_signature,
        _younger,
        _with_token,
    ],
    ids=lambda change: change.__name__.strip("_"),
)
async def test_a_changed_signed_request_is_refused(
    stage: Stage, change: Callable[[dict[str, str]], dict[str, str]]
) -> None:
    """A signature is good for the request that it was made for, and for no other."""
    before = await state(stage.world)
    body = b'{"reference":"somebody"}'
    url = url_of(stage)
    fields = change(stamper(stage).headers("POST", url, body, unique()))
    headers = {**fields, "content-type": "application/json"}
    answer = await stage.client.post("/v1/users", content=body, headers=headers)
    check_problem(answer, 401, "proof_refused")
    assert await state(stage.world) == before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/organizations", b'{"reference":"somebody"}'),
        ("POST", "/v1/users?x=1", b'{"reference":"somebody"}'),
        ("POST", "/v1/users", b'{"reference":"somebody "}'),
        ("GET", "/v1/users", b""),
    ],
)
async def test_a_signature_is_not_moved_to_another_request(
    stage: Stage, method: str, path: str, body: bytes
) -> None:
    """Method, target and body are what was signed."""
    before = await state(stage.world)
    url = url_of(stage)
    fields = stamper(stage).headers("POST", url, b'{"reference":"somebody"}', unique())
    headers = {**fields, "content-type": "application/json"}
    answer = await stage.client.request(method, path, content=body or None, headers=headers)
    check_problem(answer, 401, "proof_refused")
    assert await state(stage.world) == before


@pytest.mark.parametrize("key_id", ["", "crd_nobody", "ses_nobody", "anything", "x" * 256])
async def test_a_key_id_that_names_nobody_is_refused(stage: Stage, key_id: str) -> None:
    """The answer is the one for a wrong signature: who is there is not told."""
    by = stage.by(replace(stamper(stage), key_id=key_id))
    assert "got neither" in await refused(stage, by, "proof_refused")


async def test_another_key_does_not_sign_for_a_credential(stage: Stage) -> None:
    """A credential is its key."""
    by = stage.by(replace(stamper(stage), key=Key.make("p256", 60)))
    assert "got neither" in await refused(stage, by, "proof_refused")


async def test_another_curve_does_not_sign_for_a_credential(stage: Stage) -> None:
    """The algorithm is the key's."""
    by = stage.by(replace(stamper(stage), key=Key.make("secp256k1", 60)))
    assert "got neither" in await refused(stage, by, "proof_refused")


@pytest.mark.parametrize("nonce", ["short", "x" * 129])
async def test_a_nonce_of_another_length_is_refused(stage: Stage, nonce: str) -> None:
    """A nonce is long enough to be unique, and short enough to be kept."""
    by = stage.callers["p256"]
    assert "16 to 128" in await refused(stage, by, "proof_refused", request_id=nonce)


async def test_a_signature_without_nonce_or_time_is_refused(stage: Stage) -> None:
    """Without them it would be good for ever, as often as anybody likes."""
    one = stamper(stage)
    for created, nonce in ((None, unique()), (stage.clock.now(), None)):
        url = url_of(stage)
        fields = sign_request(
            RequestParts.from_url("GET", url, {}),
            keyid=one.key_id,
            created=created or 0,
            nonce=nonce,
            alg=None,
            components=COMPONENTS,
            sign=one.key.sign,
            label="vk",
        )
        answer = await stage.client.get("/v1/users", headers=fields)
        check_problem(answer, 401, "proof_refused" if created else "proof_too_old")


async def test_an_expired_signature_is_refused(stage: Stage) -> None:
    """A signer may make it shorter than we do."""
    one = stamper(stage)
    now = stage.clock.now()
    fields = sign_request(
        RequestParts.from_url("GET", url_of(stage), {}),
        keyid=one.key_id,
        created=now - 10,
        expires=now - 1,
        nonce=unique(),
        alg=None,
        components=COMPONENTS,
        sign=one.key.sign,
        label="vk",
    )
    check_problem(await stage.client.get("/v1/users", headers=fields), 401, "proof_too_old")


async def test_a_signed_read_is_answered_once(stage: Stage) -> None:
    """A captured signature reads nothing a second time."""
    fields = stamper(stage).headers("GET", url_of(stage), b"", unique())
    assert (await stage.client.get("/v1/users", headers=fields)).status_code == 200
    check_problem(await stage.client.get("/v1/users", headers=fields), 401, "proof_replayed")


async def test_a_signed_write_that_comes_again_happens_once(stage: Stage) -> None:
    """A retry of the same bytes finds what they did the first time."""
    by, nonce = stage.callers["p256"], unique()
    first = await by.send("POST", "/v1/users", USER, request_id=nonce)
    again = await by.send("POST", "/v1/users", USER, request_id=nonce)
    if again.status_code == 401:  # the second was signed in another second
        check_problem(again, 401, "proof_replayed")
    else:
        assert again.json() == first.json()


async def test_a_nonce_is_not_taken_for_another_request(stage: Stage) -> None:
    """A nonce belongs to the request that brought it first."""
    by, nonce = stage.callers["p256"], unique()
    assert (await by.send("POST", "/v1/users", USER, request_id=nonce)).status_code == 201
    other = {"reference": "somebody else"}
    await refused(stage, by, "proof_replayed", body=other, request_id=nonce)
