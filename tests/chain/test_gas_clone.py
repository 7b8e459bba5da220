"""What clones cost, and the standards beside sessions, on both chains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.chain.clones import Clone, Factory, signed_execution
from tests.chain.executions import execution, fresh_nonce
from tests.chain.gas_rows import limited
from tests.chain.redemptions import paid, redeem
from tests.chain.session import Owner, Session
from tests.chain.world import RECIPIENT, ROOT, TRANSFER, USDC, World, transfer, words
from valetkey.devchain import DevKey, Engine
from valetkey.spec.erc7821 import Call, execute_calldata
from valetkey.spec.multicall import multicall_calldata
from valetkey.spec.permission_bytes import raise_epoch_calldata
from valetkey.spec.secp256k1 import address_of_key

if TYPE_CHECKING:
    import pytest

    from tests.chain.world import Receipt

GATES: Final = {
    "clone: count": 54_500,
    "clone: first use, count": 79_850,
    "clone: deployed, granted and first transfer in one": 148_000,
    "clone: revoke all by raising the epoch": 31_250,
    "redeemed by the session key, count": 51_350,
    "redeemed by the session key on a clone, count": 56_800,
    "sent unsigned by the session key, count": 45_700,
    "executed by the owner itself": 40_650,
    "executed by the owner's signature": 53_800,
    "two sessions in one by many acts, each": 34_750,
    "executed by a session key, first use, count": 108_500,
    "executed by a session key, count": 81_550,
    "executed by a session key, cap": 82_050,
    "executed by a session key on a clone, count": 86_850,
}
# Under a key of its own each, as pending operations are, and none of its 24 bytes is zero.
NONCE_KEYS: Final = int.from_bytes(b"\x80" * 24) << 64


def third(session: Session) -> int:
    """Return the gas of the third run."""
    for nonce in range(3):
        receipt = session.submit(session.run(transfer(USDC), nonce=nonce, first=nonce == 0))
        assert receipt.succeeded
    return receipt.gas_used


def by_key(session: Session, data: bytes) -> Receipt:
    """Send *data* from the session key."""
    key = DevKey(session.secret, address_of_key(session.secret))
    assert session.world.send(key.address, value_wei=10**17).succeeded
    receipt = session.world.send(session.account, data, by=key)
    assert receipt.succeeded
    return receipt


def redeemed(session: Session) -> int:
    """Return the gas of the third redemption."""
    session.register()
    for _ in range(3):
        receipt = by_key(session, redeem(session, paid(session, USDC)))
    return receipt.gas_used


def executed(session: Session) -> tuple[int, int]:
    """Return the gas of the first and of the third execution that the session key signs."""
    gas = []
    for number in range(3):
        nonce = NONCE_KEYS + fresh_nonce()
        call = Call(session.world.token, 0, TRANSFER + words(RECIPIENT, USDC))
        receipt = session.submit(execution(session, call, first=number == 0, nonce=nonce))
        assert receipt.succeeded
        gas.append(receipt.gas_used)
    return gas[0], gas[2]


def measure_clone(factory: Factory) -> dict[str, int]:
    """Return what is different on a clone."""
    world = factory.world
    account = Clone.deployed(factory)
    first = Session.opened(account)
    data = first.run(transfer(USDC), first=True)
    planned = Clone.planned(factory)
    world.mint(planned.address, 10 * USDC)
    whole = planned.deploy(Session.opened(planned).run(transfer(USDC), first=True))
    assert whole.succeeded
    note = signed_execution(account, [])
    assert world.send(account.address, note).succeeded
    return {
        "clone: first use, count": first.submit(data).gas_used,
        "clone: count": third(Session.opened(account)),
        "clone: deployed, granted and first transfer in one": whole.gas_used,
        "executed by a session key on a clone, count": executed(Session.opened(account))[1],
        "redeemed by the session key on a clone, count": redeemed(Session.opened(account)),
        "clone: revoke all by raising the epoch": account.send_self(
            raise_epoch_calldata()
        ).gas_used,
    }


def measure_delegate(world: World) -> dict[str, int]:
    """Return what the standards beside sessions cost on an account by delegation."""
    account = Owner.delegated(world)
    payment = [Call(world.token, 0, TRANSFER + words(RECIPIENT, USDC))]
    for nonce in range(3):
        signed = world.send(account.address, signed_execution(account, payment, nonce=nonce))
        assert signed.succeeded
        own = account.send_self(execute_calldata(payment))
        assert own.succeeded
    one, two = Session.opened(account), Session.opened(account)
    unsigned = Session.opened(account)
    for session in (one, two, unsigned):
        third(session)
    sent = unsigned.run(transfer(USDC), nonce=3)
    runs = [session.run(transfer(USDC), nonce=3) for session in (one, two)]
    many = world.send(account.address, multicall_calldata(runs))
    assert many.succeeded
    first, steady = executed(limited(account, "count"))
    return {
        "executed by a session key, first use, count": first,
        "executed by a session key, count": steady,
        "executed by a session key, cap": executed(limited(account, "cap"))[1],
        "sent unsigned by the session key, count": by_key(
            unsigned, sent[:-65] + bytes(65)
        ).gas_used,
        "redeemed by the session key, count": redeemed(Session.opened(account)),
        "executed by the owner itself": own.gas_used,
        "executed by the owner's signature": signed.gas_used,
        "two sessions in one by many acts, each": many.gas_used // 2,
    }


def test_every_row_is_within_its_gate(world: World, request: pytest.FixtureRequest) -> None:
    """One ERC-20 transfer each, of the token that others are measured with."""
    common = World(world.rpc, erc20="HarnessToken")
    rows = measure_clone(Factory.on(common)) | measure_delegate(common)
    engine = Engine(request.node.callspec.params["world"])
    width = max(map(len, rows))
    lines = [f"{row:{width}}  {rows[row]:7,}  of {gate:7,}" for row, gate in GATES.items()]
    report = "\n".join([f"gas on {engine}", *lines, ""])
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / f"gas-clone-{engine}.txt").write_text(report)
    print(f"\n{report}")  # noqa: T201 - shown with -s
    assert {row: gas for row, gas in rows.items() if gas > GATES[row]} == {}
