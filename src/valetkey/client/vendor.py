"""Sessions and transaction intents of Openfort's format, with what may be signed for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from valetkey.client.errors import RefusedToSign
from valetkey.client.pending import NextAction
from valetkey.wire.base import hexed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.client.pending import Asked, AskedSession
    from valetkey.client.vendor_json import IntentJson, NextStep, Response, SessionJson
    from valetkey.core.permission.model import Call


@dataclass(frozen=True, slots=True)
class _Operation:
    """What may wait for a signature."""

    id: str
    _pending: NextAction | None
    _waits: bool

    @property
    def waits(self) -> bool:
        """Whether somebody has to sign."""
        return self._waits

    @property
    def next_action(self) -> NextAction:
        """
        What is to be signed now.

        Raises:
            RefusedToSign: Nothing is; or it was asked for elsewhere, and nothing is known here of
                what it must be.
        """
        if self._pending is None:
            got = "an operation asked for elsewhere" if self._waits else "nothing to sign"
            raise RefusedToSign("next_action", expected="what was asked for here", got=got)
        return self._pending


@dataclass(frozen=True, slots=True)
class OpenfortSession(_Operation):
    """
    A session as Openfort's format shows it.

    Args:
        is_active: Whether chain and server take its key now.
        address: Of the session key.
        whitelist: Contracts that it may call; none is any contract.
        valid_after, valid_until: First and last valid second.
    """

    is_active: bool
    address: str
    account_id: str
    whitelist: tuple[str, ...]
    limit: int | None
    valid_after: int
    valid_until: int

    @classmethod
    def of(cls, found: SessionJson, asked: Asked | None) -> Self:
        """Return *found*; what it has to be, if that is known, is *asked*."""
        return cls(
            id=found.id,
            _pending=_pending(found.next_action, asked),
            _waits=found.next_action is not None,
            is_active=found.is_active,
            address=found.address,
            account_id=found.account.id,
            whitelist=tuple(found.whitelist),
            limit=found.limit,
            valid_after=int(found.valid_after),
            valid_until=int(found.valid_until),
        )


@dataclass(frozen=True, slots=True)
class TransactionIntent(_Operation):
    """
    Calls of an account as Openfort's format shows them.

    Args:
        response: How they ended; None while they have not.
    """

    account_id: str
    response: Response | None

    @property
    def is_done(self) -> bool:
        """Whether the calls were made."""
        return self.response is not None and self.response.status == 1

    @classmethod
    def of(cls, found: IntentJson, asked: Asked | None) -> Self:
        """Return *found*; what it has to be, if that is known, is *asked*."""
        return cls(
            id=found.id,
            _pending=_pending(found.next_action, asked),
            _waits=found.next_action is not None,
            account_id=found.account.id,
            response=found.response,
        )


def _pending(step: NextStep | None, asked: Asked | None) -> NextAction | None:
    return None if step is None or asked is None else NextAction(step.payload, asked)


def interactions_of(calls: Sequence[Call]) -> list[dict[str, str]]:
    """Return *calls* as the format has them: what is called, with what, and how much goes along."""
    return [
        {"to": hexed(one.to), "data": hexed(one.data), "value": str(one.value_wei)} for one in calls
    ]


def session_body(asked: AskedSession, account_id: str, policy: str | None) -> dict[str, Any]:
    """Return the request for the session that was asked for."""
    body: dict[str, Any] = {
        "account": account_id,
        "address": hexed(asked.key),
        "chainId": asked.chain_id,
        "validAfter": asked.valid_after,
        "validUntil": asked.valid_until,
        "whitelist": [hexed(one) for one in asked.whitelist],
    }
    if asked.limit is not None:
        body["limit"] = asked.limit
    if policy is not None:
        body["policy"] = policy
    return body
