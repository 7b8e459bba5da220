"""Portal's clients: wallets of which they have one share, signatures, backups, and refusals."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio
from nacl.signing import VerifyKey

from tests.http.calls import Caller, Token, unique
from tests.http.custodian import Custodian, bearer
from tests.http.dialect_stage import Spoken, spoken
from tests.http.portal_client import CURVES, ME, Client, opened, sealed, signer_of
from valetkey.core.activity import Request
from valetkey.core.surface import Surface
from valetkey.flows.as_vendor import set_raw_signing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")

HELLO: Final = "0x" + b"hello".hex()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there() -> AsyncIterator[Spoken]:
    """Give a server that speaks Portal's format."""
    async with spoken() as made:
        yield made


async def newcomer(there: Spoken) -> Client:
    """Return a client that nobody knows yet."""
    made = await Custodian(there.own, there.key).client()
    return Client(there.own, made["clientSessionToken"])


async def settled(there: Spoken) -> Client:
    """Return a client with wallets."""
    client = await newcomer(there)
    await client.generate()
    return client


async def test_a_client_has_wallets_made_and_signs(there: Spoken) -> None:
    """Two shares, each with its pair; then its address, and a signature that verifies."""
    client = await newcomer(there)
    assert (await client.ask("GET", ME))["wallets"] == []
    shares = await client.generate()
    assert set(shares) == set(CURVES)
    assert all(set(one) == {"share", "id"} for one in shares.values())
    told = await client.ask("GET", ME)
    pairs = [one["signingSharePairs"][0] for one in told["wallets"]]
    assert {one["id"] for one in pairs} == {one["id"] for one in shares.values()}
    assert {one["status"] for one in pairs} == {"completed"}
    signature = await client.sign("personal_sign", [HELLO, await client.address()])
    assert signer_of(b"hello", signature) == await client.address()
    for params in ([HELLO], json.dumps([HELLO]), ["hello"]):
        assert await client.sign("personal_sign", params) == signature
    assert await client.sign("eth_sign", [await client.address(), HELLO]) == signature
    assert await client.sign("eth_accounts", []) == [await client.address()]


async def test_a_share_that_was_not_stored_signs_nothing(there: Spoken) -> None:
    """Whoever pays to an address first has what signs for it; until then new ones may be made."""
    client = await newcomer(there)
    first = await client.generate(stores=False)
    told = await client.ask("GET", ME)
    assert told["metadata"]["namespaces"] == {}
    assert told["wallets"][0]["signingSharePairs"][0]["status"] == "incomplete"
    body = client.signing("personal_sign", [HELLO])
    assert await client.refused("/v1/sign", body) == "STATE_INVALID"
    second = await client.generate(stores=False)
    assert first["SECP256K1"]["id"] != second["SECP256K1"]["id"]
    stale = {"signingSharePairIds": [first["SECP256K1"]["id"]], "status": "STORED_CLIENT"}
    answer = await client.send("PATCH", f"{ME}/signing-share-pairs", stale)
    assert answer.status_code == 404
    await client.store()
    assert await client.refused("/v1/generate", {}) == "STATE_INVALID"
    assert await client.sign("personal_sign", [HELLO])


async def test_shares_that_do_not_fit_have_an_error_id_each(there: Spoken) -> None:
    """Of another client, of another wallet, changed, cut: nothing is signed."""
    client, other = await settled(there), await settled(there)
    mine, theirs = client.shares["SECP256K1"]["share"], other.shares["SECP256K1"]["share"]
    blob, wrong = opened(mine), opened(theirs)
    changed = {**blob, "share": str(int(blob["share"]) + 1)}
    mixed = {**blob, "ssid": wrong["ssid"]}
    refused = {
        theirs: "SIGN_SHARE_MISMATCH",
        client.shares["ED25519"]["share"]: "SIGN_SHARE_MISMATCH",
        sealed(changed): "SHARE_PARSING_FAILED",
        sealed(mixed): "SHARE_PARSING_FAILED",
        mine[:-8]: "SHARE_PARSING_FAILED",
        "": "SHARE_PARSING_FAILED",
        sealed({}): "SHARE_PARSING_FAILED",
    }
    for share, expected in refused.items():
        body = client.signing("personal_sign", [HELLO], share=share)
        assert await client.refused("/v1/sign", body) == expected
    assert await other.sign("personal_sign", [HELLO])


