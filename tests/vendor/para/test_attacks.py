"""What somebody tries who speaks Para's format without its SDK."""

from __future__ import annotations

import base64
import json
import logging
import os
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from tests.http.calls import unique
from tests.vendor.para.people import DIGEST
from valetkey.core.activity import Request
from valetkey.core.kept_secret import KeptSecret
from valetkey.core.surface import Surface
from valetkey.flows.as_vendor import set_raw_signing

if TYPE_CHECKING:
    from tests.vendor.para.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE: Final = "http://localhost:5173"


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Have the client of these tests log nothing: cookies and lookup ids pass through its hands."""
    for name in ("httpx", "httpcore"):
        caplog.set_level(logging.WARNING, logger=name)


def device_key() -> str:
    """Return the public key of a device, as Para's clients write it."""
    key = rsa.generate_private_key(65_537, 2048).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.PKCS1).hex()


@dataclass(slots=True)
class Http:
    """A client without SDK."""

    there: Stage
    key: str = field(repr=False)
    cookie: str = ""
    user_id: str = ""
    lookup: str = ""

    async def send(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Ask, and take a new cookie if there is one."""
        fields = {"x-external-api-key": self.key, "x-capsule-sid": self.cookie}
        fields |= {"x-para-structured-errors": "1", "origin": PAGE}
        async with httpx.AsyncClient(base_url=self.there.url, headers=fields) as client:
            answer = await client.request(method, path, json=body)
        self.cookie = answer.headers.get("x-capsule-sid", self.cookie)
        return answer

    async def touch(self, *, regenerate: bool = False) -> dict[str, Any]:
        """Ask who one is."""
        path = f"/touch?regenerate={str(regenerate).lower()}"
        told: dict[str, Any] = (await self.send("POST", path)).json()
        self.lookup = told.get("sessionLookupId", self.lookup)
        return told

    async def log_in(self, email: str, *, code: str | None = None) -> httpx.Response:
        """Log in with the code that was sent, or with another one."""
        await self.touch()
        await self.send("POST", "/users/init", {"email": email})
        body = {"sessionId": self.lookup, "code": code or self.there.code}
        body["encryptionKey"] = device_key()
        answer = await self.send("POST", "/auth/otp/code", body)
        self.user_id = (await self.touch()).get("userId", "")
        return answer


async def somebody(there: Stage, email: str) -> Http:
    """Return a client whose user has logged in."""
    client = Http(there, there.public)
    assert (await client.log_in(email)).status_code == 200
    return client


async def with_wallet(there: Stage, email: str) -> tuple[Http, str, str]:
    """Return a client, its wallet and the share of that."""
    client = await somebody(there, email)
    made = await client.send("POST", f"/users/{client.user_id}/wallets", {"type": "EVM"})
    return client, made.json()["walletId"], made.json()["signer"]


async def sealed(client: Http, shares: list[dict[str, str]]) -> dict[str, str]:
    """Return *shares* as the SDK uploads them."""
    pem = (await client.send("GET", "/enclave/public-key")).json()["publicKey"]
    theirs, ours = load_pem_public_key(pem.encode()), ec.generate_private_key(ec.SECP256R1())
    assert isinstance(theirs, ec.EllipticCurvePublicKey)
    key, nonce = sha256(ours.exchange(ec.ECDH(), theirs)).digest(), os.urandom(12)
    text = json.dumps({"shares": shares, "jwt": None}).encode()
    public = ours.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    payload = {
        "encryptedData": base64.b64encode(nonce + AESGCM(key).encrypt(nonce, text, None)).decode(),
        "keyId": "",
        "algorithm": "ECIES-P256-AES256-SHA256",
        "ephemeral": base64.b64encode(public).decode(),
    }
    return {"encryptedPayload": json.dumps(payload)}


async def kept(there: Stage, wallet_id: str) -> int:
    """Return how many shares of a wallet the server keeps."""
    found = await there.world.store.read(lambda view: view.find(KeptSecret, wallet_id=wallet_id))
    return len(found)


async def test_nobody_acts_as_another_user(there: Stage) -> None:
    """With one's own session, on each route that names a user or a wallet."""
    victim, wallet_id, share = await with_wallet(there, "victim@example.org")
    thief = await somebody(there, "thief@example.org")
    body = {"message": DIGEST, "signer": share}
    asked = [
        ("GET", f"/users/{victim.user_id}/wallets", None),
        ("POST", f"/users/{victim.user_id}/wallets", {"type": "EVM"}),
        ("POST", f"/users/{victim.user_id}/session/keep-alive", None),
        ("GET", f"/users/{victim.user_id}/temporary-shares?sessionLookupId={thief.lookup}", None),
        ("POST", f"/users/{victim.user_id}/wallets/{wallet_id}/messages/sign", body),
        ("POST", f"/users/{thief.user_id}/wallets/{wallet_id}/messages/sign", body),
    ]
    for method, path, sent in asked:
        assert (await thief.send(method, path, sent)).status_code == 404, path


async def test_a_cookie_is_for_clients_of_its_organization(there: Stage) -> None:
    """Under another key it is nobody's; so is a key of another surface."""
    victim = await somebody(there, "victim@example.org")
    stranger = Http(there, await there.strangers_key(), victim.cookie)
    assert not (await stranger.touch())["isAuthenticated"]
    native = Http(there, there.founded.secret, victim.cookie)
    assert "partnerId" not in await native.touch()
    answer = await native.send("GET", f"/users/{victim.user_id}/wallets")
    assert answer.status_code == 401


async def test_a_lookup_id_proves_nothing(there: Stage) -> None:
    """It is in URLs: with it alone nobody is logged in, nor anything signed or approved."""
    victim = await somebody(there, "victim@example.org")
    thief = Http(there, there.public, f"vk_session_{victim.lookup}.{'A' * 43}")
    assert not (await thief.touch())["isAuthenticated"]
    body = {"sessionId": victim.lookup, "code": there.code}
    assert (await thief.send("POST", "/auth/otp/code", body)).status_code == 403
    asked = {"reviewId": f"rvw_{'0' * 24}", "sessionId": victim.lookup}
    assert (await thief.send("POST", "/review/show", asked)).status_code == 404


async def test_a_client_that_was_not_logged_in_does_nothing(there: Stage) -> None:
    """It may come and go, and no more; a wrong code changes nothing."""
    client = Http(there, there.public)
    answer = await client.log_in("mallory@example.org", code="000000x")
    assert (answer.status_code, answer.json()["code"]) == (403, "code_refused")
    assert (await client.send("POST", "/auth/jwt", {"keyIndex": 0})).status_code == 403
    assert (await client.send("GET", "/logout")).status_code == 200


async def test_a_share_is_kept_only_by_whose_it_is(there: Stage) -> None:
    """A foreign one, one that is none, and a payload that was changed: nothing is kept."""
    victim, wallet_id, share = await with_wallet(there, "victim2@example.org")
    thief, own_id, own = await with_wallet(there, "thief2@example.org")
    stolen = {"userId": thief.user_id, "walletId": wallet_id, "signer": share}
    swapped = {"userId": thief.user_id, "walletId": own_id, "signer": share}
    garbage = {"userId": thief.user_id, "walletId": own_id, "signer": "garbage"}
    foreign = {"userId": victim.user_id, "walletId": wallet_id, "signer": share}
    wanted = {404: stolen, 403: swapped, 400: garbage}
    for status, one in wanted.items():
        answer = await thief.send("POST", "/enclave/key-shares", await sealed(thief, [one]))
        assert answer.status_code == status, answer.text
    answer = await thief.send("POST", "/enclave/key-shares", await sealed(thief, [foreign]))
    assert answer.status_code == 404
    for changed in ("", "{}", "[]", '{"encryptedData":"AA==","ephemeral":"AA==","algorithm":"x"}'):
        answer = await thief.send("POST", "/enclave/key-shares", {"encryptedPayload": changed})
        assert answer.status_code == 400
    assert (await kept(there, wallet_id), await kept(there, own_id)) == (0, 0)
    mine = {"userId": thief.user_id, "walletId": own_id, "signer": own}
    answer = await thief.send("POST", "/enclave/key-shares", await sealed(thief, [mine]))
    assert (answer.status_code, await kept(there, own_id)) == (200, 1)


async def test_shares_go_to_the_device_that_logged_in_and_only_then(there: Stage) -> None:
    """Not to a backend that has the session, and not once the device has set itself up."""
    client, wallet_id, share = await with_wallet(there, "henry@example.org")
    mine = {"userId": client.user_id, "walletId": wallet_id, "signer": share}
    await client.send("POST", "/enclave/key-shares", await sealed(client, [mine]))
    phone = await somebody(there, "henry@example.org")
    path = f"/users/{phone.user_id}/temporary-shares?sessionLookupId="
    given = (await phone.send("GET", f"{path}{phone.lookup}")).json()["temporaryShares"]
    assert [one["walletId"] for one in given] == [wallet_id]
    assert (await phone.send("GET", f"{path}{client.lookup}")).json()["temporaryShares"] == []
    await phone.touch(regenerate=True)
    assert (await phone.send("GET", f"{path}{phone.lookup}")).json()["temporaryShares"] == []


@pytest.mark.parametrize("key", ["00", "zz", "a" * 40, "small", "p256"])
async def test_shares_are_sealed_for_rsa_keys_alone(there: Stage, key: str) -> None:
    """Another key is refused before the code is tried, so that it can be entered again."""
    small = rsa.generate_private_key(65_537, 1024).public_key()  # noqa: S505 - to be refused
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    wrong = {
        "small": small.public_bytes(Encoding.PEM, PublicFormat.PKCS1).hex(),
        "p256": other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).hex(),
    }
    client = Http(there, there.public)
    await client.touch()
    await client.send("POST", "/users/init", {"email": f"{unique()}@example.org".lower()})
    body = {"sessionId": client.lookup, "code": there.code}
    refused = {**body, "encryptionKey": wrong.get(key, key)}
    assert (await client.send("POST", "/auth/otp/code", refused)).status_code == 400
    assert (await client.send("POST", "/auth/otp/code", body)).status_code == 200


