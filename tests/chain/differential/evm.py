"""An EVM that can be asked about one run: the port, and what its answers have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from tests.chain.differential.case import EVERYBODY
from tests.chain.differential.outcome import Accepted, Outcome, Refused
from valetkey.core.permission.model import Call
from valetkey.spec import permission_bytes as pb
from valetkey.spec.keccak import keccak256

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.chain.differential.pack import Packed

RECORDER: Final = bytes.fromhex("365f5f3734365fa100")
"""
Runtime code of every target: logs its input under its native value, and takes everything.

CALLDATASIZE PUSH0 PUSH0 CALLDATACOPY CALLVALUE CALLDATASIZE PUSH0 LOG1 STOP
"""
WEALTH_WEI: Final = 2**200
GRANTED: Final = keccak256(b"Granted(bytes32)")


@dataclass(frozen=True, slots=True)
class Log:
    """One event."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


class Evm(Protocol):
    """Accounts with our code at `ACCOUNTS`, recorders everywhere else; nothing is kept."""

    checks_p256: bool
    """Whether it has the precompile."""

    def run(self, packed: Packed) -> Outcome:
        """Return what the account does with *packed*."""


def refused(reason: bytes) -> Refused:
    """Return the refusal that the revert data *reason* states."""
    said = pb.decode_refusal(reason)
    if said is None:
        return Refused(f"0x{reason.hex()}")
    return Refused(said.name, said.facts[0] if said.facts else None)


def accepted(packed: Packed, words: Sequence[int], logs: Sequence[Log]) -> Accepted:
    """Return the acceptance that the *words* in the slots and the *logs* afterwards show."""
    own = [log for log in logs if log.address == packed.account]
    granted = [log for log in own if log.topics == (GRANTED, packed.grant_id)]
    if own != granted or len(own) > 1:
        raise AssertionError(f"expected Granted at most, got {own}")
    calls = tuple(
        Call(log.address, int.from_bytes(log.topics[0]), log.data)
        for log in logs
        if log.address in EVERYBODY
    )
    return Accepted(tuple(words), calls, bool(granted))
