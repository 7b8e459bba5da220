"""Acting under a session: what is refused, and what a run that is allowed becomes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.flows.holders import as_holder
from tests.flows.people import WHOLE
from tests.flows.scene import ALICE, BOB, CAP, HOUR_S, MALLORY, USDC
from tests.worlds import dump
from valetkey.core.activity import Activity, ActivityState, Request
from valetkey.core.errors import (
    Code,
    Conflict,
    Forbidden,
    Limited,
    Malformed,
    NotFound,
    Unauthenticated,
)
from valetkey.core.permission.effects import selector_of
from valetkey.core.permission.model import Call, Cap, Constraint, Operator, Rule, Window
from valetkey.core.principal import ANONYMOUS, Access, Principal, PrincipalKind
from valetkey.core.session import Proof
from valetkey.core.wallet import OwnerKey
from valetkey.flows import freeze, grant, open_session, reads, run, stop
from valetkey.spec import secp256k1
from valetkey.spec.permission_bytes import personal_digest

if TYPE_CHECKING:
    from tests.flows.scene import Held, Scene

PAIRS = [(proof, owner) for proof in (Proof.STAMP, Proof.CHAIN) for owner in WHOLE]


@pytest.mark.parametrize(("proof", "owner_key"), PAIRS)
async def test_a_run_moves_tokens(scene: Scene, proof: Proof, owner_key: OwnerKey) -> None:
    """Whoever holds the keys, an allowed run ends on the chain and is booked once."""
    held = await scene.open(await scene.wallet(owner_key), proof=proof)
    for count in (1, 2):
        done = await scene.run(held, scene.transfer(5 * USDC))
        assert done.state is ActivityState.DONE
        assert done.outcome is not None
        assert done.outcome.fee_wei > 0
        assert await scene.balance(ALICE) == count * 5 * USDC
    shown = await reads.session(scene.world, scene.principal, session_id=held.id)
    assert shown.usage.spent.counters[0].spent == 10 * USDC
    assert shown.usage.spent.calls == 2


async def test_a_run_of_several_calls_is_one_transaction(scene: Scene) -> None:
    """All calls of a run happen, or none."""
    held = await scene.open(await scene.wallet())
    done = await scene.run(held, scene.transfer(USDC), scene.transfer(2 * USDC, BOB))
    assert done.state is ActivityState.DONE
    assert (await scene.balance(ALICE), await scene.balance(BOB)) == (USDC, 2 * USDC)


WINDOW = Cap(b"", 6, window=Window(2 * USDC, HOUR_S // 2))
DENIED: dict[str, tuple[dict[str, Any], str, Code]] = {
    "another target": ({}, "elsewhere", Code.TARGET_NOT_ALLOWED),
    "the account itself": ({}, "itself", Code.TARGET_FORBIDDEN),
    "another function": ({}, "approve", Code.SELECTOR_NOT_ALLOWED),
    "no argument": ({}, "short", Code.ARGUMENT_MISSING),
    "another recipient": ({}, "mallory", Code.RECIPIENT_NOT_ALLOWED),
    "native value": ({}, "value", Code.VALUE_NOT_ALLOWED),
    "more than the cap": ({}, "much", Code.CAP_EXCEEDED),
    "more than a call may": ({"per_call": USDC}, "two", Code.PER_CALL_CAP_EXCEEDED),
    "more than a window may": ({"window": Window(USDC, 1800)}, "two", Code.CAP_EXCEEDED),
    "another argument": ({"where": True}, "two", Code.ARGUMENT_REFUSED),
    "too many calls": ({"max_calls": 1}, "twice", Code.TOO_MANY_CALLS),
}


@pytest.mark.parametrize("case", DENIED)
async def test_what_the_permission_does_not_allow_is_refused(scene: Scene, case: str) -> None:
    """Each refusal has its code, names its caveat, and books and signs nothing."""
    changed, what, code = DENIED[case]
    held = await scene.open(await scene.wallet(), permission=_limits(scene, changed))
    before = await dump(scene.world)
    with pytest.raises(Forbidden) as refused:
        await scene.run(held, *_calls(scene, held, what))
    assert refused.value.code is code
    assert refused.value.facts["caveat"]
    assert await dump(scene.world) == before


def _limits(scene: Scene, changed: dict[str, Any]) -> Any:  # noqa: ANN401 - as the scene has it
    changed = dict(changed)
    if changed.pop("where", False):
        one = Constraint(1, Operator.AT_MOST, (USDC,))
        rule = scene.permission().rules[0]
        changed["rules"] = (Rule(rule.target, rule.selector, rule.function, where=(one,)),)
    for name in ("per_call", "window"):
        if name in changed:
            changed["caps"] = (Cap(scene.token, 6, lifetime=CAP, **{name: changed.pop(name)}),)
    return scene.permission(**changed)


def _calls(scene: Scene, held: Held, what: str) -> list[Call]:
    plain = scene.transfer(USDC)
    approve = selector_of("approve(address,uint256)")
    return {
        "elsewhere": [Call(MALLORY, 0, plain.data)],
        "itself": [Call(held.holding.account.address, 0, plain.data)],
        "approve": [Call(scene.token, 0, approve + plain.arguments)],
        "short": [Call(scene.token, 0, plain.data[:40])],
        "mallory": [scene.transfer(USDC, MALLORY)],
        "value": [Call(scene.token, 1, plain.data)],
        "much": [scene.transfer(CAP), scene.transfer(1)],
        "two": [scene.transfer(2 * USDC)],
        "twice": [plain, plain],
    }[what]


async def test_a_run_has_calls_and_not_too_many(scene: Scene) -> None:
    """None at all, or more than fit, are refused before anything is read."""
    held = await scene.open(await scene.wallet())
    for calls in ([], [scene.transfer(1)] * (run.MAX_CALLS + 1)):
        with pytest.raises(Malformed) as refused:
            await scene.run(held, *calls)
        assert refused.value.code is Code.MALFORMED_CALL


async def test_only_a_writing_session_runs(scene: Scene) -> None:
    """Neither a backend, nor a reader, nor nobody acts: a run is signed by its holder."""
    held = await scene.open(await scene.wallet())
    reader = Principal(PrincipalKind.SESSION, held.session.organization_id, held.id, Access.READ)
    for who, error, code in (
        (ANONYMOUS, Unauthenticated, Code.PROOF_MISSING),
        (scene.principal, Forbidden, Code.NOT_ALLOWED),
        (reader, Forbidden, Code.READ_ONLY),
    ):
        with pytest.raises(error) as refused:
            await run.run(scene.world, who, scene.request(), calls=[scene.transfer(1)])
        assert refused.value.code is code


async def test_an_account_that_does_not_run_our_code_cannot_act(scene: Scene) -> None:
    """The transaction would be mined and do nothing."""
    holding = await scene.wallet(is_delegated=False)
    held = await scene.open(holding)
    with pytest.raises(Conflict) as refused:
        await scene.run(held, scene.transfer(1))
    assert refused.value.code is Code.NOT_DELEGATED


async def test_the_same_request_runs_once(scene: Scene) -> None:
    """Repeating a request, at once or later, finds its activity; another body is refused."""
    held = await scene.open(await scene.wallet())
    request = scene.request()
    first, second = await asyncio.gather(
        *(scene.run(held, scene.transfer(USDC), request=request) for _ in range(2))
    )
    later = await scene.run(held, scene.transfer(USDC), request=request)
    assert first.id == second.id == later.id
    assert later.state is ActivityState.DONE
    assert await scene.balance(ALICE) == USDC
    with pytest.raises(Conflict) as refused:
        await scene.run(held, scene.transfer(2), request=Request(request.id, "other"))
    assert refused.value.code is Code.REQUEST_ID_REUSED


async def test_a_wallet_signs_a_run_with_personal_sign(scene: Scene) -> None:
    """A session key that can sign nothing else still acts: its ``v`` is higher by 4."""
    held = await scene.open(await scene.wallet(OwnerKey.OUTSIDE), proof=Proof.CHAIN)
    planned = await scene.ask(held, scene.transfer(USDC))
    assert planned.run is not None
    signed = secp256k1.sign_digest(personal_digest(planned.run.digest), held.secret)
    signature = signed[:64] + bytes((signed[64] + 4,))
    assert (await _sign(scene, held, planned, signature)).state is ActivityState.DONE
    assert await scene.balance(ALICE) == USDC


async def test_only_the_session_key_signs_a_run(scene: Scene) -> None:
    """Another key, another run's signature, another session and garbage bring nothing."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    held = await scene.open(holding, proof=Proof.CHAIN)
    other = await scene.open(holding, proof=Proof.CHAIN)
    first = await scene.ask(held, scene.transfer(USDC))
    second = await scene.ask(held, scene.transfer(2 * USDC))
    assert first.run is not None
    assert second.run is not None
    before = await dump(scene.world)
    for signature in (
        secp256k1.sign_digest(second.run.digest, held.secret),
        secp256k1.sign_digest(first.run.digest, holding.secret or b""),
        bytes(65),
        b"",
    ):
        with pytest.raises(Malformed) as refused:
            await _sign(scene, held, first, signature)
        assert refused.value.code is Code.MALFORMED_SIGNATURE
    with pytest.raises(NotFound):
        await _sign(scene, other, first, b"")
    assert await dump(scene.world) == before
    assert (await scene.sign(held, first)).state is ActivityState.DONE
    assert (await scene.sign(held, first)).state is ActivityState.DONE
    assert await scene.balance(ALICE) == USDC


