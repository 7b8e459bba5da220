"""A server that wants something else signed than the calls that were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.client.both import done
from tests.client.service import OTHER, SHOP
from valetkey import RefusedToSign, payment, transfer
from valetkey.spec import permission_bytes as packed

if TYPE_CHECKING:
    from tests.client.liar import Lie, Stage

AMOUNT = 1_000_000


def asked(answer: dict[str, Any]) -> dict[str, Any]:
    """Return what the answer to a run wants to have signed."""
    found: dict[str, Any] = answer["next_action"]
    return found


def again(answer: dict[str, Any]) -> None:
    """Compute the digest of what is asked for anew, as a careful liar does."""
    run = asked(answer)
    run["digest"] = (
        "0x"
        + packed.run_digest(
            bytes.fromhex(run["grant_id"][2:]),
            bytes.fromhex(run["packed_calls"][2:]),
            nonce=run["nonce"],
            deadline=run["deadline"],
            chain_id=run["chain_id"],
            account=bytes.fromhex(run["account"][2:]),
        ).hex()
    )


def another_call(answer: dict[str, Any]) -> None:
    """Have the amount of the transfer signed ten times as high."""
    run = asked(answer)
    grant = packed.decode_grant(bytes.fromhex(run["grant"][2:]))
    (call,) = packed.decode_calls(grant, bytes.fromhex(run["packed_calls"][2:]))
    more = call.arguments[:32] + (10 * AMOUNT).to_bytes(32)
    run["packed_calls"] = "0x" + packed.encode_calls(grant, [packed.RunCall(0, more)]).hex()
    again(answer)


def one_call_more(answer: dict[str, Any]) -> None:
    """Have a second transfer signed behind the first."""
    run = asked(answer)
    grant = packed.decode_grant(bytes.fromhex(run["grant"][2:]))
    calls = packed.decode_calls(grant, bytes.fromhex(run["packed_calls"][2:]))
    run["packed_calls"] = "0x" + packed.encode_calls(grant, [*calls, *calls]).hex()
    again(answer)


def changed(name: str, value: object) -> Lie:
    """Return the lie that *name* is *value*, with a digest that fits it."""

    def lie(answer: dict[str, Any]) -> None:
        asked(answer)[name] = value
        again(answer)

    return lie


def changed_only(name: str, value: object) -> Lie:
    """Return the lie that *name* is *value*, whatever the digest."""
    return lambda answer: asked(answer).update({name: value})


def only_digest(answer: dict[str, Any]) -> None:
    """Have a digest signed that belongs to something else entirely."""
    asked(answer)["digest"] = "0x" + "42" * 32


def another_grant(answer: dict[str, Any]) -> None:
    """Pass off another grant, whose first rule is another one."""
    run = asked(answer)
    data = bytes.fromhex(run["grant"][2:])
    other = data.replace(bytes.fromhex("a9059cbb"), bytes.fromhex("095ea7b3"))
    run["grant"] = "0x" + other.hex()


RUN_LIES: dict[str, list[Lie]] = {
    "packed_calls": [another_call, one_call_more],
    "digest": [only_digest],
    "chain_id": [changed("chain_id", 1)],
    "account": [changed("account", "0x" + "66" * 20)],
    "grant_id": [changed("grant_id", "0x" + "66" * 32)],
    "grant": [another_grant],
    "deadline": [changed("deadline", 2**40 - 1), changed("deadline", 0)],
    "nonce": [changed_only("nonce", 2**32)],
}


@pytest.mark.parametrize(
    ("what", "lie"), [(what, lie) for what, lies in RUN_LIES.items() for lie in lies]
)
async def test_a_run_that_was_not_asked_for_is_not_signed(
    stage: Stage, what: str, lie: Lie
) -> None:
    """The digest is computed here from the calls; a digest of anything else is refused."""
    session = await stage.open()
    stage.lies["/v1/runs"] = lie
    before = len(stage.signed())
    with pytest.raises(RefusedToSign) as refused:
        await done(session.transfer(stage.service.token, SHOP, AMOUNT))
    assert refused.value.what == what
    assert len(stage.signed()) == before


async def test_an_honest_run_passes_the_same_proxy(stage: Stage) -> None:
    """It is the lie that is refused, not the way."""
    session = await stage.open()
    activity = await done(session.transfer(stage.service.token, SHOP, AMOUNT))
    assert activity.state == "done"


async def test_a_run_that_no_rule_covers_is_not_signed(stage: Stage) -> None:
    """Where an honest server refuses, a server that asks for a signature lies."""
    session = await stage.open()
    first = [transfer(stage.service.token, SHOP, AMOUNT)]
    told: list[dict[str, Any]] = []
    stage.lies["/v1/runs"] = told.append
    await done(session.run(first))
    stage.lies["/v1/runs"] = lambda answer: answer.update(told[0], status_of_the_lie=200)
    with pytest.raises(RefusedToSign, match=r"calls\[1\]"):
        await done(session.run([*first, payment(OTHER, 1)]))
