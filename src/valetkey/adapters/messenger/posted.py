"""Codes for the operator's own mailer: a signed message each, to one URL."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Unavailable
from valetkey.core.webhook import is_delivered, signature_fields
from valetkey.spec.jcs import canonical_json

if TYPE_CHECKING:
    from valetkey.core.secret_bytes import SecretBytes
    from valetkey.ports import Clock, CodeMessage, Outbound

TYPE: Final = "code:send"


class PostedMessenger:
    """
    See `Messenger`.

    What is posted is kept nowhere and tried once: whoever waits for a code asks again.

    Args:
        url: Where the mailer answers.
        secret: What messages are signed with (Standard Webhooks).
    """

    def __init__(self, url: str, secret: SecretBytes, outbound: Outbound, clock: Clock) -> None:
        self._url = url
        self._secret = secret
        self._outbound = outbound
        self._clock = clock

    async def send(self, message: CodeMessage) -> None:
        """See `Messenger.send`."""
        now = self._clock.now()
        facts = {
            "organization_id": message.organization_id,
            "address": message.address,
            "about": message.about,
            "expires_at": message.expires_at,
        }
        mark = hashlib.sha256(canonical_json({**facts, "code": message.code})).hexdigest()[:32]
        body = canonical_json({"type": TYPE, "at": now, **facts, "code": message.code})
        fields = signature_fields([self._secret.reveal()], f"msg_{mark}", body, at=now)
        headers = {"content-type": "application/json", **fields}
        posted = await self._outbound.post(self._url, headers, body)
        if not is_delivered(posted.status):
            got = posted.reason or f"status {posted.status}"
            detail = f"expected the mailer to take the code, got {got}"
            raise Unavailable(Code.MESSENGER_UNAVAILABLE, detail)
