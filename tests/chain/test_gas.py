"""What a sponsored ERC-20 transfer costs, row by row, on both chains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.chain.session import DAY_S, Owner, Session, token_rule
from tests.chain.world import (
    OTHER_RECIPIENT,
    RECIPIENT,
    ROOT,
    TRANSFER,
    USDC,
    World,
    transfer,
    words,
)
from valetkey.devchain import CHAIN_ID, Engine, choose, dev_keys
from valetkey.spec import permission_bytes as pb

if TYPE_CHECKING:
    from collections.abc import Callable

LIFETIME: Final = (pb.Cap(1_000 * USDC),)
TO: Final = int.from_bytes(RECIPIENT, "big")
OR: Final = int.from_bytes(OTHER_RECIPIENT, "big")
METER: Final = pb.Meter(1, 0)
ONE: Final = pb.Constraint(0, pb.Operator.EQUALS, (TO,))
TWO: Final = pb.Constraint(0, pb.Operator.ONE_OF, (OR, TO))

# Row, its gate, the rule's meters and constraints, the caps. Steady is the third use.
STEADY: Final = {
    "count": (50_000, (), (), ()),
    "cap": (50_400, (METER,), (), LIFETIME),
    "windowed cap": (50_700, (METER,), (), (pb.Cap(1_000 * USDC, DAY_S),)),
    "cap, one recipient": (50_900, (METER,), (ONE,), LIFETIME),
    "cap, one of two recipients": (51_300, (METER,), (TWO,), LIFETIME),
    "two caps": (56_000, (METER, pb.Meter(1, 1)), (), (*LIFETIME, pb.Cap(5_000 * USDC))),
}
NOISE: Final = 72  # a zero byte more or less in an address, a key, a time or a signature


def steady(
    owner: Owner, row: str, calls: int = 1, *, personal: bool = False
) -> tuple[int, int, int]:
    """Return the gas of the first and of the third use, and the third's bytes of calldata."""
    _, meters, constraints, caps = STEADY[row]
    session = Session.opened(
        owner, token_rule(owner.world, meters=meters, constraints=constraints), caps=caps
    )
    made = [transfer(USDC)] * calls
    first = session.submit(session.run(*made, first=True))
    assert first.succeeded
    assert session.submit(session.run(*made, nonce=1)).succeeded
    data = session.run(*made, nonce=2, personal=personal)
    third = session.submit(data)
    assert third.succeeded
    return first.gas_used, third.gas_used, len(data)


def measure(owner: Owner) -> dict[str, tuple[int, int]]:
    """Return each row with its gas and its gate."""
    world = owner.world
    rows = {row: (steady(owner, row)[1], gate) for row, (gate, *_) in STEADY.items()}
    rows["cap, personal signature"] = (steady(owner, "cap", personal=True)[1], 50_700)
    rows["first use, count"] = (steady(owner, "count")[0], 78_500)
    rows["first use, cap"] = (steady(owner, "cap")[0], 79_500)
    rows["batch of ten, cap"] = (steady(owner, "cap", 10)[1], 94_000)
    session = Session.opened(owner)
    rows["register, count"] = (session.register().gas_used, 57_500)
    assert session.submit(session.run(transfer(1))).succeeded
    typed = pb.revoke_typed_data(session.id, chain_id=CHAIN_ID, account=owner.address)
    note = session.submit(pb.revoke_signed_calldata(session.id, owner.sign(typed)))
    rows["revoke, relayed"] = (note.gas_used, 34_500)
    other = Session.opened(owner)
    other.register()
    rows["revoke, by the account"] = (
        owner.send_self(pb.revoke_calldata(other.id)).gas_used,
        28_500,
    )
    key = dev_keys()[5]
    world.mint(key.address, 10 * USDC)
    for _ in range(2):
        plain = world.send(world.token, TRANSFER + words(RECIPIENT, USDC), by=key)
    rows["plain transfer of the token, without us"] = (plain.gas_used, 34_500)
    return rows


@pytest.fixture
def owner(world: World) -> Owner:
    """Return an account with OpenZeppelin's token, which is what the gates are about."""
    return Owner.delegated(World(world.rpc, erc20="HarnessToken"))


@pytest.fixture(scope="module")
def tables() -> dict[Engine, dict[str, tuple[int, int]]]:
    """Return what was measured so far, by engine."""
    return {}


def test_every_row_is_within_its_gate(
    owner: Owner,
    tables: dict[Engine, dict[str, tuple[int, int]]],
    request: pytest.FixtureRequest,
) -> None:
    """The gates are promises; the two chains agree but for the bytes of signatures."""
    rows = measure(owner)
    engine = Engine(request.node.callspec.params["world"])
    tables[engine] = rows
    width = max(map(len, rows))
    lines = [f"{row:{width}}  {gas:7,}  of {gate:7,}" for row, (gas, gate) in rows.items()]
    report = "\n".join([f"gas on {engine}", *lines, ""])
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / f"gas-{engine}.txt").write_text(report)
    print(f"\n{report}")  # noqa: T201 - shown with -s
    assert {row: gas for row, (gas, gate) in rows.items() if gas > gate} == {}
    for other in tables.values():
        assert {
            row: gas for row, (gas, _) in rows.items() if abs(gas - other[row][0]) > NOISE
        } == {}


def test_a_pair_of_rows_shows_what_a_limit_costs(owner: Owner) -> None:
    """A second cap costs a slot, a personal signature a hash."""
    cap = steady(owner, "cap")[1]
    assert steady(owner, "two caps")[1] - cap <= 5_700 + NOISE
    assert steady(owner, "cap", personal=True)[1] - cap <= 300


def test_an_engine_is_installed() -> None:
    """The figures above are of a chain, not of nothing: at least one must run here."""
    found: list[Callable[[], object] | object] = [choose(engine) for engine in Engine]
    assert any(choice is not None for choice in found)