@pytest.mark.parametrize("how", ["freeze", "revoke", "close"])
async def test_a_run_that_was_stopped_before_it_was_signed_lapses(scene: Scene, how: str) -> None:
    """A signature that comes after the stop brings nothing to the chain."""
    held = await scene.open(await scene.wallet(OwnerKey.OUTSIDE), proof=Proof.CHAIN)
    planned = await scene.ask(held, scene.transfer(USDC))
    if how == "freeze":
        await freeze.freeze(scene.world, scene.principal, scene.request(), session_id=held.id)
    elif how == "revoke":
        await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)
    else:
        await stop.close(scene.world, held.principal, scene.request())
    lapsed = await scene.sign(held, planned)
    assert lapsed.state is ActivityState.LAPSED
    assert not lapsed.attempts
    assert await scene.moved() == 0


async def test_a_signature_after_the_deadline_comes_too_late(scene: Scene) -> None:
    """The deadline is the first second at which a run no longer happens."""
    held = await scene.open(await scene.wallet(), proof=Proof.CHAIN)
    planned = await scene.ask(held, scene.transfer(USDC))
    in_time = await scene.ask(held, scene.transfer(USDC))
    assert planned.run is not None
    scene.clock.set(planned.run.deadline - 1)
    assert (await scene.sign(held, in_time)).state is ActivityState.DONE
    scene.clock.set(planned.run.deadline)
    assert (await scene.sign(held, planned)).state is ActivityState.LAPSED