async def test_methods_and_parameters_that_are_none_are_refused(there: Spoken) -> None:
    """With the id of the vendor, or our code in its place."""
    client = await settled(there)
    for method in ("eth_mining", "sol_signTransaction", ""):
        body = client.signing(method, [])
        assert await client.refused("/v1/sign", body) == "METHOD_UNSUPPORTED"
    for params in ([], 7, "{", [7], ["0xzz"], None):
        body = client.signing("personal_sign", params)
        assert await client.refused("/v1/sign", body) == "MALFORMED_BODY"
    for draft in ({}, {"to": "0x12"}, {"to": f"0x{'1' * 40}", "value": "-1"}, {"to": None}):
        body = client.signing("eth_sendTransaction", [draft])
        assert await client.refused("/v1/sign", body) == "MALFORMED_BODY"
    good = {"to": f"0x{'1' * 40}", "value": "0x1"}
    body = client.signing("eth_sendTransaction", [good], chainId="eip155:5")
    assert await client.refused("/v1/sign", body) == "WRONG_CHAIN"


async def test_who_is_not_proven_reads_a_text_where_shares_are_about(there: Spoken) -> None:
    """The vendor's clients make INVALID_API_KEY of it."""
    client = await settled(there)
    body = client.signing("personal_sign", [HELLO])
    wrong = Client(there.own, "vk_cst_" + "A" * 43)
    answer = await wrong.send("POST", "/v1/sign", body)
    assert (answer.status_code, type(answer.json())) == (401, str)
    answer = await there.own.post("/v1/sign", json=body, headers={"x-api-key": client.token})
    assert answer.status_code == 401
    custodian = await there.own.post("/v1/sign", json=body, headers=bearer(there.key))
    assert (custodian.status_code, custodian.json()["id"]) == (403, "AUTH_FAILED")


async def test_a_digest_is_signed_only_where_the_owner_allows_it() -> None:
    """Nobody can read a digest; the vendor signs any, and here an owner may say so."""
    async with spoken() as there:
        client = await settled(there)
        share, digest = client.shares["SECP256K1"]["share"], "ab" * 32
        body = {"share": share, "params": digest}
        assert await client.refused("/v1/raw/sign/SECP256K1", body, status=403) == "AUTH_FAILED"
        as_message = client.signing("personal_sign", [f"0x{digest}"])
        assert await client.refused("/v1/sign", as_message, status=403) == "AUTH_FAILED"
        await set_raw_signing(
            there.world,
            there.founded.principal,
            Request(unique(), ""),
            organization_id=there.founded.organization.id,
            surfaces=[Surface.PORTAL],
        )
        signed = await client.ask("POST", "/v1/raw/sign/SECP256K1", body)
        named = await client.ask(
            "POST", "/v1/raw/sign/secp256k1", {"share": share, "param": digest}
        )
        assert signed == named
        assert len(signed["data"]) == 130
        other = client.shares["ED25519"]["share"]
        wrong = {"share": other, "params": digest}
        assert await client.refused("/v1/raw/sign/SECP256K1", wrong) == "SIGN_SHARE_MISMATCH"
        assert await client.refused("/v1/raw/sign/P256", wrong) == "METHOD_UNSUPPORTED"
        wrong = {"share": share, "params": "xyz"}
        assert await client.refused("/v1/raw/sign/SECP256K1", wrong) == "MALFORMED_BODY"
        edwards = await client.ask(
            "POST", "/v1/raw/sign/ED25519", {"share": other, "params": digest}
        )
        held = [
            one for one in (await client.ask("GET", ME))["wallets"] if one["curve"] == "ED25519"
        ]
        key = VerifyKey(bytes.fromhex(held[0]["publicKey"]))
        key.verify(bytes.fromhex(digest), bytes.fromhex(edwards["data"]))


async def test_a_backup_brings_new_shares_and_ends_the_old_ones(there: Spoken) -> None:
    """Backup, recovery, a signature with the new share; from then on the old one is refused."""
    client = await settled(there)
    address, before = await client.address(), dict(client.shares)
    backup = await client.ask("POST", "/v1/backup", {"generateResponse": json.dumps(before)})
    ids = [one["id"] for one in backup.values()]
    stored = {"backupSharePairIds": ids, "status": "STORED_CLIENT_BACKUP_SHARE"}
    await client.ask("PATCH", f"{ME}/backup-share-pairs", stored)
    path = f"{ME}/backup-share-pairs/{ids[0]}"
    assert (await client.send("GET", f"{path}/cipher-text")).status_code == 404
    await client.ask("PATCH", path, {"clientCipherText": "sealed by the client"})
    assert await client.ask("GET", f"{path}/cipher-text") == {"cipherText": "sealed by the client"}
    pairs = [one["backupSharePairs"][0] for one in (await client.ask("GET", ME))["wallets"]]
    assert {one["id"]: one["status"] for one in pairs} == dict.fromkeys(ids, "completed")
    small = {name.lower(): one for name, one in backup.items()}
    client.shares = await client.ask("POST", "/v1/recover", {"backupResponse": json.dumps(small)})
    await client.store()
    assert signer_of(b"hello", await client.sign("personal_sign", [HELLO])) == address
    assert await client.address() == address
    old = client.signing("personal_sign", [HELLO], share=before["SECP256K1"]["share"])
    assert await client.refused("/v1/sign", old) == "STATE_INVALID"
    wrong = {"backupResponse": json.dumps(client.shares)}
    assert await client.refused("/v1/recover", wrong) == "SHARE_PARSING_FAILED"


