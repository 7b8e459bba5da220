"""Opening a session: what is refused, and what is written down when it is not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.flows.family import make_stranger
from tests.flows.keys import public_key
from tests.flows.scene import ALICE, CAP, HOUR_S, MALLORY
from tests.worlds import dump
from valetkey.core.errors import Code, Conflict, Forbidden, Malformed, NotFound
from valetkey.core.permission.model import ANYTHING, Cap, Constraint, Operator, Rule, Window
from valetkey.core.principal import Access
from valetkey.core.session import Proof, Session, State
from valetkey.core.token import fingerprint
from valetkey.core.wallet import Curve, OwnerKey, PublicKey
from valetkey.flows import open_session, organize, prove, stop
from valetkey.flows.prove import Bearer

if TYPE_CHECKING:
    from tests.flows.scene import Scene
    from valetkey.core.activity import Request
    from valetkey.core.command import OpenSession
    from valetkey.flows.open_session import Opened


async def test_a_bearer_session_reads_at_once(scene: Scene) -> None:
    """Its token proves it, is shown once, and only its fingerprint is kept."""
    opened = await _open(scene, scene.command(None, proof=Proof.BEARER))
    assert opened.session.state is State.OPEN
    assert opened.token is not None
    assert opened.session.fingerprint == fingerprint(opened.token)
    principal = await prove.authenticate(scene.world, Bearer(opened.token), is_write=False)
    assert (principal.subject_id, principal.access) == (opened.session.id, Access.READ)
    assert opened.token not in str(await dump(scene.world))


async def test_a_stamp_session_acts_with_a_key_that_is_here(scene: Scene) -> None:
    """The holder proves itself to us; the chain knows another key, bound to our relayer."""
    opened = await _open(scene, scene.command(await scene.wallet()))
    session = opened.session
    assert session.state is State.OPEN
    assert opened.token is None
    assert session.grant is not None
    assert session.grant.key_id is not None
    assert session.permission is not None
    assert session.permission.relayer == scene.world.relayer_address


async def test_a_chain_session_waits_for_an_owner_outside(scene: Scene) -> None:
    """It is pending until the owner signs, and its key is its holder's alone."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    opened = await _open(scene, scene.command(holding, proof=Proof.CHAIN))
    session = opened.session
    assert session.state is State.PENDING
    assert session.grant is not None
    assert session.grant.key_id is None
    assert session.owner_key is OwnerKey.OUTSIDE
    assert (await scene.sign_grant(session, holding.secret or b"")).state is State.OPEN


async def test_a_sealed_owner_opens_at_once(scene: Scene) -> None:
    """Where the owner's key is here, nobody has to sign; the session says so."""
    opened = await _open(scene, scene.command(await scene.wallet(), proof=Proof.CHAIN))
    assert opened.session.state is State.OPEN
    assert opened.session.owner_key is OwnerKey.SEALED


