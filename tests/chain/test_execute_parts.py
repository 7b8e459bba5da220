"""Bytes beside calls that no session key's execution has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.chain.clones import Clone
from tests.chain.executions import execution, op_data, paid
from tests.chain.session import Session
from tests.chain.world import RECIPIENT
from valetkey.spec import erc7821
from valetkey.spec import permission_bytes as pb

if TYPE_CHECKING:
    from tests.chain.clones import Factory
    from tests.chain.session import Owner

MALFORMED = pb.Refusal("Malformed")


@pytest.mark.parametrize("change", ["add", "cut", "more rules", "fewer rules"])
def test_parts_that_do_not_fit_are_refused(account: Owner, change: str) -> None:
    """Indexes too many or too few, bytes behind the owner's signature, or missing ones."""
    session = Session.opened(account)
    calls = [paid(session)]
    fields: dict[str, dict[str, Any]]
    for first in (True, False):
        fields = {"more rules": {"rules": [0, 0]}, "fewer rules": {"rules": []}}
        data = op_data(session, calls, first=first, **fields.get(change, {}))
        data = {"add": data + b"\0", "cut": data[:-1]}.get(change, data)
        assert session.refusal(erc7821.execute_calldata(calls, op_data=data)) == MALFORMED


def test_more_calls_than_a_run_takes_are_malformed(account: Owner) -> None:
    """255 are the most."""
    session = Session.opened(account)
    session.register()
    for count, expected in ((255, None), (256, MALFORMED)):
        calls = [paid(session, 0)] * count
        assert session.refusal(execution(session, *calls)) == expected


def test_an_execution_makes_a_clone_and_opens_its_session(factory: Factory) -> None:
    """The factory is the sender then: a grant that binds its relayer is not used through it."""
    planned = Clone.planned(factory)
    planned.world.mint(planned.address, 5)
    bound = Session.opened(planned, relayer=planned.world.relayer.address)
    refused = planned.deploy_data(execution(bound, paid(bound), first=True))
    refusal = planned.world.refusal(factory.address, refused)
    assert refusal == pb.Refusal("RelayerNotAllowed")
    session = Session.opened(planned)
    before = planned.world.balance_of(RECIPIENT)
    assert planned.deploy(execution(session, paid(session, 2), first=True)).succeeded
    assert planned.world.balance_of(RECIPIENT) == before + 2
    assert session.state == pb.SlotState(pb.Status.OPEN, calls_used=1, nonce_base=1)
