"""The published vectors on a chain: the contract takes and refuses what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.chain.session import Owner
from valetkey.devchain import CHAIN_ID
from valetkey.spec import permission_bytes as pb
from valetkey.spec.secp256k1 import sign_digest

if TYPE_CHECKING:
    from tests.chain.world import World

FOLDER: Final = Path(__file__).parents[2] / "docs" / "reference" / "grant-vectors"
FILES: Final = {path.stem: json.loads(path.read_text()) for path in FOLDER.glob("*.json")}
RUNS: Final = FILES["runs"]["vectors"]["runs"]
MALFORMED: Final = pb.Refusal("Malformed")
NO_P256: Final = pb.Refusal("KeyTypeRefused")


def unhexed(text: str) -> bytes:
    """Return the bytes of ``0x`` and hex."""
    return bytes.fromhex(text.removeprefix("0x"))


OWNER_SECRET: Final = unhexed(FILES["runs"]["owner_secret"])
SESSION_SECRET: Final = unhexed(FILES["runs"]["session_secret"])


@pytest.fixture(scope="module")
def account(world: World) -> Owner:
    """Return the account of the vectors, with code by delegation and some native value."""
    owner = Owner(world, OWNER_SECRET)
    assert world.send(owner.address, authorizations=[owner.authorization()]).succeeded
    assert world.send(owner.address, value_wei=10**18).succeeded
    assert owner.address == unhexed(FILES["runs"]["account"])
    assert FILES["runs"]["chain_id"] == CHAIN_ID
    return owner


def owner_signature(grant: bytes, account: Owner) -> bytes:
    """Return the owner's signature over *grant*."""
    typed = pb.grant_typed_data(
        pb.decode_grant(grant), epoch=0, chain_id=CHAIN_ID, account=account.address
    )
    return account.sign(typed)


@pytest.mark.parametrize("vector", RUNS, ids=lambda each: each["what"])
def test_the_contract_makes_every_published_run(account: Owner, vector: dict[str, Any]) -> None:
    """With the owner's signature; without it, nothing was granted."""
    found = account.world.refusal(account.address, unhexed(vector["calldata"]))
    if vector["form"] == "ES256" and not account.world.has_p256():
        assert found == NO_P256
        return
    if unhexed(vector["calldata"])[4] < 0x80:
        assert found == pb.Refusal("NotGranted")
        first = pb.run_calldata(
            unhexed(vector["carried_grant"]),
            unhexed(vector["calls"]),
            unhexed(vector["signature"]),
            nonce=vector["nonce"],
            deadline=vector["deadline"],
            owner_signature=owner_signature(unhexed(vector["grant"]), account),
        )
        found = account.world.refusal(account.address, first)
    assert found is None


@pytest.mark.parametrize(
    "vector", FILES["runs"]["vectors"]["refused_signatures"], ids=lambda each: each["why"]
)
def test_the_contract_takes_no_other_signature(account: Owner, vector: dict[str, str]) -> None:
    """In place of that of the run."""
    run = next(each for each in RUNS if each["what"] == vector["run"])
    data = unhexed(run["calldata"]).replace(unhexed(run["signature"]), unhexed(vector["signature"]))
    is_checked = run["form"] != "ES256" or account.world.has_p256()
    expected = pb.Refusal("SignatureRefused") if is_checked else NO_P256
    assert account.world.refusal(account.address, data) == expected


@pytest.mark.parametrize("vector", FILES["grants"]["vectors"], ids=lambda each: each["name"])
def test_the_contract_takes_the_published_digest(account: Owner, vector: dict[str, Any]) -> None:
    """Signed by the owner it opens the grant in its epoch, and in no other."""
    signature = sign_digest(unhexed(vector["digest"]), OWNER_SECRET)
    data = pb.register_calldata(unhexed(vector["grant"]), signature)
    found = account.world.refusal(account.address, data)
    if vector["value"]["expires_at"] <= account.world.now():
        assert found == pb.Refusal("GrantExpired")
    else:
        expected = None if vector["epoch"] == "0" else pb.Refusal("NotGranted")
        is_p256 = vector["value"]["key_type"] == "P-256"
        assert found == (NO_P256 if is_p256 and not account.world.has_p256() else expected)


@pytest.mark.parametrize(
    "vector", FILES["runs"]["vectors"]["malformed_calls"], ids=lambda each: each["why"]
)
def test_the_contract_refuses_malformed_calls(account: Owner, vector: dict[str, str]) -> None:
    """Even signed by the session key; by what it finds behind their end, if it reads on there."""
    grant, calls = unhexed(vector["grant"]), unhexed(vector["calls"])
    digest = pb.run_digest(
        pb.grant_id(grant),
        calls,
        nonce=0,
        deadline=pb.NEVER_EXPIRES,
        chain_id=CHAIN_ID,
        account=account.address,
    )
    run = pb.run_calldata(
        grant,
        calls,
        sign_digest(digest, SESSION_SECRET),
        nonce=0,
        deadline=pb.NEVER_EXPIRES,
        owner_signature=owner_signature(grant, account),
    )
    assert isinstance(account.world.refusal(account.address, run), pb.Refusal)


OPEN_FORMS: Final = [
    each
    for each in FILES["trees"]["vectors"]["malformed_open_forms"]
    if each["why"] != "a listed grant"  # which a run may carry
]


@pytest.mark.parametrize("vector", OPEN_FORMS, ids=lambda each: each["why"])
def test_the_contract_refuses_malformed_open_forms(account: Owner, vector: dict[str, str]) -> None:
    """No other rules, no other proofs, no other lengths."""
    run = pb.run_calldata(
        unhexed(vector["open_form"]),
        b"\0",
        bytes(65),
        nonce=0,
        deadline=pb.NEVER_EXPIRES,
        owner_signature=bytes(65),
    )
    assert account.world.refusal(account.address, run) == MALFORMED
