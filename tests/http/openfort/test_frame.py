"""The page in which players' keys are, as it is served, and the keys that it leaves here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.http.calls import unique
from tests.http.openfort.stage import PAGE, Stage, by, refusal, staged
from valetkey.core.locked_key import Lock, to_sign
from valetkey.spec.permission_bytes import personal_digest
from valetkey.spec.secp256k1 import address_of_key, sign_digest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = b"\x01" * 32
ADDRESS = f"0x{address_of_key(SECRET).hex()}"
PROOF, WRONG = "0x" + "07" * 32, "0x" + "08" * 32
LOCKED = "/iam/v2/locked-keys"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there() -> AsyncIterator[Stage]:
    """Give a server whose publishable key names the page that may have it in a frame."""
    async with staged() as made:
        await name_origins(made, made.keys.publishable.id, [PAGE])
        yield made


async def name_origins(there: Stage, credential_id: str, origins: list[str]) -> None:
    """Have the pages of *origins* be those that may have the key in a frame."""
    path, headers = f"/v1/credentials/{credential_id}/origins", {"idempotency-key": unique()}
    answer = await there.native.post(path, json={"origins": origins}, headers=headers)
    assert answer.status_code == 200, answer.text


def policy_of(answer: httpx.Response) -> dict[str, str]:
    """Return the content security policy of *answer*, by directive."""
    said = answer.headers["content-security-policy"]
    return dict(one.strip().split(" ", 1) for one in said.split(";"))


async def test_a_key_names_whose_pages_have_it_in_a_frame(there: Stage) -> None:
    """Browsers show it in no others; and it talks to its own server alone."""
    answer = await there.nobody.get(f"/iframe/{there.keys.pk}?debug=true")
    policy = policy_of(answer)
    assert (answer.status_code, policy["frame-ancestors"]) == (200, PAGE)
    assert policy["connect-src"] == policy["script-src"] == "'self'"
    assert policy["default-src"] == "'none'"
    assert f'data-origins="{PAGE}"' in answer.text
    assert f'data-key="{there.keys.pk}"' in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    (script,) = re.findall(r'src="\.\./(iframe-assets/[^"]+)"', answer.text)
    loaded = await there.nobody.get(f"/{script}")
    assert loaded.headers["content-type"].startswith("text/javascript")
    assert loaded.headers["x-content-type-options"] == "nosniff"
    assert "immutable" in loaded.headers["cache-control"]
    assert (await there.nobody.post(f"/{script}")).status_code == 400
    shared = await there.native.get(f"/openfort/iframe/{there.keys.pk}")
    assert shared.text == answer.text  # its script is named by a path beside its own
    assert (await there.native.get(f"/openfort/{script}")).content == loaded.content


async def test_a_key_that_names_nobody_is_in_no_frame(there: Stage) -> None:
    """A new key is in use nowhere until its organization says where."""
    answer = await there.nobody.get(f"/iframe/{there.others.pk}")
    assert policy_of(answer)["frame-ancestors"] == "'none'"
    assert 'data-origins=""' in answer.text


async def test_an_unknown_key_gets_a_page_that_says_so_and_nothing_else(there: Stage) -> None:
    """Misspelled, secret, of another form or revoked: the same page, without a script."""
    unknown = "pk_test_00000000-0000-4000-8000-000000000000"
    added = await there.native.post(
        "/v1/credentials",
        json={"kind": "publishable", "surface": "openfort"},
        headers={"idempotency-key": unique()},
    )
    gone = added.json()
    assert (await there.nobody.get(f"/iframe/{gone['token']}")).status_code == 200
    path = f"/v1/credentials/{gone['credential']['id']}/revoke"
    await there.native.post(path, json={}, headers={"idempotency-key": unique()})
    pages = set()
    for key in (unknown, gone["token"], there.keys.sk, there.keys.founded.secret, "x" * 300, "<b>"):
        answer = await there.nobody.get(f"/iframe/{key}")
        assert answer.status_code == 404
        assert policy_of(answer)["frame-ancestors"] == "'none'"
        pages.add(answer.text)
    (page,) = pages
    assert "not known here" in page
    assert "<script" not in page
    (style,) = re.findall(r'href="\.\./(iframe-assets/[^"]+)"', page)
    assert (await there.nobody.get(f"/{style}")).headers["content-type"].startswith("text/css")


async def guest(there: Stage) -> tuple[dict[str, str], str]:
    """Return the headers of a new guest, and what is signed for it."""
    headers = {"x-project-key": there.keys.pk}
    made = (await there.nobody.post("/iam/v2/auth/sign-in/anonymous", headers=headers)).json()
    return {**headers, **by(made["token"])}, made["user"]["nativeId"]


def locked(user_id: str, **changed: str) -> dict[str, Any]:
    """Return what the frame sends so that a key is kept."""
    text = to_sign(user_id, Lock.PASSWORD, "blob", bytes.fromhex(PROOF[2:]))
    signature = sign_digest(personal_digest(text.encode()), SECRET)
    told = {"address": ADDRESS, "lock": "password", "blob": "blob", "proof": PROOF}
    return {**told, "signature": f"0x{signature.hex()}", **changed}


async def test_a_locked_key_is_its_players_alone(there: Stage) -> None:
    """Kept, told of and given back by the session of its user; to nobody else."""
    headers, user_id = await guest(there)
    assert refusal(await there.nobody.get(f"{LOCKED}/{ADDRESS}", headers=headers))[0] == 404
    kept = await there.nobody.post(LOCKED, json=locked(user_id), headers=headers)
    assert kept.json() == {"address": ADDRESS, "lock": "password"}
    known = await there.nobody.get(f"{LOCKED}/{ADDRESS}", headers=headers)
    assert known.json() == kept.json()
    path = f"{LOCKED}/{ADDRESS}/unlock"
    given = await there.nobody.post(path, json={"proof": PROOF}, headers=headers)
    assert given.json() == {**kept.json(), "blob": "blob"}
    wrong = await there.nobody.post(path, json={"proof": WRONG}, headers=headers)
    assert refusal(wrong)[:2] == (400, "pin_refused")
    other, _ = await guest(there)
    for who in (other, by(there.keys.pk), by(there.keys.sk), {}):
        for answer in (
            await there.nobody.get(f"{LOCKED}/{ADDRESS}", headers=who),
            await there.nobody.post(path, json={"proof": PROOF}, headers=who),
            await there.nobody.post(LOCKED, json=locked(user_id), headers=who),
        ):
            assert refusal(answer)[0] in {400, 401, 404}
    said = b"".join(there.lines).decode()
    assert PROOF[2:] not in said


@pytest.mark.parametrize(
    "changed",
    [
        {"address": "0x00"},
        {"lock": "passkey"},
        {"blob": ""},
        {"blob": "x" * 5000},
        {"proof": "0x00"},
        {"signature": "0x" + "00" * 65},
        {"signature": ""},
    ],
)
async def test_what_is_no_locked_key_is_not_kept(there: Stage, changed: dict[str, str]) -> None:
    """A readable refusal, and nothing is there."""
    headers, user_id = await guest(there)
    answer = await there.nobody.post(LOCKED, json=locked(user_id, **changed), headers=headers)
    assert refusal(answer)[0] == 400
    assert refusal(await there.nobody.get(f"{LOCKED}/{ADDRESS}", headers=headers))[0] == 404
