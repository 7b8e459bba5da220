"""What the port reads of a grant, and how it names the contract's refusals, on each local chain."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.adapters.chain.kit import RECIPIENT, REVERTER, delegation, granted, submit, transaction
from valetkey.core.chain import Counter, GrantStage, GrantState
from valetkey.core.errors import ChainRejected, Code
from valetkey.devchain import create, mint
from valetkey.spec import permission_bytes as pb
from valetkey.spec.keccak import keccak256

if TYPE_CHECKING:
    from collections.abc import Callable

    from valetkey.adapters.chain.evm import EvmChain
    from valetkey.devchain import Deployment, DevKey, Node

pytest_plugins = ("tests.chains",)

UNTOUCHED = GrantState(
    stage=GrantStage.UNKNOWN,
    calls=0,
    nonce_base=0,
    nonce_bitmap=0,
    counters=(Counter(0, 0), Counter(0, 0)),
    freeze_sequence=0,
)


async def test_a_grant_is_followed_from_first_use_to_revocation(
    chain: EvmChain, deployment: Deployment, node: Node, new_key: Callable[[], DevKey]
) -> None:
    """Stage, calls, nonces, counters and freezes are those of the contract after each step."""
    relayer, owner, session = new_key(), new_key(), new_key()
    mint(node.rpc, deployment, owner.address, 1000)
    grant = granted(chain, owner, session, deployment.token)
    before = await chain.token_balance(deployment.token, RECIPIENT)

    async def state() -> GrantState:
        return await chain.grant_state(owner.address, grant.id, counters=2)

    async def act(key: DevKey, data: bytes) -> None:
        wanted = transaction(key.address, owner.address, data)
        assert await chain.simulate(wanted) > 21_000
        assert (await submit(chain, key, wanted)).succeeded

    assert await state() == UNTOUCHED
    first = replace(
        transaction(relayer.address, owner.address, grant.run(30, nonce=0, first=True)),
        authorizations=(await delegation(chain, owner),),
    )
    assert await chain.simulate(first) > 46_000
    assert (await submit(chain, relayer, first)).succeeded
    assert await chain.token_balance(deployment.token, RECIPIENT) == before + 30
    opened = await state()
    assert opened == replace(
        UNTOUCHED,
        stage=GrantStage.OPEN,
        calls=1,
        nonce_base=1,
        counters=(Counter(30, 0), Counter(30, opened.counters[1].window)),
    )

    await act(relayer, grant.run(5, nonce=3))
    ahead = await state()
    assert (ahead.calls, ahead.nonce_base, ahead.nonce_bitmap) == (2, 1, 0b10)
    assert [counter.spent for counter in ahead.counters] == [35, 35]
    assert [ahead.is_nonce_free(nonce) for nonce in range(5)] == [False, True, True, False, True]

    await act(owner, pb.freeze_calldata(grant.id))
    frozen = await state()
    assert (frozen.stage, frozen.freeze_sequence) == (GrantStage.FROZEN, 1)
    await act(owner, pb.revoke_calldata(grant.id))
    assert await state() == replace(frozen, stage=GrantStage.REVOKED)


async def test_fewer_counters_may_be_asked_for(
    chain: EvmChain, new_key: Callable[[], DevKey]
) -> None:
    """A grant without caps has none, although the first shares the slot of the state."""
    account = new_key().address
    for count in range(9):
        state = await chain.grant_state(account, b"\x55" * 32, counters=count)
        assert state == replace(UNTOUCHED, counters=(Counter(0, 0),) * count)


async def test_an_epoch_is_read_and_raised(chain: EvmChain, new_key: Callable[[], DevKey]) -> None:
    """0 before any delegation; what the account says afterwards."""
    owner = new_key()
    assert await chain.epoch(owner.address) == 0
    relayer = new_key()
    wanted = replace(
        transaction(relayer.address, owner.address),
        authorizations=(await delegation(chain, owner),),
    )
    assert (await submit(chain, relayer, wanted)).succeeded
    assert await chain.epoch(owner.address) == 0
    raised = transaction(owner.address, owner.address, pb.raise_epoch_calldata())
    assert (await submit(chain, owner, raised)).succeeded
    assert await chain.epoch(owner.address) == 1


def words(*values: int) -> bytes:
    """Return *values* as 32-byte words."""
    return b"".join(value.to_bytes(32, "big") for value in values)


def error(signature: str, *values: int) -> bytes:
    """Return the revert data of a custom error."""
    return keccak256(signature.encode())[:4] + words(*values)


REFUSALS: list[tuple[bytes, Code, dict[str, Any]]] = [
    (error("Malformed()"), Code.MALFORMED_RUN, {}),
    (error("GrantNotStarted()"), Code.SESSION_NOT_STARTED, {}),
    (error("GrantExpired()"), Code.SESSION_EXPIRED, {}),
    (error("DeadlinePassed()"), Code.DEADLINE_PASSED, {}),
    (error("RelayerNotAllowed()"), Code.RELAYER_NOT_ALLOWED, {}),
    (error("GrantRevoked()"), Code.SESSION_REVOKED, {}),
    (error("GrantFrozen()"), Code.SESSION_FROZEN, {}),
    (error("NotGranted()"), Code.NOT_GRANTED, {}),
    (error("SignatureRefused()"), Code.SIGNATURE_REFUSED, {}),
    (error("NonceUsed()"), Code.NONCE_USED, {}),
    (error("NonceTooFar()"), Code.NONCE_TOO_FAR, {}),
    (error("TooManyCalls()"), Code.TOO_MANY_CALLS, {}),
    (error("NoSuchRule(uint256)", 3), Code.NO_SUCH_RULE, {"call": 3}),
    (error("TargetForbidden(uint256)", 1), Code.TARGET_FORBIDDEN, {"rule": 1}),
    (
        error("ArgumentMissing(uint256,uint256)", 1, 2),
        Code.ARGUMENT_MISSING,
        {"call": 1, "argument": 2},
    ),
    (
        error("ArgumentRefused(uint256,uint256)", 0, 62),
        Code.ARGUMENT_REFUSED,
        {"call": 0, "argument": 62},
    ),
    (error("CapExceeded(uint256,uint256)", 4, 7), Code.CAP_EXCEEDED, {"call": 4, "cap": 7}),
    (error("GrantNotFrozen()"), Code.SESSION_STATE, {}),
    (error("OnlyAccount()"), Code.NOT_ALLOWED, {}),
    (error("ModeRefused(bytes32)", 7), Code.MALFORMED_RUN, {"mode": 7}),
    (error("RuleMismatch(uint256)", 2), Code.NO_SUCH_RULE, {"call": 2}),
    (error("OwnerRefused()"), Code.NOT_ALLOWED, {}),
    (
        error("Error(string)", 32, 4) + b"nope".ljust(32, b"\0"),
        Code.CALL_REVERTED,
        {"reason": "nope"},
    ),
    (error("Panic(uint256)", 0x11), Code.CALL_REVERTED, {"panic": 0x11}),
    (bytes.fromhex("deadbeef"), Code.CALL_REVERTED, {"selector": "0xdeadbeef"}),
    (b"\x01", Code.CALL_REVERTED, {"selector": "0x01"}),
    (b"", Code.CALL_REVERTED, {}),
]


@pytest.mark.parametrize(
    ("data", "code", "facts"),
    REFUSALS,
    ids=[f"{code}-{data[:4].hex()}" for data, code, _ in REFUSALS],
)
async def test_a_reverted_call_is_decoded(
    chain: EvmChain, reverter: bytes, data: bytes, code: Code, facts: dict[str, Any]
) -> None:
    """The same code and facts on each chain, however its node words an error."""
    with pytest.raises(ChainRejected) as refused:
        await chain.simulate(transaction(RECIPIENT, reverter, data))
    assert refused.value.code is code
    shown = {name: value for name, value in refused.value.facts.items() if name in facts}
    assert shown == facts


@pytest.fixture(scope="session")
def reverter(node: Node, deployment: Deployment) -> bytes:
    """Return a contract that reverts with its own calldata."""
    return create(node.rpc, deployment.deployer, REVERTER)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (bytes.fromhex("fe"), r"(?i)invalid"),  # an invalid instruction
        (bytes.fromhex("600064ffffffffff52"), r"(?i)out ?of ?gas"),  # a terabyte of memory
    ],
    ids=["invalid", "greedy"],
)
async def test_a_call_that_fails_without_reverting_is_told(
    chain: EvmChain, deployment: Deployment, node: Node, code: bytes, said: str
) -> None:
    """There is no revert data; it is ``call_reverted`` with the node's word for it."""
    init = bytes.fromhex(f"60{len(code):02x}600c60003960{len(code):02x}6000f3") + code
    target = create(node.rpc, deployment.deployer, init)
    with pytest.raises(ChainRejected, match=said) as refused:
        await chain.simulate(transaction(RECIPIENT, target))
    assert refused.value.code is Code.CALL_REVERTED