async def test_digests_are_signed_only_where_that_is_allowed(there: Stage) -> None:
    """Nobody can read one: the organization has to say that its clients may."""
    client, wallet_id, share = await with_wallet(there, "ivan@example.org")
    path = f"/users/{client.user_id}/wallets/{wallet_id}/messages/sign"
    body = {"message": DIGEST, "signer": share}
    owner = there.founded.organization.id
    world, principal = there.world, there.founded.principal
    for surfaces, status in (([], 403), ([Surface.PARA], 200)):
        request = Request(unique(), "")
        await set_raw_signing(world, principal, request, organization_id=owner, surfaces=surfaces)
        assert (await client.send("POST", path, body)).status_code == status


async def test_pages_of_other_origins_read_nothing(there: Stage) -> None:
    """Those that are named may, the cookie's header included."""
    async with httpx.AsyncClient(base_url=there.url) as client:
        fields = {"x-external-api-key": there.public}
        told = await client.post("/touch", headers={**fields, "origin": PAGE})
        assert told.headers["access-control-allow-origin"] == PAGE
        assert told.headers["access-control-expose-headers"] == "x-capsule-sid"
        evil = await client.post("/touch", headers={**fields, "origin": "https://evil.example"})
        assert "access-control-allow-origin" not in evil.headers
        ask = {"origin": PAGE, "access-control-request-method": "POST"}
        preflight = await client.options("/auth/jwt", headers=ask)
        assert "x-capsule-sid" in preflight.headers["access-control-allow-headers"]
        script = await client.get("/static/js/mpcWorker-bundle.js", headers={"origin": PAGE})
        assert script.headers["access-control-allow-origin"] == PAGE


async def test_old_clients_are_told_in_plain_text(there: Stage) -> None:
    """They show the body as it is; newer ones ask for JSON."""
    async with httpx.AsyncClient(base_url=there.url) as client:
        answer = await client.post("/auth/jwt", headers={"x-external-api-key": there.public})
        assert answer.status_code == 403
        assert answer.headers["content-type"].startswith("text/plain")
        assert "not_allowed" in answer.text
