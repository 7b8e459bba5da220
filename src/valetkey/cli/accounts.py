"""Which account a command means, if there is any doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.errors import Code, Conflict

if TYPE_CHECKING:
    from valetkey.client import Valetkey
    from valetkey.wire.wallet import Account


def account_of(server: Valetkey, account_id: str | None) -> Account:
    """
    Return the account that is named, or the only one there is.

    Raises:
        Conflict: None is named, and there are none or several.
    """
    if account_id is not None:
        return server.accounts.get(account_id)
    found = [one for one, _ in zip(server.accounts.list(), range(2), strict=False)]
    if len(found) == 1:
        return found[0]
    detail = "expected an account, got none; add one with `valetkey wallet add`"
    if found:
        detail = "expected one account, got several; `valetkey wallet list` shows which to name"
    raise Conflict(Code.CONFLICT, detail)
