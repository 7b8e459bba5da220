"""An owner signs what was asked for: whatever differs is named, and nothing is signed."""

from __future__ import annotations

import copy
import stat
from typing import TYPE_CHECKING, Any

import pytest

from tests.leaks import secret
from valetkey import Malformed, Owner, RefusedToSign, SessionKey, permission
from valetkey.client.consent import Terms, verify_consent, verify_packed
from valetkey.client.kill_note import KillNote, make_note, verify_note
from valetkey.client.owner import Delegation
from valetkey.core.permission.compile import compile_grant
from valetkey.core.plan import delegation_digest
from valetkey.spec import permission_bytes as packed
from valetkey.spec import secp256k1
from valetkey.spec.eip712 import digest, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

CHAIN = "eip155:31337"
NOW = 1_800_000_000
PRIVATE = secret(bytes([7]) * 32)
OWNER = Owner.from_key(PRIVATE)
KEY = SessionKey.generate()
SHOP = "0x" + "11" * 20
DRAFT = permission.erc20_transfers(
    "0x" + "aa" * 20, decimals=6, to=[SHOP, "0x" + "22" * 20], lifetime="20", expires_in=3600
)
TERMS = Terms(OWNER.address, DRAFT.on(CHAIN, now=NOW), KEY.address)


def grant(salt: int = 5, terms: Terms = TERMS, key: bytes = KEY.address) -> bytes:
    """Return the grant that an honest server makes."""
    made = compile_grant(terms.permission, key=key, salt=salt)
    assert isinstance(made, bytes)
    return made


def told(terms: Terms = TERMS, *, key: bytes = KEY.address) -> dict[str, Any]:
    """Return the consent that an honest server tells."""
    data = grant(terms=terms, key=key)
    given = packed.grant_typed_data(
        packed.decode_grant(data), epoch=3, chain_id=terms.chain_id, account=terms.account
    )
    killed = packed.revoke_typed_data(
        packed.grant_id(data), chain_id=terms.chain_id, account=terms.account
    )
    return {"grant": to_json(given), "kill_note": to_json(killed)}


def test_an_honest_consent_is_signed_as_the_account_wants_it() -> None:
    """The signature is over the typed data that was made here; it is the one that came."""
    consent = verify_consent(told(), TERMS)
    signature, kill_note = OWNER.sign_consent(consent)
    assert consent.verified.packed == grant()
    assert secp256k1.recover_address(digest(consent.grant), signature) == OWNER.address
    assert secp256k1.recover_address(digest(consent.kill_note), kill_note) == OWNER.address
    assert to_json(consent.grant) == told()["grant"]


def lie(place: str, value: object) -> Callable[[dict[str, Any]], None]:
    """Return what puts *value* at *place*, such as ``grant.message.caps.0.limit``."""

    def change(consent: dict[str, Any]) -> None:
        *way, last = place.split(".")
        inside: Any = consent
        for step in way:
            inside = inside[int(step) if step.isdigit() else step]
        inside[int(last) if last.isdigit() else last] = value

    return change


LIES = {
    "grant.key": lie("grant.message.key", "0x" + "66" * 20),
    "grant.startsAt": lie("grant.message.startsAt", "0"),
    "grant.expiresAt": lie("grant.message.expiresAt", str(2**40 - 1)),
    "grant.maxCalls": lie("grant.message.maxCalls", "7"),
    "grant.relayer": lie("grant.message.relayer", "0x" + "66" * 20),
    "grant.caps[0].limit": lie("grant.message.caps.0.limit", str(10**30)),
    "grant.caps": lie("grant.message.caps", []),
    "grant.rules[0].target": lie("grant.message.rules.0.target", "0x" + "66" * 20),
    "grant.rules[0].selector": lie("grant.message.rules.0.selector", "0x095ea7b3"),
    "grant.rules[0].constraints": lie("grant.message.rules.0.constraints", []),
    "grant.rules[0].meters": lie("grant.message.rules.0.meters", []),
    "grant.domain.chainId": lie("grant.domain.chainId", 1),
    "grant.domain.verifyingContract": lie("grant.domain.verifyingContract", "0x" + "66" * 20),
    "grant.domain.name": lie("grant.domain.name", "another"),
    "kill_note.grant": lie("kill_note.message.grant", "0x" + "00" * 32),
    "kill_note.domain.chainId": lie("kill_note.domain.chainId", 1),
    "kill_note.primaryType": lie("kill_note", told()["grant"]),
    "grant.primaryType": lie("grant.primaryType", "Cap"),
    "grant": lie("grant", {"transfer": "everything"}),
    "kill_note": lie("kill_note", None),
}