async def test_a_client_reaches_no_pair_of_another(there: Spoken) -> None:
    """Neither says that it stored one, nor keeps or reads a cipher text of one."""
    client, other = await settled(there), await settled(there)
    backup = await other.ask("POST", "/v1/backup", {"generateResponse": json.dumps(other.shares)})
    pair = backup["SECP256K1"]["id"]
    await other.ask("PATCH", f"{ME}/backup-share-pairs/{pair}", {"clientCipherText": "theirs"})
    asked: dict[tuple[str, str], Any] = {
        ("PATCH", f"{ME}/backup-share-pairs/{pair}"): {"clientCipherText": "mine"},
        ("GET", f"{ME}/backup-share-pairs/{pair}/cipher-text"): None,
        ("PATCH", f"{ME}/backup-share-pairs"): {
            "backupSharePairIds": [pair],
            "status": "STORED_CLIENT_BACKUP_SHARE",
        },
        ("PATCH", f"{ME}/signing-share-pairs"): {
            "signingSharePairIds": [other.shares["SECP256K1"]["id"]],
            "status": "STORED_CLIENT",
        },
    }
    for (method, path), body in asked.items():
        assert (await client.send(method, path, body)).status_code == 404
    theirs = {"generateResponse": json.dumps(other.shares)}
    assert await client.refused("/v1/backup", theirs) == "SIGN_SHARE_MISMATCH"
    kept = await other.ask("GET", f"{ME}/backup-share-pairs/{pair}/cipher-text")
    assert kept == {"cipherText": "theirs"}


async def test_what_is_kept_for_a_client_has_bounds(there: Spoken) -> None:
    """Too long a cipher text, too many pairs, another status: refused."""
    client = await settled(there)
    backup = await client.ask("POST", "/v1/backup", {"generateResponse": json.dumps(client.shares)})
    path = f"{ME}/backup-share-pairs"
    pair = backup["SECP256K1"]["id"]
    for at, body in (
        (f"{path}/{pair}", {"clientCipherText": ""}),
        (f"{path}/{pair}", {"clientCipherText": "x" * 16_385}),
        (path, {"backupSharePairIds": [pair] * 17, "status": "STORED_CLIENT_BACKUP_SHARE"}),
        (path, {"backupSharePairIds": [], "status": "STORED_CLIENT_BACKUP_SHARE"}),
        (path, {"backupSharePairIds": [pair], "status": "STORED"}),
    ):
        answer = await client.send("PATCH", at, body)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_body")


async def test_a_session_that_ended_signs_nothing_and_another_one_goes_on(there: Spoken) -> None:
    """Frozen, or closed by the client itself: wallet and other tokens stay."""
    made = await Custodian(there.own, there.key).client()
    first = Client(there.own, made["clientSessionToken"])
    await first.generate()
    opened_next = await Custodian(there.own, there.key).token(made["id"])
    second = Client(there.own, opened_next["clientSessionToken"], first.shares)
    native = Caller(there.shared, Token(there.native))
    await native.post(f"/v1/sessions/{made['sessionId']}/freeze", {})
    body = first.signing("personal_sign", [HELLO])
    assert await first.refused("/v1/sign", body, status=403) == "AUTH_FAILED"
    assert await second.sign("personal_sign", [HELLO])
    await second.ask("DELETE", f"{ME}/session")
    assert (await second.send("POST", "/v1/sign", body)).status_code == 401
    key = Client(there.own, made["clientApiKey"], first.shares)
    assert await key.sign("personal_sign", [HELLO])


async def test_every_signature_is_written_down_natively(there: Spoken) -> None:
    """Which session had what signed with which wallet; no share is in the log."""
    client = await settled(there)
    await client.sign("personal_sign", [HELLO])
    native = Caller(there.shared, Token(there.native))
    wallets = (await client.ask("GET", ME))["wallets"]
    wallet = next(one["id"] for one in wallets if one["curve"] == "SECP256K1")
    log = await native.get(f"/v1/audit?subject_id={wallet}")
    events = [line["event"] for line in log["items"]]
    assert events == [
        "wallet:joining",
        "wallet:added",
        "wallet:share_stored",
        "wallet:joining",
        "wallet:signed",
    ]
    assert opened(client.shares["SECP256K1"]["share"])["share"] not in json.dumps(log)
