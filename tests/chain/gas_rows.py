"""What a sponsored ERC-20 transfer costs under each kind of limit, measured on a chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.chain.session import DAY_S, Owner, Session, token_rule
from tests.chain.world import (
    OTHER_RECIPIENT,
    RECIPIENT,
    TRANSFER,
    USDC,
    World,
    selector,
    transfer,
    words,
)
from valetkey.devchain import CHAIN_ID, dev_keys
from valetkey.spec import permission_bytes as pb

if TYPE_CHECKING:
    from collections.abc import Mapping

LIFETIME: Final = (pb.Cap(1_000 * USDC),)
METER: Final = pb.Meter(1, 0)
TO: Final = int.from_bytes(RECIPIENT, "big")
OR: Final = int.from_bytes(OTHER_RECIPIENT, "big")
ONE: Final = pb.Constraint(0, pb.Operator.EQUALS, (TO,))
TWO: Final = pb.Constraint(0, pb.Operator.ONE_OF, (OR, TO))
AT_MOST: Final = pb.Constraint(1, pb.Operator.AT_MOST, (2 * USDC,))
RECORD: Final = selector("record(uint256)")

# Row: the rule's meters and constraints, the caps of the grant.
LIMITS: Final[Mapping[str, tuple[Any, Any, Any]]] = {
    "count": ((), (), ()),
    "cap": ((METER,), (), LIFETIME),
    "windowed cap": ((METER,), (), (pb.Cap(1_000 * USDC, DAY_S),)),
    "cap, one recipient": ((METER,), (ONE,), LIFETIME),
    "cap, one of two recipients": ((METER,), (TWO,), LIFETIME),
    "cap, at most": ((METER,), (AT_MOST,), LIFETIME),
    "two caps": ((METER, pb.Meter(1, 1)), (), (*LIFETIME, pb.Cap(5_000 * USDC))),
}
_TREE_OF: Final = 8  # three levels


def limited(owner: Owner, row: str, **fields: Any) -> Session:  # noqa: ANN401
    """Return a session with the limits of *row*."""
    meters, constraints, caps = LIMITS[row]
    rule = token_rule(owner.world, meters=meters, constraints=constraints)
    return Session.opened(owner, rule, **{"caps": caps} | fields)


def uses(session: Session, *calls: pb.RunCall, **fields: Any) -> tuple[int, int]:  # noqa: ANN401
    """Return the gas of the first and of the third use; *fields* are of the third run."""
    gas = []
    for nonce in range(3):
        data = session.run(
            *calls,
            nonce=nonce,
            first=nonce == 0,
            **(fields if nonce == 2 else {}),
        )
        receipt = session.submit(data)
        assert receipt.succeeded
        gas.append(receipt.gas_used + _chance(session, data, first=nonce == 0))
    return gas[0], gas[2]


def _chance(session: Session, data: bytes, *, first: bool) -> int:
    """Return the gas that zero bytes in the key and the signatures of *data* saved: 12 each."""
    return 12 * (session.grant.key + data[-130 if first else -65 :]).count(0)


def steady(owner: Owner, row: str, **fields: Any) -> int:  # noqa: ANN401
    """Return the gas of the third use under the limits of *row*."""
    return uses(limited(owner, row), transfer(USDC), **fields)[1]


def measure(owner: Owner) -> dict[str, int]:
    """Return the gas of each row."""
    rows = {row: steady(owner, row) for row in LIMITS}
    rows["cap, personal signature"] = steady(owner, "cap", personal=True)
    rows["cap, bound relayer"] = _bound(owner)
    rows["cap, in a tree of eight rules"] = _in_tree(owner)
    rows["cap, second rule of two"] = _second(owner)
    if owner.world.has_p256():
        rows["cap, P-256 key"] = _p256(owner)
    rows["first use, count"] = uses(limited(owner, "count"), transfer(USDC))[0]
    rows["first use, cap"] = uses(limited(owner, "cap"), transfer(USDC))[0]
    rows["batch of ten, cap"] = uses(limited(owner, "cap"), *[transfer(USDC)] * 10)[1]
    rows["delegated, granted and first transfer in one"] = _whole_life(owner.world)
    return rows | _wide(owner) | _control(owner)


def _bound(owner: Owner) -> int:
    relayer = owner.world.relayer.address
    return uses(limited(owner, "cap", relayer=relayer), transfer(USDC))[1]


def _other_rule(number: int) -> pb.Rule:
    target = pb.grant_id(b"%d" % number)[:20]
    return pb.Rule(pb.RuleKind.CALL, target, selector("x()"))


def _in_tree(owner: Owner) -> int:
    others = [_other_rule(number) for number in range(_TREE_OF - 1)]
    rule = token_rule(owner.world, meters=[METER])
    return uses(Session.in_tree(owner, rule, *others, caps=LIFETIME), transfer(USDC))[1]


def _second(owner: Owner) -> int:
    rule = token_rule(owner.world, meters=[METER])
    session = Session.opened(owner, _other_rule(0), rule, caps=LIFETIME)
    return uses(session, transfer(USDC, rule=1))[1]


def _p256(owner: Owner) -> int:
    rule = token_rule(owner.world, meters=[METER])
    return uses(Session.with_p256(owner, rule, caps=LIFETIME), transfer(USDC))[1]


def _whole_life(world: World) -> int:
    """Return what it costs to make a session account of a plain one, and use it, in one."""
    owner = Owner(world)
    world.mint(owner.address, 10 * USDC)
    # An account that is empty to EIP-161 would cost 12,500 more, whoever makes it.
    assert world.send(owner.address, value_wei=1).succeeded
    session = limited(owner, "count")
    data = session.run(transfer(USDC), first=True)
    receipt = world.send(owner.address, data, authorizations=[owner.authorization()])
    assert receipt.succeeded
    return receipt.gas_used + _chance(session, data, first=True)


def _wide(owner: Owner) -> dict[str, int]:
    """Return the third call of a function that a wide rule covers, under each kind of rule."""
    target = owner.world.deploy("FailingTarget")
    rules = {
        "a call": (pb.Rule(pb.RuleKind.CALL, target, RECORD), pb.RunCall(0, words(1))),
        "a call, any selector": (
            pb.Rule(pb.RuleKind.ANY_SELECTOR, target),
            pb.RunCall(0, RECORD + words(1)),
        ),
        "a call, any call": (
            pb.Rule(pb.RuleKind.ANY_CALL, bytes(20)),
            pb.RunCall(0, RECORD + words(1), 0, target),
        ),
    }
    return {row: uses(Session.opened(owner, rule), call)[1] for row, (rule, call) in rules.items()}


def _control(owner: Owner) -> dict[str, int]:
    """Return what it costs to open and to end, and what the transfer costs without us."""
    world = owner.world
    session, other = Session.opened(owner), Session.opened(owner)
    registered = session.register().gas_used
    other.register()
    typed = pb.revoke_typed_data(session.id, chain_id=CHAIN_ID, account=owner.address)
    note = session.submit(pb.revoke_signed_calldata(session.id, owner.sign(typed)))
    own = owner.send_self(pb.revoke_calldata(other.id))
    key = dev_keys()[5]
    world.mint(key.address, 10 * USDC)
    plain = [world.send(world.token, TRANSFER + words(RECIPIENT, USDC), by=key) for _ in range(2)]
    return {
        "register, count": registered,
        "revoke, relayed": note.gas_used,
        "revoke, by the account": own.gas_used,
        "plain transfer of the token, without us": plain[1].gas_used,
    }
