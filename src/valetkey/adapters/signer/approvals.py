"""Which orders are approved: the word of one server, each good for one of them."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from valetkey.core.custody import MAX_MESSAGE_BYTES, plan_digest
from valetkey.core.errors import Code, Forbidden

if TYPE_CHECKING:
    from valetkey.core.custody import Order
    from valetkey.core.wallet import PublicKey
    from valetkey.ports import Clock

__all__ = ["MAX_APPROVAL_S", "Approvals"]

MAX_APPROVAL_S: Final = 60


class Approvals:
    """
    What an order is measured against.

    Args:
        approver: Ed25519; its private half is the server's alone.
    """

    def __init__(self, approver: PublicKey, clock: Clock) -> None:
        self._approver = approver
        self._clock = clock
        self._began_at_ms = clock.now_ms()
        self._used: dict[str, int] = {}

    def use(self, order: Order) -> None:
        """
        Let *order* pass, once.

        1. signed by the approver; 2. in time, and not from before this signer began: what was used
        then is forgotten; 3. never used; 4. of what is to be signed.

        Raises:
            Forbidden: ``approval_refused``: the first of these that fails. Nothing was joined.
        """
        approval, now = order.approval, self._clock.now()
        if not approval.is_by(self._approver, order.approval_signature):  # 1
            raise _refused("expected an approval by this server, got none")
        if approval.expires_at <= now or approval.expires_at > now + MAX_APPROVAL_S:  # 2
            raise _refused(f"expected an approval that is good at {now}, got another")
        if approval.issued_at_ms < self._began_at_ms:
            raise _refused("expected an approval that was given since the signer began")
        self._used = {one: until for one, until in self._used.items() if until > now}
        if approval.id in self._used:  # 3
            raise _refused("expected an approval that was never used, got one that was")
        self._used[approval.id] = approval.expires_at
        if len(order.message) > MAX_MESSAGE_BYTES:  # 4
            detail = f"expected at most {MAX_MESSAGE_BYTES} bytes to sign, got more"
            raise _refused(detail)
        if not hmac.compare_digest(plan_digest(order.message), approval.plan.digest):
            raise _refused("expected what was approved to be signed, got something else")


def _refused(detail: str) -> Forbidden:
    return Forbidden(Code.APPROVAL_REFUSED, detail)
