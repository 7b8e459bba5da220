"""What receivers of Openfort's form are sent: a transaction intent, signed by the secret key."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from valetkey.core.activity import Activity
from valetkey.core.event import TESTED
from valetkey.core.token import TokenPrefix
from valetkey.core.wallet import Account
from valetkey.http.answer import ENCODER
from valetkey.http.dialects.openfort.ids import INTENT, shown
from valetkey.http.dialects.openfort.intent_json import IntentJson, is_intent, write_intent
from valetkey.http.dialects.openfort.named import Named

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.core.audit import AuditLine
    from valetkey.core.webhook import VendorForm
    from valetkey.ports import View

SIGNATURE_FIELD: Final = "openfort-signature"
_TEST: Final = "test"


def _intent(view: View, activity_id: str) -> IntentJson | Named:
    """Return the intent; by its id alone where it is shown as none."""
    activity = view.get(Activity, activity_id)
    account = view.get(Account, activity.account_id or "") if activity else None
    if activity is None or account is None or not is_intent(activity):
        return Named(shown(activity_id, INTENT))
    return write_intent(activity, account)


class Events:
    """The teller of this surface."""

    def body(self, view: View, form: VendorForm, line: AuditLine) -> bytes:
        """Return type, date in Unix seconds, and the intent as it is now."""
        if line.event == TESTED:
            return ENCODER.encode({"type": _TEST, "date": line.at, "data": {}})
        intent = _intent(view, line.subject_id)
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
