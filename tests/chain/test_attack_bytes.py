"""Calldata at its edges: lengths near 2**16, offsets that wrap, dirty bits, and too little gas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from eth_abi.abi import encode

from tests.chain.clones import Clone, Factory, signed_execution
from tests.chain.redemptions import paid, redeem, refusal
from tests.chain.session import Owner, Session
from tests.chain.world import RECIPIENT, selector, transfer, words
from valetkey.devchain import NodeError
from valetkey.spec import permission_bytes as pb
from valetkey.spec.clone import transfer_ownership_calldata
from valetkey.spec.erc7710 import Execution
from valetkey.spec.erc7821 import Call
from valetkey.spec.keccak import keccak256
from valetkey.spec.transaction import created_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chain.world import World

MALFORMED = pb.Refusal("Malformed")
LONGEST = 2**16 - 1
RECORD = selector("record(uint256)")
HASHES = bytes.fromhex("600d600a5f39600d5ff3365f5f37365f205f5260205ffd")
"""Makes a contract that reverts with the Keccak-256 of what it is called with."""


@pytest.fixture
def session(owner: Owner) -> Session:
    """Return an open session for a target that records its input."""
    target = owner.world.deploy("FailingTarget")
    return opened(owner, pb.Rule(pb.RuleKind.CALL, target, RECORD))


def opened(owner: Owner, *rules: pb.Rule) -> Session:
    """Return a session under *rules* that is on chain."""
    session = Session.opened(owner, *rules)
    session.register()
    return session


def with_gas(world: World, to: bytes, data: bytes, gas: int) -> bytes | None:
    """Return what *to* answers to a call with that much gas, ``None`` if it reverts."""
    question = {"from": f"0x{world.relayer.address.hex()}", "to": f"0x{to.hex()}"}
    question |= {"input": f"0x{data.hex()}", "gas": hex(gas)}
    try:
        return bytes.fromhex(world.rpc.ask("eth_call", question, "latest")[2:])
    except NodeError:
        return None


@pytest.mark.parametrize("length", [LONGEST - 4, LONGEST - 3, LONGEST])
def test_the_longest_call_arrives_whole(owner: Owner, length: int) -> None:
    """The selector is counted beside the arguments: their sum may be more than 16 bits hold."""
    world = owner.world
    at = world.nonce_of(world.relayer.address)
    assert world.send(None, HASHES).succeeded
    target = created_address(world.relayer.address, at)
    arguments = (bytes(range(1, 252)) * (length // 251 + 1))[:length]
    exact = opened(owner, pb.Rule(pb.RuleKind.CALL, target, RECORD))
    assert exact.refusal(exact.run(pb.RunCall(0, arguments))) == keccak256(RECORD + arguments)
    wide = opened(owner, pb.Rule(pb.RuleKind.ANY_SELECTOR, target))
    assert wide.refusal(wide.run(pb.RunCall(0, arguments))) == keccak256(arguments)


def test_a_length_that_ends_behind_the_calls_is_refused(session: Session) -> None:
    """Whether by one byte, into the signature, or far behind the calldata."""
    for length, room in ((33, 32), (32 + 65, 32), (LONGEST, 32), (31, 32), (0, 32)):
        calls = b"\1\0" + length.to_bytes(2, "big") + bytes(room)
        assert session.refusal(session.packed_run(calls)) == MALFORMED
    two = b"\2\0" + LONGEST.to_bytes(2, "big") + bytes(40)
    assert session.refusal(session.packed_run(two)) in {MALFORMED, pb.Refusal("NoSuchRule", (1,))}


@pytest.mark.parametrize("first", [False, True])
def test_a_run_too_short_for_its_signatures_is_malformed(session: Session, first: bool) -> None:  # noqa: FBT001
    """Counted from the end, its calls end before the calldata begins: that is no huge number."""
    data = session.run(pb.RunCall(0, words(1)), first=first)
    shortest = 6 + len(session.packed) + 9
    signatures = 130 if first else 65
    for length in (shortest, 64, 65, 66, 129, 130, 131, shortest + signatures):
        if shortest <= length <= shortest + signatures:
            assert session.refusal(data[:length]) == MALFORMED
    assert session.refusal(data) is None


def test_a_redemption_says_no_longer_call_than_a_run_can(session: Session) -> None:
    """A length that does not fit into 16 bits is refused, not cut to its lower half."""
    target = session.grant.rules[0].target
    for extra, expected in ((-4, None), (-3, pb.Refusal("RuleMismatch", (0,)))):
        data = RECORD + bytes(LONGEST + extra)
        assert refusal(session, redeem(session, Execution(target, 0, data))) == expected
    wrapped = Execution(target, 0, RECORD + bytes(2**16))
    found = refusal(session, redeem(session, wrapped))
    assert found == pb.Refusal("RuleMismatch", (0,))


def test_more_rule_numbers_than_a_run_can_count_are_refused(session: Session) -> None:
    """256 of them would spill from the count of calls into the deadline beside it."""
    call = Execution(session.grant.rules[0].target, 0, RECORD + words(1))
    for count in (256, 257, 511):
        single = redeem(session, call, rules=(0,) * count)
        assert refusal(session, single) == MALFORMED
        batch = redeem(session, *[call] * count, rules=(0,) * count)
        assert refusal(session, batch) == MALFORMED
    most = redeem(session, *[call] * 255, rules=(0,) * 255)
    assert refusal(session, most) is None


def test_bytes_behind_the_last_proof_are_malformed(owner: Owner) -> None:
    """Though the session key has signed them: there is one open form of the same rules."""
    rules = [pb.Rule(pb.RuleKind.CALL, RECIPIENT, bytes((i, 1, 2, 3))) for i in range(4)]
    session = Session.in_tree(owner, *rules)
    session.register()
    good = pb.pack_run(session.grant, [pb.RunCall(2)], session.tree)
    assert session.refusal(session.packed_run(good.calls, grant=good.grant)) is None
    for more in (b"\0", bytes(32), b"\xff" * 33):
        longer = session.packed_run(good.calls, grant=good.grant + more)
        assert session.refusal(longer) == MALFORMED


def test_dirty_bits_above_an_address_are_not_passed_over(owner: Owner) -> None:
    """What is checked and what is called would be two addresses."""
    world = owner.world
    session = Session.opened(owner)
    session.register()
    good = redeem(session, paid(session), paid(session), rules=(0, 0))
    assert refusal(session, good) is None
    token = words(world.token)
    assert good.count(token) == 2
    assert refusal(session, good.replace(token, b"\1" + token[1:])) == b""
    execution = signed_execution(owner, [Call(world.token, 0, b"")])
    assert world.refusal(owner.address, execution.replace(token, b"\1" + token[1:])) == b""
    account = Clone.deployed(Factory.on(world))
    data = bytearray(transfer_ownership_calldata(RECIPIENT))
    data[4] = 1
    found = world.refusal(account.address, bytes(data), sender=account.key.address)
    assert found == b""


def far(data: bytes) -> Iterator[bytes]:
    """Return *data* with each word that could be an offset or a length made huge."""
    huge = (2**256 - 1, 2**256 - 32, 2**255, 2**64, 2**256 - len(data))
    for at in range(4, len(data) - 31, 32):
        word = int.from_bytes(data[at : at + 32])
        if word < len(data):
            yield from (data[:at] + words(number) + data[at + 32 :] for number in huge)


def test_offsets_and_lengths_that_wrap_lead_nowhere(owner: Owner) -> None:
    """Neither for the owner's calls, nor for redemptions, nor for many acts in one."""
    world = owner.world
    session = Session.opened(owner)
    session.register()
    holder = pb.decode_grant(session.packed).key
    # Inputs that are nowhere else: an offset may point backwards, at the same bytes again.
    calls = [Call(RECIPIENT, i, bytes((0x10 + i,)) * 32) for i in (1, 2)]
    execution = signed_execution(owner, calls)
    redemption = redeem(session, paid(session), paid(session, 2), rules=(0, 0))
    acts = encode(["bytes[]"], [[session.run(transfer(1)), session.run(nonce=1)]])
    many = selector("multicall(bytes[])") + acts
    for data in (execution, redemption, many):
        assert world.refusal(owner.address, data, sender=holder) is None
        for bent in far(data):
            assert world.reason(owner.address, bent, sender=holder) is not None


def test_a_forged_signature_is_not_taken_for_want_of_gas(session: Session) -> None:
    """The precompile that recovers may run out of gas alone; then nobody has signed."""
    run = session.run(pb.RunCall(0, words(1)))
    forged = run[:-33] + words(1) + run[-1:]
    for gas in range(24_000, 60_000, 250):
        assert with_gas(session.world, session.account, forged, gas) is None
    assert with_gas(session.world, session.account, run, 300_000) == b""


def test_a_deployment_that_runs_out_of_gas_is_none(world: World) -> None:
    """Wherever it ends: no act goes to an account that is not there, and no funds stay behind."""
    account = Clone.planned(Factory.on(world))
    assert account.factory is not None
    answers = set()
    for gas in range(50_000, 130_000, 200):
        answer = with_gas(world, account.factory.address, account.deploy_data(), gas)
        answers.add(answer)
        assert answer in (None, words(account.address))
    assert len(answers) == 2