@pytest.mark.parametrize("place", LIES)
def test_a_consent_that_says_something_else_is_not_signed(place: str) -> None:
    """Each part of grant and kill note is compared; the error names the part that differs."""
    consent = copy.deepcopy(told())
    LIES[place](consent)
    with pytest.raises(RefusedToSign) as refused:
        verify_consent(consent, TERMS)
    assert refused.value.what.startswith(place.partition(".")[0])
    if place not in {"grant.primaryType", "kill_note.primaryType"}:
        assert refused.value.what == place


def test_types_are_compared_too() -> None:
    """The same values under other types are another text for the wallet to show."""
    consent = told()
    consent["grant"]["types"]["Cap"][1]["name"] = "budget"
    for cap in consent["grant"]["message"]["caps"]:
        cap["budget"] = cap.pop("window")
    with pytest.raises(RefusedToSign, match=r"grant\.types\.Cap"):
        verify_consent(consent, TERMS)


def test_an_owner_signs_for_their_own_account_only() -> None:
    """A consent of another account is somebody else's."""
    terms = Terms(b"\x66" * 20, TERMS.permission, KEY.address)
    consent = verify_consent(told(terms), terms)
    with pytest.raises(RefusedToSign, match="account"):
        OWNER.sign_consent(consent)


def test_a_key_that_the_server_makes_is_the_servers_to_name() -> None:
    """A P-256 holder has no chain key; everything else is still compared."""
    terms = Terms(OWNER.address, TERMS.permission, None)
    assert verify_consent(told(key=b"\x66" * 20), terms).verified.packed == grant(key=b"\x66" * 20)


@pytest.mark.parametrize(
    ("name", "draft"),
    [
        ("grant.expires_at", DRAFT.starting(NOW)),
        ("grant.relayer", DRAFT.bound_to(SHOP)),
        (
            "grant.caps",
            permission.erc20_transfers(
                "0x" + "aa" * 20, decimals=6, to=[SHOP], per_call=1, expires_in=3600
            ),
        ),
    ],
)
def test_packed_bytes_that_say_something_else_are_refused(
    name: str, draft: permission.Draft
) -> None:
    """A session that is taken up is compared as one that is opened."""
    other = Terms(OWNER.address, draft.on(CHAIN, now=NOW), KEY.address)
    assert verify_packed(grant(), TERMS).grant_id == packed.grant_id(grant())
    with pytest.raises(RefusedToSign) as refused:
        verify_packed(grant(terms=other), TERMS)
    assert refused.value.what.startswith(name.replace("expires_at", "starts_at"))


@pytest.mark.parametrize("data", [b"", grant()[:-1], grant() + b"\0", b"\xff" * 60])
def test_bytes_that_are_no_grant_are_refused(data: bytes) -> None:
    """What does not parse is not signed for."""
    with pytest.raises(RefusedToSign, match="a packed grant"):
        verify_packed(data, TERMS)