async def test_the_account_itself_refuses_by_name(
    chain: EvmChain, deployment: Deployment, node: Node, new_key: Callable[[], DevKey]
) -> None:
    """Each from the deployed contract, in simulation; nothing changes."""
    relayer, owner, session = new_key(), new_key(), new_key()
    mint(node.rpc, deployment, owner.address, 1000)
    delegated = replace(
        transaction(relayer.address, owner.address),
        authorizations=(await delegation(chain, owner),),
    )
    assert (await submit(chain, relayer, delegated)).succeeded

    async def refusal(grant_fields: dict[str, Any], **run: Any) -> tuple[Code, dict[str, object]]:  # noqa: ANN401 - those of a run
        grant = granted(chain, owner, session, deployment.token, **grant_fields)
        data = grant.run(**{"amount": 1, "nonce": 0, "first": True} | run)
        with pytest.raises(ChainRejected) as refused:
            await chain.simulate(transaction(relayer.address, owner.address, data))
        facts = {name: value for name, value in refused.value.facts.items() if name != "error"}
        return refused.value.code, facts

    now = (await chain.head()).at
    assert await refusal({"expires_at": now}) == (Code.SESSION_EXPIRED, {})
    assert await refusal({"starts_at": now + 1000}) == (Code.SESSION_NOT_STARTED, {})
    assert await refusal({"relayer": RECIPIENT}) == (Code.RELAYER_NOT_ALLOWED, {})
    assert await refusal({}, first=False) == (Code.NOT_GRANTED, {})
    assert await refusal({}, by=owner) == (Code.SIGNATURE_REFUSED, {})
    assert await refusal({}, nonce=31) == (Code.NONCE_TOO_FAR, {})
    assert await refusal({}, amount=101) == (Code.CAP_EXCEEDED, {"call": 0, "cap": 0})
    assert await refusal({}, amount=51) == (Code.CAP_EXCEEDED, {"call": 0, "cap": 1})
    too_much = await refusal({"caps": (pb.Cap(10**9), pb.Cap(10**9, 60))}, amount=1001)
    assert too_much[0] is Code.CALL_REVERTED
    selector = keccak256(b"InsufficientBalance(address,uint256,uint256)")[:4]
    assert too_much[1]["selector"] == "0x" + selector.hex()
