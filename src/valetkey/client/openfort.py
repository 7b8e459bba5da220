"""
Openfort's format in Python, with the method names of the vendor's page.

    from valetkey.client.openfort import Openfort
    from valetkey import Owner, SessionKey, call

    of = Openfort("http://127.0.0.1:8080/openfort", "sk_test_…")
    key = SessionKey.generate()
    made = of.sessions.create(
        account="acc_…", address=key.address, valid_until=…, whitelist=[nft], policy="pol_…"
    )
    of.sessions.signature(made.id, made.next_action.sign(Owner.from_key(owner_key)))

    intent = of.transaction_intents.create(
        account="acc_…", calls=[call(nft, "mint(address)", me)], policy="pol_…"
    )
    of.transaction_intents.signature(intent.id, intent.next_action.sign(key))

    end = of.sessions.revoke(account="acc_…", address=key.address, policy="pol_…")
    of.sessions.signature(end.id, end.next_action.sign(owner))

`NextAction.sign` signs what it has computed itself from what was asked for, and refuses
(`RefusedToSign`) a hash that is of anything else.
"""

from valetkey.client._async.openfort import AsyncOpenfort
from valetkey.client._sync.openfort import Openfort
from valetkey.client.pending import NextAction
from valetkey.client.vendor import OpenfortSession, TransactionIntent

__all__ = ["AsyncOpenfort", "NextAction", "Openfort", "OpenfortSession", "TransactionIntent"]
