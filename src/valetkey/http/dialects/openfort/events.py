"""What receivers of Openfort's form are sent: a transaction intent, signed by the secret key."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from valetkey.core.event import TESTED
from valetkey.core.token import TokenPrefix
from valetkey.http.answer import ENCODER
from valetkey.http.dialects.openfort.ids import INTENT, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.core.audit import AuditLine
    from valetkey.core.webhook import VendorForm
    from valetkey.ports import View

SIGNATURE_FIELD: Final = "openfort-signature"
_TEST: Final = "test"


class Events:
    """The teller of this surface."""

    def body(self, _view: View, form: VendorForm, line: AuditLine) -> bytes:
        """Return type, date in Unix seconds, and which intent it is."""
        if line.event == TESTED:
            return ENCODER.encode({"type": _TEST, "date": line.at, "data": {}})
        intent = {"id": shown(line.subject_id, INTENT), "object": "transactionIntent"}
        return ENCODER.encode({"type": form.event, "date": line.at, "data": intent})

    def fields(self, key: bytes, body: bytes) -> Mapping[str, str]:
        """
        Return what the vendor's clients check: HMAC-SHA256 over the body, in hex.

        Its key is the secret key's UUID as text, without dashes. No time is signed: that is what
        the fields of our own are for.
        """
        prefix = TokenPrefix.OPENFORT_SECRET_KEY.encode()
        signing = key.removeprefix(prefix).replace(b"-", b"")
        return {SIGNATURE_FIELD: hmac.digest(signing, body, sha256).hex()}
