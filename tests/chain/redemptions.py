"""What the tests of redeeming share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.chain.world import RECIPIENT, TRANSFER, words
from valetkey.devchain import DevKey
from valetkey.spec import erc7710
from valetkey.spec.erc7710 import Execution, Redemption
from valetkey.spec.secp256k1 import address_of_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.chain.session import Session
    from tests.chain.world import Receipt


def redemption(
    session: Session,
    *executions: Execution,
    rules: Sequence[int] = (0,),
    first: bool = False,
) -> Redemption:
    """Return the session's part of a redemption: one call, or a batch of another number."""
    signature = session.owner_signature() if first else None
    context = erc7710.permission_context(session.packed, rules, owner_signature=signature)
    if len(executions) == 1:
        return Redemption(context, erc7710.SINGLE, erc7710.single(executions[0]))
    return Redemption(context, erc7710.BATCH, erc7710.batch(executions))


def redeem(session: Session, *executions: Execution, **fields: object) -> bytes:
    """Return the calldata that redeems one session."""
    return erc7710.redeem_calldata([redemption(session, *executions, **fields)])  # type: ignore[arg-type]


def submit(session: Session, data: bytes) -> Receipt:
    """Send *data* to the account from the session key."""
    holder = DevKey(session.secret, address_of_key(session.secret))
    assert session.world.send(holder.address, value_wei=10**17).succeeded
    return session.world.send(session.account, data, by=holder)


def refusal(session: Session, data: bytes) -> object:
    """Return why the account would refuse *data* from the session key."""
    key = address_of_key(session.secret)
    return session.world.refusal(session.account, data, sender=key)


def paid(session: Session, amount: int = 1, to: bytes = RECIPIENT) -> Execution:
    """Return a transfer of the token in full."""
    return Execution(session.world.token, 0, TRANSFER + words(to, amount))