def test_an_external_signer_sees_the_typed_data() -> None:
    """A wallet elsewhere gets JSON and may answer in hex, with v in either form."""
    seen: list[Mapping[str, object]] = []

    def sign(data: Mapping[str, object]) -> str:
        seen.append(data)
        signature = secp256k1.sign_digest(digest(verify_consent(told(), TERMS).grant), PRIVATE)
        return "0x" + (signature[:64] + bytes([signature[64] - 27])).hex()

    outside = Owner.external("0x" + OWNER.address.hex(), typed_data=sign)
    typed = verify_consent(told(), TERMS).grant
    assert outside.sign(typed) == OWNER.sign(typed)
    assert seen == [told()["grant"]]


@pytest.mark.parametrize("answer", ["0xzz", "", b"\0" * 65, "0x" + "11" * 65])
def test_a_signer_that_signs_something_else_is_caught(answer: str | bytes) -> None:
    """A signature that the chain would refuse is refused here."""
    outside = Owner.external(OWNER.address, typed_data=lambda _: answer)
    with pytest.raises(Malformed, match="expected 65 bytes by"):
        outside.sign(verify_consent(told(), TERMS).kill_note)


def test_an_owner_signs_a_delegation() -> None:
    """EIP-7702: chain, code and nonce."""
    wanted = Delegation(CHAIN, b"\x33" * 20, 4)
    made = delegation_digest(chain=CHAIN, delegate=b"\x33" * 20, nonce=4)
    assert secp256k1.recover_address(made, OWNER.sign_delegation(wanted)) == OWNER.address
    outside = Owner.external(OWNER.address, typed_data=lambda _: "")
    with pytest.raises(Malformed, match="EIP-7702"):
        outside.sign_delegation(wanted)


def test_a_kill_note_is_a_file(tmp_path: Path) -> None:
    """It is saved and read again, and it carries the owner's revocation."""
    verified = verify_packed(grant(), TERMS)
    note = make_note("ses_1", verified, OWNER.sign(verified.kill_note()))
    path = tmp_path / "note.json"
    for mode in (0o644, 0o600):  # the second time it is there already, for everybody to read
        assert KillNote.load(note.save(path)) == note
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(mode)
    assert verify_note(note.content, verified) == note
    assert note.account == "0x" + OWNER.address.hex()
    (tmp_path / "no.json").write_text('{"version":1}')
    with pytest.raises(Malformed, match="kill note"):
        KillNote.load(tmp_path / "no.json")


@pytest.mark.parametrize("salt", [5, 6])
@pytest.mark.parametrize("calldata", ["0x", "0x1234", None])
def test_a_kill_note_that_would_not_work_is_refused(salt: int, calldata: str | None) -> None:
    """A server that gives a note for another grant, or none at all, is found out at once."""
    verified = verify_packed(grant(), TERMS)
    other = verify_packed(grant(salt), TERMS)
    signature = (
        OWNER.sign(other.kill_note())
        if salt == 6
        else SessionKey.generate().sign_digest(digest(verified.kill_note()))
    )
    note = make_note("ses_1", other, signature).content
    changed = (
        note
        if calldata is None
        else type(note)(
            **{name: getattr(note, name) for name in note.__struct_fields__}
            | {"calldata": calldata}
        )
    )
    with pytest.raises(RefusedToSign, match="kill_note"):
        verify_note(changed, verified)


def many(rules: int) -> Terms:
    """Return terms with so many rules that the grant keeps only their root."""
    functions = [permission.function("0x" + f"{n}" * 20, "play()") for n in range(20, 20 + rules)]
    draft = permission.build(functions, to=permission.ANYTHING, expires_in=60)
    return Terms(OWNER.address, draft.on(CHAIN, now=NOW), KEY.address)


def test_the_root_of_other_rules_is_not_signed() -> None:
    """A wallet shows 32 bytes; what they stand for is built here from what was asked for."""
    nine, ten = many(9), many(10)
    assert verify_consent(told(nine), nine).verified.packed == grant(terms=nine)
    with pytest.raises(RefusedToSign, match="rulesRoot"):
        verify_consent(told(ten), nine)
    with pytest.raises(RefusedToSign, match="root"):
        verify_packed(grant(terms=ten), nine)
