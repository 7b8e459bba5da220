"""Bodies that are not what they must be: a clear error, and nothing changes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.http.calls import Key
from tests.http.unchanged import check_problem, state
from valetkey.devchain import CHAIN_ID

if TYPE_CHECKING:
    from tests.http.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHAIN: Final = f"eip155:{CHAIN_ID}"
ADDRESS: Final = "0x" + "ab" * 20
P256: Final = Key.make("p256", 40).document
READ: Final[dict[str, Any]] = {"proof": "bearer", "access": "read", "ttl_s": 60}
WALLET: Final = {"chain": CHAIN, "owner_key": "outside", "address": ADDRESS}
RULE: Final[dict[str, Any]] = {"target": ADDRESS, "function": "transfer(address,uint256)"}
CAP: Final[dict[str, Any]] = {"asset": ADDRESS, "decimals": 6, "lifetime": "1"}
PERMISSION: Final[dict[str, Any]] = {
    "chain": CHAIN,
    "starts_at": 1,
    "expires_at": 2,
    "recipients": "anything",
    "rules": [RULE],
    "caps": [CAP],
}


@dataclass(frozen=True)
class Case:
    """A body and why it is refused; *says* is in the detail."""

    name: str
    path: str
    body: Any
    says: str
    code: str = "malformed_body"
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 400


def _user(name: str, body: Any, says: str, **more: Any) -> Case:  # noqa: ANN401 - JSON
    return Case(name, "/v1/users", body, says, **more)


def _wallet(name: str, says: str, code: str = "malformed_body", **changed: object) -> Case:
    return Case(name, "/v1/wallets", {**WALLET, **changed}, says, code)


def _session(name: str, says: str, code: str = "malformed_body", **changed: object) -> Case:
    return Case(name, "/v1/sessions", {**READ, **changed}, says, code)


def _permission(name: str, says: str, **changed: object) -> Case:
    body = {"permission": {**PERMISSION, **changed}}
    return Case(name, "/v1/permissions/explain", body, says, "malformed_permission")


def _credential(name: str, says: str, public_key: str) -> Case:
    body = {"kind": "p256", "public_key": public_key}
    return Case(name, "/v1/credentials", body, says)


TYPE: Final = "application/json"
CASES: Final = (
    # JSON itself
    _user("nothing at all", b"", "content type", code="unsupported_media_type", status=415),
    _user("half a body", b'{"reference":', "expected JSON"),
    _user("two bodies", b'{"reference":"a"}{}', "expected JSON"),
    _user("a number that is none", b'{"reference":NaN}', "expected JSON"),
    _user("bytes that are no text", b'{"reference":"\xff"}', "expected JSON"),
    _user("half a surrogate", b'{"reference":"\\ud800"}', "expected JSON"),
    _user("a byte order mark", b'\xef\xbb\xbf{"reference":"a"}', "expected JSON"),
    _user("a list", [], "body: Expected `object`"),
    _user("a name twice", b'{"reference":"a","reference":"b"}', "'reference' twice"),
    _user("a name twice, once escaped", b'{"reference":"a","\\u0072eference":"b"}', "twice"),
    _user("33 levels", {"reference": json.loads("[" * 32 + "]" * 32)}, "at most 32 levels"),
    _user("ten thousand levels", b"[" * 10_000, "at most 32 levels"),
    _user("levels behind a text", b'{"a":"\\"]]",' + b"[" * 40, "at most 32 levels"),
    _user("a text without end", b'{"' + b'\\"' * 30_000 + b"[" * 33, "expected JSON"),
    # Types and sizes
    _user("an unknown field", {"reference": "a", "admin": True}, "unknown field `admin`"),
    _user("a missing field", {}, "missing required field `reference`"),
    _user("a number for a text", {"reference": 1}, "reference: Expected `str`"),
    _user("null for a text", {"reference": None}, "reference: Expected `str`"),
    _user("a long text", {"reference": "a" * 121}, "length <= 120"),
    _user("a text that moves the cursor", {"reference": "a\x1b[2J"}, "printable"),
    _user("a text that runs backwards", {"reference": "a\u202eb"}, "printable"),
    _user("an oversized body", {"reference": "a" * 65_536}, "65536 bytes", code="body_too_large",
          status=413),
    # Content types
    *(
        _user(f"type {kind!r}", {"reference": "a"}, "application/json",
              code="unsupported_media_type", headers={"content-type": kind}, status=415)
        for kind in (
            "text/plain", "", "application/x-www-form-urlencoded", "application/jsonp",
            "application/json; charset=latin-1", "multipart/form-data; boundary=x",
        )
    ),
    _user("a compressed body", b"\x1f\x8b", "Content-Encoding", code="unsupported_media_type",
          headers={"content-encoding": "gzip"}, status=415),
    # Hex, addresses, chains
    _wallet("no hex", "hex digits, got '0xzz", address="0x" + "zz" * 20),
    _wallet("half a byte", "hex digits", address="0xabc"),
    _wallet("no 0x", "hex digits", address="ab" * 20),
    _wallet("19 bytes", "20 bytes (0x and 40 hex digits), got 19 bytes", address="0x" + "ab" * 19),
    _wallet("21 bytes", "got 21 bytes", address="0x" + "ab" * 21),
    _wallet("a wrong checksum", "checksum", address="0xAb" + "ab" * 19),
    _wallet("another chain", "expected one of eip155:31337", "wrong_chain", chain="eip155:1"),
    _wallet("no chain", "expected one of", "wrong_chain", chain=""),
    _wallet("an outside key without address", "expected an address", address=None),
    _wallet("a sealed key with address", "expected no address", owner_key="sealed"),
    _wallet("another place for the key", "owner_key: Invalid enum value", owner_key="split"),
    # Public keys
    _credential("a short key", "public key on p256", "0x02"),
    _credential("a point off the curve", "public key on p256", "0x02" + "ff" * 32),
    _credential("the point at infinity", "public key on p256", "0x00"),
    Case("a key for an API key", "/v1/credentials",
         {"kind": "secret", "public_key": P256["public_key"]}, "expected no public_key"),
    Case("no key for a P-256 key", "/v1/credentials", {"kind": "p256"}, "expected a public_key"),
    # Sessions
    _session("no end", "got neither", ttl_s=None),
    _session("two ends", "got both", expires_at=2**40),
    _session("an end before now", "later than now", ttl_s=None, expires_at=10),
    _session("an end before the start", "starts_at < expires_at", starts_at=2**39, ttl_s=None,
             expires_at=2**38),
    _session("too long", "at most", ttl_s=2**32),
    _session("no time at all", ">= 1", ttl_s=0),
    _session("a time that is no integer", "Expected `int | null`, got `float`", ttl_s=1.5),
    _session("a time beyond what JSON counts", "<= 9007199254740991", starts_at=2**53),
    _session("a negative time", ">= 0", starts_at=-1),
    _session("an idle time of nothing", "idle_s", idle_s=0),
    _session("another proof", "Invalid enum value 'dpop'", proof="dpop"),
    _session("a key with a bearer token", "expected no key", key=P256),
    _session("a stamp without key", "expected a public key", proof="stamp"),
    _session("a chain session that reads", "expected write", proof="chain",
             key=Key.make("secp256k1", 41).document),
    _session("a bearer that writes", "only reads", "not_allowed", access="write"),
    _session("a permission to read", "no permission for access read", proof="stamp", key=P256,
             permission=PERMISSION, ttl_s=None),
    _session("a user of no form", "there is no user", "not_found", user_id="somebody"),
    # Permissions
    _permission("no target", "20 bytes", rules=[{"target": "0x"}]),
    _permission("the EntryPoint", "EntryPoint", rules=[
        {**RULE, "target": "0x4337084d9e255ff0702461cf8895ce9e3b5ff108"}], caps=[]),
    _permission("the zero address", "zero", rules=[{**RULE, "target": "0x" + "00" * 20}], caps=[]),
    _permission("another selector", "selector of transfer", rules=[
        {**RULE, "selector": "0xdeadbeef"}]),
    _permission("3 bytes of selector", "4 bytes", rules=[
        {"target": ADDRESS, "selector": "0xabcdef"}]),
    _permission("a function in other letters", "ASCII", rules=[{**RULE, "function": "tränsfer()"}]),
    _permission("a rule twice", "at most one rule", rules=[RULE, RULE]),
    _permission("a recipient twice", "ascending order without repeats", recipients=[ADDRESS] * 2),
    _permission("a recipient of 19 bytes", "recipients[0]", recipients=["0x" + "ab" * 19]),
    _permission("a fraction", "decimal integer", caps=[{**CAP, "lifetime": "1.5"}]),
    _permission("a negative amount", "decimal integer", caps=[{**CAP, "lifetime": "-1"}]),
    _permission("a leading zero", "decimal integer", caps=[{**CAP, "lifetime": "01"}]),
    _permission("other digits", "decimal integer", caps=[{**CAP, "lifetime": "\u0661"}]),
    _permission("2^128", "2^128", caps=[{**CAP, "lifetime": str(2**128)}]),
    _permission("2^256", "below 2^256", caps=[{**CAP, "lifetime": str(2**256)}]),
    _permission("a cap without decimals", "decimals", caps=[{"asset": ADDRESS, "lifetime": "1"}]),
    _permission("a cap of nothing", "per_call, lifetime or window", caps=[
        {"asset": ADDRESS, "decimals": 6}]),
    _permission("a window of a second", "window_s", caps=[
        {**CAP, "window": {"limit": "1", "window_s": 1}}]),
    _permission("times in the wrong order", "starts_at < expires_at", expires_at=1),
    _permission("another chain's name", "eip155", chain="solana:1"),
    _permission("a word of 31 bytes", "32 bytes, an address or a decimal", rules=[
        {**RULE, "where": [{"argument": 0, "operator": "equals", "values": ["0x" + "01" * 31]}]}]),
    Case("an unknown caveat", "/v1/permissions/explain",
         {"permission": {**PERMISSION, "mood": 5}}, "unknown field `mood`"),
    Case("an unknown operator", "/v1/permissions/explain", {"permission": {**PERMISSION, "rules": [
        {**RULE, "where": [{"argument": 0, "operator": "at least", "values": ["1"]}]}]}},
        "Invalid enum value 'at least'"),
    Case("version 2", "/v1/permissions/explain", {"permission": {**PERMISSION, "version": 2}},
         "Invalid enum value 2"),
    Case("no recipients", "/v1/permissions/explain", {"permission": {
        name: value for name, value in PERMISSION.items() if name != "recipients"}},
        "missing required field `recipients`"),
)  # fmt: skip
# What is forbidden or not there says so with its own status.
STATUSES: Final = {"not_allowed": 403, "not_found": 404}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_bad_body_is_refused_with_its_place_and_changes_nothing(
    stage: Stage, case: Case
) -> None:
    """Bad input gets a clear error and changes nothing (DESIGN 10)."""
    before = await state(stage.world)
    answer = await stage.secret.send("POST", case.path, case.body, headers=case.headers)
    check_problem(answer, STATUSES.get(case.code, case.status), case.code)
    assert case.says in answer.json()["detail"], answer.text
    assert await state(stage.world) == before


async def test_a_body_of_exactly_the_limit_is_read(stage: Stage) -> None:
    """The limit is the last size that is taken."""
    body = b'{"reference":"a"}'
    answer = await stage.secret.send("POST", "/v1/users", body + b" " * (65_536 - len(body)))
    assert answer.status_code == 201, answer.text


async def test_32_levels_are_read(stage: Stage) -> None:
    """The limit is the last depth that is looked at: what fails then is the type."""
    body = {"reference": json.loads("[" * 31 + "]" * 31)}
    answer = await stage.secret.send("POST", "/v1/users", body)
    check_problem(answer, 400, "malformed_body")
    assert "reference: Expected `str`, got `array`" in answer.json()["detail"]


async def test_a_body_in_pieces_is_cut_off_at_the_limit(stage: Stage) -> None:
    """A sender that does not say how much it sends is stopped like one that does."""

    async def pieces() -> Any:  # noqa: ANN401 - what httpx sends
        for _ in range(9):
            yield b" " * 8192

    headers = {
        "authorization": f"Bearer {stage.org.secret}",
        "content-type": "application/json",
        "idempotency-key": "pieces",
    }
    before = await state(stage.world)
    answer = await stage.client.post("/v1/users", content=pieces(), headers=headers)
    check_problem(answer, 413, "body_too_large")
    assert await state(stage.world) == before


async def test_a_charset_of_utf_8_may_be_named(stage: Stage) -> None:
    """It changes nothing, and many send it."""
    headers = {"content-type": 'Application/JSON; Charset="UTF-8"'}
    answer = await stage.secret.send("POST", "/v1/users", {"reference": "ü"}, headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.json()["reference"] == "ü"
