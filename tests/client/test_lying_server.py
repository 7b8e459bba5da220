"""A server that lies about sessions, accounts and notes: nothing is signed for it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.client.both import done
from tests.client.service import SHOP
from valetkey import RefusedToSign, SessionKey, StampKey
from valetkey.core.plan import chain_id_of
from valetkey.spec import permission_bytes as packed

if TYPE_CHECKING:
    from tests.client.liar import Lie, Stage

AMOUNT = 1_000_000


def in_session(name: str, value: object) -> Lie:
    """Return the lie that *name* of a new session is *value*."""
    return lambda answer: answer["session"].update({name: value})


def wider(answer: dict[str, Any]) -> None:
    """Open the session with a cap a million times as high."""
    cap = (20_000_000).to_bytes(16)
    data = bytes.fromhex(answer["session"]["grant"][2:]).replace(cap, (2 * 10**13).to_bytes(16))
    answer["session"].update(grant="0x" + data.hex(), grant_id="0x" + packed.grant_id(data).hex())


def for_another_key(answer: dict[str, Any]) -> None:
    """Open the session for a key of the server's own."""
    data = bytearray(bytes.fromhex(answer["session"]["grant"][2:]))
    data[2:22] = b"\x66" * 20
    grant_id = packed.grant_id(bytes(data))
    answer["session"].update(grant="0x" + data.hex(), grant_id="0x" + grant_id.hex())


@pytest.mark.parametrize(
    ("what", "lie"),
    [
        ("grant.caps[0]", wider),
        ("grant.key", for_another_key),
        ("grant_id", in_session("grant_id", "0x" + "66" * 32)),
        ("grant", in_session("grant", None)),
        ("grant", in_session("grant", "0x1234")),
    ],
)
async def test_a_session_that_was_not_asked_for_is_not_opened(
    stage: Stage, what: str, lie: Lie
) -> None:
    """Key, permission and grant id are compared before the owner sees anything."""
    stage.lies["/v1/sessions"] = lie
    with pytest.raises(RefusedToSign) as refused:
        await stage.open()
    assert refused.value.what == what
    assert stage.signed() == []


async def test_a_consent_that_was_not_asked_for_is_not_signed(stage: Stage) -> None:
    """The owner's typed data is made here, and the server's must be the same."""
    stage.lies["/consent"] = lambda told: told["grant"]["message"].update(maxCalls="9")
    with pytest.raises(RefusedToSign, match="maxCalls"):
        await stage.open()
    assert stage.signed() == []


async def test_a_session_for_a_key_elsewhere_is_compared_too(stage: Stage) -> None:
    """Its owner signs only what was asked for."""
    key = SessionKey.generate()
    point = "0x" + key.public_key.data.hex()
    stage.lies["/v1/sessions"] = lambda told: told["next_action"]["kill_note"]["message"].update(
        grant="0x" + "66" * 32
    )
    with pytest.raises(RefusedToSign, match=r"kill_note\.grant"):
        await done(
            stage.vk.sessions.open_for(
                point, stage.account, stage.service.draft(), owner=stage.owner
            )
        )
    assert stage.signed() == []


@pytest.mark.parametrize("freeze", [True, False])
async def test_a_note_for_another_grant_is_not_signed(stage: Stage, freeze: bool) -> None:  # noqa: FBT001
    """Nobody is made to unfreeze another session, or to sign a note of the other kind."""
    session = await stage.open()
    if not freeze:
        await done(session.freeze())
    stage.lies["/freeze-note"] = lambda told: told["typed_data"]["message"].update(
        grant="0x" + "66" * 32
    )
    with pytest.raises(RefusedToSign, match=r"note\.grant"):
        await done(session.freeze() if freeze else session.unfreeze())


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("delegate", {"delegate": "0x" + "66" * 20}),
        ("chain_id", {"chain_id": 0}),
        ("digest", {"digest": "0x" + "66" * 32}),
        ("digest", {"nonce": 77}),
    ],
)
async def test_an_account_does_not_run_code_that_was_not_named(
    stage: Stage, what: str, change: dict[str, object]
) -> None:
    """An account's code can do everything: the server does not choose it."""
    stage.lies["/delegation"] = lambda told: told.update(change)
    with pytest.raises(RefusedToSign) as refused:
        await done(
            stage.vk.accounts.delegate(
                stage.account, owner=stage.owner, implementation=stage.service.implementation
            )
        )
    assert refused.value.what == what
    assert stage.signed() == []


async def test_an_account_does_not_leave_for_code_that_was_not_named(stage: Stage) -> None:
    """Undelegating is signed like a delegation: for the code that was named, or for none."""
    stage.lies["/undelegation"] = lambda told: (
        told.update(delegate="0x" + "66" * 20) if "digest" in told else None
    )
    with pytest.raises(RefusedToSign) as refused:
        await done(stage.vk.accounts.undelegate(stage.account, owner=stage.owner))
    assert refused.value.what == "delegate"


async def test_an_owner_delegates_only_their_own_account_to_named_code(stage: Stage) -> None:
    """Somebody else's account, or no code at all, is refused before anything is asked."""
    with pytest.raises(RefusedToSign, match="implementation"):
        await done(stage.vk.accounts.delegate(stage.account, owner=stage.owner))
    stranger = stage.service.owner()
    with pytest.raises(RefusedToSign, match="address"):
        await done(
            stage.vk.accounts.delegate(
                stage.account.id, owner=stranger, implementation=stage.service.implementation
            )
        )


async def test_a_kill_note_that_would_not_work_is_found_out(stage: Stage) -> None:
    """Better now than when it is needed."""
    session = await stage.open()
    stage.lies["/kill-note"] = lambda told: told.update(calldata=told["calldata"][:-2] + "01")
    with pytest.raises(RefusedToSign, match="kill_note"):
        await done(session.fetch_kill_note())


async def test_a_p256_holder_signs_nothing_for_the_chain(stage: Stage) -> None:
    """Its chain key is the server's; a server that asks it to sign a digest lies."""
    vk = stage.vk
    session = await done(
        vk.sessions.open(
            stage.account, stage.service.draft(), owner=stage.owner, key=StampKey.generate()
        )
    )
    stage.lies["/v1/runs"] = lambda told: told.update(
        next_action={
            "kind": "sign_run",
            "digest": "0x" + "42" * 32,
            "chain_id": chain_id_of(stage.account.chain),
            "account": session.account,
            "grant_id": session.grant_id,
            "grant": "0x",
            "nonce": 0,
            "deadline": int(time.time()) + 60,
            "rules": [0],
            "packed_calls": "0x",
        }
    )
    with pytest.raises(RefusedToSign, match="next_action"):
        await done(session.transfer(stage.service.token, SHOP, 1))
