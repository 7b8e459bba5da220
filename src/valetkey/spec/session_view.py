"""What is left of a grant, asked of the account contract in one question."""

from dataclasses import dataclass
from typing import Final

from eth_abi.abi import decode, encode

from valetkey.spec.keccak import keccak256
from valetkey.spec.permission_bytes import Status

__all__ = ["CapLeft", "SessionView", "decode_session_view", "session_of_calldata"]

_ANSWER: Final = ("uint256", "bool", "uint256", "(uint256,uint256)[]")


@dataclass(frozen=True, slots=True)
class CapLeft:
    """
    What may still be booked to one cap now.

    Attributes:
        amount: In the unit of the cap.
        window_ends_in_s: Seconds until its window ends; 0 for a cap over the whole life.
    """

    amount: int
    window_ends_in_s: int = 0


@dataclass(frozen=True, slots=True)
class SessionView:
    """
    What a grant could do in a run of this second.

    Attributes:
        status: As the state slot says it.
        is_open: It is open, has started and has not expired.
        calls: How many more calls it may make.
        caps: As many as the grant has.
    """

    status: Status
    is_open: bool
    calls: int
    caps: tuple[CapLeft, ...] = ()


def session_of_calldata(grant: bytes) -> bytes:
    """Return the calldata that asks what is left of the packed *grant*."""
    return keccak256(b"sessionOf(bytes)")[:4] + encode(["bytes"], [grant])


def decode_session_view(answer: bytes) -> SessionView:
    """Return what the account answers."""
    status, is_open, calls, caps = decode(_ANSWER, answer)
    return SessionView(Status(status), is_open, calls, tuple(CapLeft(*cap) for cap in caps))
