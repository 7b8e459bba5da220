"""
The methods of Openfort's node SDK and what becomes of them here, as a table of the how-to.

``python -m tests.vendor.openfort.methods --write`` writes it anew. `test_methods` calls each.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE: Final = Path(__file__).parent
PAGE: Final = HERE.parents[2] / "docs" / "how-to" / "coming-from-openfort.md"
BEGINS: Final = "<!-- methods: written by tests/vendor/openfort/methods.py -->"
ENDS: Final = "<!-- end of methods -->"
MIDDLE: Final = "0.6.78"
LAST: Final = "0.10.8"
WORKS, REFUSED, NONE = "works", "refused", ""

_EACH: Final = ("create", "get", "list", "update", "delete")
_SESSIONS: Final = ("create", "get", "list", "revoke", "signature")
_INTENTS: Final = ("create", "estimateCost", "get", "list", "signature")
_SUBSCRIPTIONS: Final = ("create", "get", "list", "delete")


def _named(owner: str, *methods: str) -> frozenset[str]:
    return frozenset(f"{owner}.{one}" for one in methods)


_BOTH: Final = (
    _named("players", *_EACH)
    | _named("contracts", *_EACH)
    | _named("sessions", *_SESSIONS)
    | _named("transactionIntents", *_INTENTS)
    | _named("subscriptions", *_SUBSCRIPTIONS)
    | {"constructWebhookEvent"}
)
# Those of Solana, and of backends, are empty.
ACCOUNT_LISTS: Final = _named("accounts", "list", "evm.list", "evm.embedded.list") | {
    *("accounts.evm.backend.list", "accounts.solana.list"),
    *("accounts.solana.backend.list", "accounts.solana.embedded.list"),
}
# What the tours of `test_methods` call, and what is answered as the vendor does.
ANSWERED: Final[Mapping[str, frozenset[str]]] = {
    MIDDLE: _BOTH
    | _named("accounts", "create", "get", "list")
    | _named("accountsV2", "get", "list")
    | _named("policies", *_EACH, "enable", "disable")
    | _named("policyRules", "create", "list", "update", "delete")
    | {"contracts.read", "signNonce"},
    LAST: _BOTH
    | _named("accounts.v1", "create", "get", "list")
    | ACCOUNT_LISTS
    | _named("policies", *_EACH)
    | _named("feeSponsorship", *_EACH, "enable", "disable")
    | _named("triggers", "create", "get", "list", "delete")
    | {"iam.getSession", "getSession"},
}
# What stands in the place of methods that are refused, by how their names begin.
INSTEAD: Final[Mapping[str, str]] = {
    "accounts.cancelTransferOwnership": "an account has the owner that it was made for",
    "accounts.requestTransferOwnership": "an account has the owner that it was made for",
    "accounts.completeRecovery": "no guardians; the owner's key is the owner's",
    "accounts.startRecovery": "no guardians; the owner's key is the owner's",
    "accounts.deploy": "deployed by the first act",
    "accounts.signPayload": "owners sign for themselves",
    "accounts.sync": "shown as it is",
    "accounts.evm.backend": "wallets of the native API",
    "accounts.solana": "no Solana",
    "accounts.embedded": "no keys are made ahead of a log-in",
    "accounts.evm.embedded.pregenerate": "no keys are made ahead of a log-in",
    "accountsV2.switchChain": "`accounts.create` for the other chain",
    "auth": "clients log in themselves, with the publishable key",
    "createAuthPlayerWithShield": "no Shield",
    "createEncryptionSession": "no Shield",
    "registerRecoverySession": "no Shield",
    "preRegisterWithShield": "no Shield",
    "pregenerateUser": "no keys are made ahead of a log-in",
    "exchange": "no exchange",
    "iam": "users are `players`",
    "inventories": "ask a node or an indexer",
    "paymasters": "the relayer pays, within the policy",
    "policies.evaluate": "ask for what it pays: a refusal names the rule that is missing",
    "policies.getTotalGasUsage": "budgets of the native API",
    "settings": "the relayer pays, within the policy",
    "triggers": "events of contracts: ask a node; in 0.10 these are receivers of subscriptions",
}


def state_of(version: str, method: str, known: Mapping[str, frozenset[str]]) -> str:
    """Return what becomes of *method* in *version*: nothing where the SDK has it not."""
    if method not in known[version]:
        return NONE
    return WORKS if method in ANSWERED[version] else REFUSED


def note_of(method: str) -> str:
    """Return what to do instead of *method*."""
    fitting = [one for one in INSTEAD if method == one or method.startswith((f"{one}.", one))]
    return INSTEAD[max(fitting, key=len)] if fitting else ""


def table(known: Mapping[str, frozenset[str]]) -> str:
    """
    Return the table, between its markers.

    Args:
        known: All methods of each version.
    """
    rows: list[tuple[str, ...]] = [("method", MIDDLE, LAST, "instead"), ("---",) * 4]
    for method in sorted(known[MIDDLE] | known[LAST]):
        states = [state_of(version, method, known) for version in (MIDDLE, LAST)]
        note = note_of(method) if REFUSED in states else ""
        rows.append((f"`{method}`", *states, note))
    lines = ["|".join(("", *(f" {one} " if one else " " for one in row), "")) for row in rows]
    return "\n".join((BEGINS, "", *lines, "", ENDS))


def put_in(page: str, written: str) -> str:
    """Return *page* with *written* in the place of the table that is in it."""
    before, _, rest = page.partition(BEGINS)
    _, _, after = rest.partition(ENDS)
    return f"{before}{written}{after}"


async def known_methods() -> dict[str, frozenset[str]]:
    """Return all methods of each version, by reflection; no server is asked."""
    return {version: await _methods(version) for version in (MIDDLE, LAST)}


async def _methods(version: str) -> frozenset[str]:
    nowhere = ("http://127.0.0.1:9", f"sk_test_{version}", f"pk_test_{version}")
    process = await asyncio.create_subprocess_exec(
        *("node", "sdk.mjs", version, *nowhere),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=HERE,
    )
    said, _ = await process.communicate(b'{"act": "methods"}\n')
    return frozenset(json.loads(said)["ok"])


def main() -> None:
    """Write the table, or say that it is another."""
    page = PAGE.read_text(encoding="utf-8")
    written = put_in(page, table(asyncio.run(known_methods())))
    if "--write" in sys.argv:
        PAGE.write_text(written, encoding="utf-8")
    elif written != page:
        sys.exit(f"{PAGE.name}: the table of methods is another; run this with --write")


if __name__ == "__main__":
    main()