# RFC 8032, 7.1, test 1.
ED25519 = PublicKey(
    Curve.ED25519,
    bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
)
REFUSED: dict[str, dict[str, Any]] = {
    "a stamp without a key": {"proof": Proof.STAMP, "key": None},
    "a bearer with a key": {"proof": Proof.BEARER, "access": Access.READ, "permission": None},
    "a chain key that no contract checks": {"proof": Proof.CHAIN, "key": ED25519},
    "a chain session that reads": {"proof": Proof.CHAIN, "access": Access.READ},
    "writing without a permission": {"permission": None},
    "writing without an account": {"account_id": None},
    "reading with a permission": {"access": Access.READ},
    "an end before its start": {"expires_at": 5, "starts_at": 6},
    "other times than its permission": {"expires_at_in": HOUR_S - 1},
    "no idle time at all": {"idle_s": 0},
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_session_whose_parts_do_not_fit_is_refused(scene: Scene, case: str) -> None:
    """Proof, key, access, permission and times must fit together."""
    changed = REFUSED[case]
    if "expires_at_in" in changed:
        changed = {"expires_at": scene.clock.now() + changed["expires_at_in"]}
    command = replace(scene.command(await scene.wallet()), **changed)
    await _refuse(scene, command, Malformed, Code.MALFORMED_BODY)


async def test_a_bearer_token_never_writes(scene: Scene) -> None:
    """A token can be copied; power that can be copied is not given."""
    command = replace(scene.command(await scene.wallet()), proof=Proof.BEARER, key=None)
    await _refuse(scene, command, Forbidden, Code.NOT_ALLOWED)


async def test_a_session_ends_in_reasonable_time(scene: Scene) -> None:
    """Not in the past, and not later than the operator allows."""
    now = scene.clock.now()
    longest = scene.world.bounds.max_session_s
    plain = scene.command(None, proof=Proof.BEARER)
    await _open(scene, replace(plain, expires_at=now + longest))
    for starts_at, expires_at in (
        (now, now + longest + 1),
        (now - 10, now),
        (now - longest, now + 1),
    ):
        command = replace(plain, starts_at=starts_at, expires_at=expires_at)
        await _refuse(scene, command, Malformed, Code.MALFORMED_BODY)


async def test_a_permission_that_does_not_compile_opens_nothing(scene: Scene) -> None:
    """What the chain cannot enforce is refused, unless only this server reaches the chain."""
    holding = await scene.wallet()
    counted = scene.permission(fee_budget_wei=10**15)
    chain = scene.command(holding, proof=Proof.CHAIN, permission=counted)
    await _refuse(scene, chain, Malformed, Code.NOT_ON_CHAIN)
    idle = scene.command(holding, proof=Proof.CHAIN, idle_s=60)
    await _refuse(scene, idle, Malformed, Code.NOT_ON_CHAIN)
    nobody = scene.command(holding, permission=scene.permission(recipients=()))
    await _refuse(scene, nobody, Malformed, Code.NOT_ON_CHAIN)
    bound = replace(counted, relayer=scene.world.relayer_address)
    opened = await _open(
        scene, scene.command(holding, proof=Proof.CHAIN, permission=bound, idle_s=60)
    )
    assert opened.session.state is State.OPEN


async def test_a_session_binds_no_other_relayer(scene: Scene) -> None:
    """A run that only a stranger may bring would never come."""
    command = scene.command(await scene.wallet(), permission=scene.permission(relayer=MALLORY))
    await _refuse(scene, command, Malformed, Code.MALFORMED_PERMISSION)


async def test_a_permission_is_for_the_chain_of_the_account(scene: Scene) -> None:
    """A grant of another chain would bind nothing here."""
    permission = scene.permission(chain="eip155:1")
    command = scene.command(await scene.wallet(), permission=permission)
    await _refuse(scene, command, Malformed, Code.WRONG_CHAIN)


async def test_the_account_and_its_code_are_never_targets(scene: Scene) -> None:
    """A session that could call the account could give itself more."""
    holding = await scene.wallet()
    for target in (holding.account.address, scene.deployment.implementation):
        rules = (Rule(target, b"\x01\x02\x03\x04"),)
        limits = scene.permission(rules=rules, caps=(), recipients=ANYTHING)
        command = scene.command(holding, permission=limits)
        await _refuse(scene, command, Malformed, Code.MALFORMED_PERMISSION)


async def test_a_malformed_permission_is_refused(scene: Scene) -> None:
    """Every refusal of the permission itself reaches the caller, and nothing is kept."""
    holding = await scene.wallet()
    rule = scene.permission().rules[0]
    word = Constraint(63, Operator.EQUALS, (1,))
    for changed in (
        {"caps": (Cap(scene.token, 6),)},
        {"caps": (Cap(scene.token, 6, window=Window(CAP, 1)),)},
        {"rules": (rule, rule)},
        {"rules": (replace(rule, where=(word,)),)},
        {"recipients": (MALLORY, ALICE)},
        {"max_calls": 0},
    ):
        command = scene.command(holding, permission=scene.permission(**changed))
        await _refuse(scene, command, Malformed, Code.MALFORMED_PERMISSION)


async def test_a_key_holds_sessions_of_one_account(scene: Scene) -> None:
    """The same key for a second account is refused unless that is asked for by name."""
    one, two = await scene.wallet(), await scene.wallet()
    key = scene.new_key()
    first = await _open(scene, scene.command(one, secret=key))
    await _open(scene, scene.command(one, secret=key))
    second = scene.command(two, secret=key)
    await _refuse(scene, second, Conflict, Code.SESSION_KEY_IN_USE)
    shared = await _open(scene, replace(second, shares_key=True))
    assert shared.session.key == first.session.key


async def test_a_stranger_cannot_keep_a_key_from_its_holder(scene: Scene) -> None:
    """A public key is public: that another organization names it says and takes nothing."""
    key = scene.new_key()
    owner = scene.founded
    stranger = await make_stranger(scene)
    scene.founded = stranger
    taken = await _open(scene, scene.command(await scene.wallet(), secret=key))
    scene.founded = owner
    mine = await _open(scene, scene.command(await scene.wallet(), secret=key))
    assert mine.session.key == taken.session.key


async def test_a_key_is_free_when_its_sessions_are_over(scene: Scene) -> None:
    """A key that holds nothing any more may hold a session of another account."""
    one, two = await scene.wallet(), await scene.wallet()
    key = scene.new_key()
    opened = await _open(scene, scene.command(one, secret=key))
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=opened.session.id)
    await _open(scene, scene.command(two, secret=key))