async def test_a_run_never_outlives_its_window(scene: Scene) -> None:
    """A run is booked to one window; its deadline keeps it from being mined in the next."""
    limits = scene.permission(caps=(Cap(scene.token, 6, window=Window(USDC, 60)),))
    held = await scene.open(await scene.wallet(), permission=limits)
    scene.clock.advance(50)
    done = await scene.run(held, scene.transfer(USDC))
    assert done.run is not None
    assert done.run.deadline == limits.starts_at + 60
    with pytest.raises(Forbidden):
        await scene.run(held, scene.transfer(1))
    scene.clock.advance(10)
    assert (await scene.run(held, scene.transfer(USDC))).state is ActivityState.DONE


async def test_only_so_many_runs_are_in_flight(scene: Scene) -> None:
    """The chain takes nonces 30 beyond the base: a 32nd unmined run is told to wait."""
    held = await scene.open(await scene.wallet(), proof=Proof.CHAIN)
    planned = await asyncio.gather(*(scene.ask(held, scene.transfer(1)) for _ in range(31)))
    assert sorted(one.run.nonce for one in planned if one.run) == list(range(31))
    with pytest.raises(Limited) as refused:
        await scene.ask(held, scene.transfer(1))
    assert refused.value.code is Code.TOO_MANY_IN_FLIGHT
    for one in reversed(planned):  # in any order
        assert (await scene.sign(held, one)).state is ActivityState.DONE
    assert await scene.balance(ALICE) == 31
    assert (await scene.run(held, scene.transfer(1))).state is ActivityState.DONE


async def test_a_token_that_is_not_there_fails_before_it_costs(scene: Scene) -> None:
    """What would revert is not sent: no nonce and no gas are spent on it."""
    held = await scene.open(await scene.wallet(), permission=scene.permission(cap=10**12))
    failed = await scene.run(held, scene.transfer(10**9))
    assert failed.state is ActivityState.FAILED
    assert failed.outcome is not None
    assert failed.outcome.code == Code.CALL_REVERTED
    assert (failed.outcome.fee_wei, failed.attempts) == (0, ())
    shown = await reads.session(scene.world, scene.principal, session_id=held.id)
    assert shown.usage.spent.counters[0].spent == 0  # only we could have brought it


async def _sign(scene: Scene, held: Held, activity: Activity, signature: bytes) -> Activity:
    return await run.sign(scene.world, held.principal, activity_id=activity.id, signature=signature)


async def test_a_session_without_a_signed_grant_cannot_act(scene: Scene) -> None:
    """A pending session is refused, whoever asks."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    opened = await open_session.open_session(
        scene.world, scene.principal, scene.request(), scene.command(holding)
    )
    who = as_holder(opened.session)
    with pytest.raises(Forbidden) as refused:
        await run.run(scene.world, who, scene.request(), calls=[scene.transfer(1)])
    assert refused.value.code is Code.SESSION_PENDING
    assert grant.granted(opened.session).owner_signature is None
