"""Which messenger a configuration asks for."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from valetkey.adapters.messenger.nobody import NobodyMessenger
from valetkey.adapters.messenger.posted import PostedMessenger
from valetkey.adapters.messenger.printed import PrintedMessenger
from valetkey.core.errors import Code, Malformed
from valetkey.core.secret_bytes import SecretBytes
from valetkey.spec.standard_webhooks import read_secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.ports import Clock, Messenger, Outbound

PRINTED: Final = "stderr"
SECRET: Final = "VALETKEY_CODES_SECRET"  # noqa: S105 - the name of a variable


def open_messenger(
    to: str, environment: Mapping[str, str], outbound: Outbound, clock: Clock
) -> Messenger:
    """
    Return who one-time codes are handed to.

    Args:
        to: Empty is nobody, ``stderr`` the log of this process, else the URL of a mailer.

    Raises:
        Malformed: The mailer's secret is not in the environment, or is none.
    """
    if not to:
        return NobodyMessenger()
    if to == PRINTED:
        return PrintedMessenger(sys.stderr)
    try:
        secret = SecretBytes(read_secret(environment.get(SECRET, "")))
    except ValueError as error:
        detail = f"{SECRET}: expected the secret of the mailer in codes_to: {error}"
        raise Malformed(Code.MALFORMED_CONFIG, detail) from None
    return PostedMessenger(to, secret, outbound, clock)