async def test_an_exhausted_session_still_holds_its_key(scene: Scene) -> None:
    """A released call opens it again, so it is not over."""
    one, two = await scene.wallet(), await scene.wallet()
    key = scene.new_key()
    limits = scene.permission(max_calls=1)
    held = await scene.open(one, permission=limits, key=public_key(Curve.P256, key))
    await scene.run(held, scene.transfer(1))
    await _refuse(scene, scene.command(two, secret=key), Conflict, Code.SESSION_KEY_IN_USE)


async def test_the_user_of_a_session_is_the_accounts(scene: Scene) -> None:
    """A session is booked to its user's budgets, so it cannot name another one."""
    users = [
        await organize.add_user(scene.world, scene.principal, scene.request(), reference=name)
        for name in ("anna", "berta")
    ]
    holding = await scene.wallet(user_id=users[0].id)
    opened = await _open(scene, scene.command(holding))
    assert opened.session.user_id == users[0].id
    other = scene.command(holding, user_id=users[1].id)
    await _refuse(scene, other, Malformed, Code.MALFORMED_BODY)
    nobody = scene.command(holding, user_id="usr_" + "0" * 24)
    await _refuse(scene, nobody, NotFound, Code.NOT_FOUND)


async def test_the_same_request_opens_one_session(scene: Scene) -> None:
    """A repeated request returns the session that it opened, whatever happened since."""
    command = scene.command(await scene.wallet())
    request = scene.request()
    first = await _open(scene, command, request)
    again = await _open(scene, command, request)
    assert again.session.id == first.session.id
    assert await _count(scene) == 1
    scene.line.is_cut = True
    scene.clock.advance(HOUR_S + 1)
    late = await _open(scene, command, request)
    assert late.session.id == first.session.id
    scene.line.is_cut = False


async def test_a_repeated_request_does_not_show_the_token_again(scene: Scene) -> None:
    """Only its fingerprint is kept, so there is nothing to show."""
    request = scene.request()
    command = scene.command(None, proof=Proof.BEARER)
    assert (await _open(scene, command, request)).token is not None
    assert (await _open(scene, command, request)).token is None


async def test_a_key_that_is_no_point_is_refused(scene: Scene) -> None:
    """A session that nobody could ever use is not opened."""
    holding = await scene.wallet()
    for curve, data in ((Curve.P256, bytes(33)), (Curve.SECP256K1, b"\x02" + b"\xff" * 32)):
        proof = Proof.CHAIN if curve is Curve.SECP256K1 else Proof.STAMP
        command = scene.command(holding, proof=proof, key=PublicKey(curve, data))
        await _refuse(scene, command, Malformed, Code.MALFORMED_BODY)


async def _open(scene: Scene, command: OpenSession, request: Request | None = None) -> Opened:
    asked = request or scene.request()
    return await open_session.open_session(scene.world, scene.principal, asked, command)


async def _refuse(
    scene: Scene,
    command: OpenSession,
    kind: type[Malformed | Forbidden | Conflict | NotFound],
    code: Code,
) -> None:
    before = await dump(scene.world)
    with pytest.raises(kind) as refused:
        await _open(scene, command)
    assert refused.value.code is code
    assert await dump(scene.world) == before


async def _count(scene: Scene) -> int:
    return len(await scene.world.store.read(lambda view: view.find(Session)))
