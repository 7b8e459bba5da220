"""The table: every route, every kind of principal, and what it is answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# Columns, and what the words mean:
#   yes      it happens                       proof    401 proof_missing
#   kind     403 not_allowed                  reads    403 read_only
#   none     404 not_found                    frozen   403 session_frozen
#   expired  401 session_expired              revoked  401 session_revoked
#   sign     400 malformed_signature, behind the door: the table's new keys sign nothing
#   fixed    409 session_key_fixed        waits    403 session_pending
#   early    403 session_not_started      closed   401 session_closed
#   bound    401 proof_key_bound          code     401 code_refused
# A row may stand twice: `own` is for what the asking session itself is or did.
TABLE: Final = """
route                                             anonymous publishable secret p256 stranger parent bearer stamp_read stamp_write chain frozen expired revoked
GET /healthz                                      yes   yes  yes yes yes  yes  yes   yes   yes   yes   yes    yes     yes
GET /readyz                                       yes   yes  yes yes yes  yes  yes   yes   yes   yes   yes    yes     yes
GET /openapi.json                                 yes   yes  yes yes yes  yes  yes   yes   yes   yes   yes    yes     yes
GET /problems/{code}                              yes   yes  yes yes yes  yes  yes   yes   yes   yes   yes    yes     yes
GET /v1/server                                    yes   yes  yes yes yes  yes  yes   yes   yes   yes   yes    yes     yes
POST /v1/permissions/explain                      yes   yes  yes yes yes  yes  yes   yes   yes   yes   yes    yes     yes
POST /v1/permissions/lint                         yes   yes  yes yes yes  yes  yes   yes   yes   yes   yes    yes     yes
POST /v1/permissions/worst-case                   yes   yes  yes yes yes  yes  yes   yes   yes   yes   yes    yes     yes
POST /v1/permissions/subset                       yes   yes  yes yes yes  yes  yes   yes   yes   yes   yes    yes     yes
POST /v1/permissions/diff                         yes   yes  yes yes yes  yes  yes   yes   yes   yes   yes    yes     yes
POST /v1/permissions/backtest                     yes   yes  yes yes yes  yes  yes   yes   yes   yes   yes    yes     yes
POST /v1/permissions/propose                      yes   yes  yes yes yes  yes  yes   yes   yes   yes   yes    yes     yes
POST /v1/organizations                            proof kind yes yes yes  yes  kind  kind  kind  kind  frozen expired revoked
GET /v1/organizations                             proof kind yes yes yes  yes  kind  kind  kind  kind  frozen expired revoked
GET /v1/organizations/{organization_id}           proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
GET /v1/organizations/{organization_id}/usage     proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
POST /v1/organizations/{organization_id}/quotas   proof kind kind kind none yes kind  kind  kind  kind  frozen expired revoked
POST /v1/organizations/{organization_id}/vendor-meaning proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
POST /v1/users                                    proof kind yes yes yes  yes  kind  kind  kind  kind  frozen expired revoked
GET /v1/users                                     proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
GET /v1/users/{user_id}                           proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
POST /v1/credentials                              proof kind yes yes yes  yes  kind  kind  kind  kind  frozen expired revoked
GET /v1/credentials                               proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
GET /v1/credentials/{credential_id}               proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
POST /v1/credentials/{credential_id}/role         proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
GET /v1/credentials/{credential_id}/terms         proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
POST /v1/credentials/{credential_id}/terms        proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
POST /v1/credentials/{credential_id}/origins      proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
POST /v1/credentials/{credential_id}/revoke       proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
POST /v1/wallets                                  proof kind yes yes yes  yes  kind  kind  kind  kind  frozen expired revoked
GET /v1/wallets                                   proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
GET /v1/wallets/{wallet_id}                       proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
POST /v1/wallets/split                            proof kind yes yes yes  yes  kind  kind  kind  kind  frozen expired revoked
GET /v1/wallets/{wallet_id}/custody               proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
POST /v1/wallets/{wallet_id}/sign                 proof kind yes yes none kind reads reads none  none  frozen expired revoked
POST /v1/wallets/{wallet_id}/refresh              proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
POST /v1/wallets/{wallet_id}/confirm              proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
POST /v1/wallets/{wallet_id}/backup               proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
POST /v1/wallets/{wallet_id}/recover              proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
POST /v1/wallets/{wallet_id}/enable-eject         proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
POST /v1/wallets/{wallet_id}/eject                proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
POST /v1/wallets/{wallet_id}/pin/begin            proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
POST /v1/wallets/{wallet_id}/pin                  proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
POST /v1/wallets/{wallet_id}/pin/try              proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
POST /v1/wallets/{wallet_id}/pin/opened           proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
POST /v1/organizations/{organization_id}/raw-signing proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
POST /v1/wallets/{wallet_id}/frost/begin          proof kind yes yes none kind reads reads none none frozen expired revoked
POST /v1/wallets/{wallet_id}/frost/finish         proof kind yes yes none kind reads reads none none frozen expired revoked
POST /v1/budgets                                  proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
GET /v1/budgets                                   proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
GET /v1/accounts                                  proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
GET /v1/accounts/{account_id}                     proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
GET /v1/accounts/{account_id}/state               proof kind yes yes none yes  none  none  yes   yes   frozen expired revoked
GET /v1/accounts/{account_id}/delegation          proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
POST /v1/accounts/{account_id}/delegation         proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
GET /v1/accounts/{account_id}/undelegation        proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
POST /v1/accounts/{account_id}/undelegation       proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
GET /v1/accounts/{account_id}/approvals           proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
POST /v1/accounts/{account_id}/approvals/clear    proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
POST /v1/sessions                                 proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
GET /v1/sessions                                  proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
GET /v1/sessions/{session_id}                     proof kind yes yes none yes  none  none  none  none  frozen expired revoked
GET /v1/sessions/{session_id} own                 -     -    -   -   -    -    yes   yes   yes   yes   frozen expired revoked
GET /v1/sessions/{session_id}/meter               proof kind yes yes none yes  none  none  none  none  frozen expired revoked
GET /v1/sessions/{session_id}/meter own           -     -    -   -   -    -    yes   yes   yes   yes   frozen expired revoked
POST /v1/sessions/{session_id}/meter/ticket       proof kind yes yes none yes  none  none  none  none  frozen expired revoked
POST /v1/sessions/{session_id}/meter/ticket own   -     -    -   -   -    -    yes   yes   yes   yes   frozen expired revoked
GET /v1/meter                                     proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
GET /v1/session                                   proof kind kind kind kind kind yes yes   yes   yes   frozen expired revoked
POST /v1/sessions/{session_id}/children            proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
POST /v1/session/children                         proof kind kind kind kind kind reads reads yes   yes  frozen expired revoked
GET /v1/session/children                          proof kind kind kind kind kind yes yes   yes   yes   frozen expired revoked
POST /v1/session/children/{session_id}/revoke     proof kind kind kind kind kind reads reads none none  frozen expired revoked
POST /v1/session/children/{session_id}/revoke own -     -    -   -   -    -    -     -     yes   yes   -      -       -
GET /v1/sessions/{session_id}/consent             proof yes  yes yes none yes  kind  kind  kind  kind  frozen expired revoked
POST /v1/sessions/{session_id}/grant              proof yes  yes yes none kind kind  kind  kind  kind  frozen expired revoked
POST /v1/sessions/{session_id}/register           proof yes  yes yes none kind kind  kind  kind  kind  frozen expired revoked
POST /v1/sessions/{session_id}/consent-link       proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
GET /v1/consent                                   proof kind kind kind kind kind kind  kind  kind  kind  frozen expired revoked
POST /v1/consent                                  proof kind kind kind kind kind kind  kind  kind  kind  frozen expired revoked
GET /v1/sessions/{session_id}/kill-note           proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
GET /v1/sessions/{session_id}/freeze-note         proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
POST /v1/sessions/{session_id}/freeze             proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
POST /v1/sessions/{session_id}/unfreeze           proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
POST /v1/sessions/{session_id}/revoke             proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
POST /v1/sessions/revoke                          proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
GET /v1/exposure                                  proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
POST /v1/exposure/revoke                          proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
POST /v1/runs                                     proof kind kind kind kind kind reads reads yes  yes  frozen expired revoked
POST /v1/activities/{activity_id}/signature       proof kind kind kind kind kind reads reads none none frozen expired revoked
GET /v1/activities                                proof kind yes yes none yes  yes   yes   yes   yes   frozen expired revoked
GET /v1/activities/{activity_id}                  proof kind yes yes none yes  none  none  none  none  frozen expired revoked
POST /v1/sessions/{session_id}/preview            proof kind yes yes none yes  none  none  none  none  frozen expired revoked
POST /v1/sessions/{session_id}/preview own        -     -    -   -   -    -    reads reads yes   yes   frozen expired revoked
GET /v1/audit                                     proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
GET /v1/audit/head                                proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
GET /v1/identity-providers                        proof kind yes yes yes  yes  kind  kind  kind  kind  frozen expired revoked
POST /v1/identity-providers                       proof kind yes yes yes  yes  kind  kind  kind  kind  frozen expired revoked
POST /v1/identity-providers/{name}/remove         proof kind yes yes yes  yes  kind  kind  kind  kind  frozen expired revoked
POST /v1/webhooks                                 proof kind yes yes yes  yes  kind  kind  kind  kind  frozen expired revoked
GET /v1/webhooks                                  proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
GET /v1/webhooks/{webhook_id}                     proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
POST /v1/webhooks/{webhook_id}                    proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
POST /v1/webhooks/{webhook_id}/rotate             proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
POST /v1/webhooks/{webhook_id}/remove             proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
POST /v1/webhooks/{webhook_id}/test               proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
POST /v1/webhooks/{webhook_id}/replay             proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
GET /v1/deliveries                                proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
GET /v1/deliveries/{delivery_id}                  proof kind yes yes none yes  kind  kind  kind  kind  frozen expired revoked
POST /v1/deliveries/{delivery_id}/replay          proof kind yes yes none kind kind  kind  kind  kind  frozen expired revoked
POST /v1/tokens/introspect                        proof kind yes yes yes  yes  kind  kind  kind  kind  frozen expired revoked
POST /v1/tokens/revoke                            proof kind yes yes yes  yes  kind  kind  kind  kind  frozen expired revoked
POST /v1/tokens/exchange                          proof kind yes yes none kind reads reads none none  frozen expired revoked
POST /v1/session/hand-offs                        proof kind kind kind kind kind yes yes   yes   yes   frozen expired revoked
POST /v1/hand-offs/redeem                         proof kind yes yes code code kind kind  kind  kind  frozen expired revoked
POST /v1/session/token                            proof kind kind kind kind kind yes yes   yes   yes   frozen expired revoked
GET /.well-known/jwks.json                        yes   yes  yes yes yes  yes  yes   yes   yes   yes   yes    yes     yes
GET /.well-known/oauth-authorization-server       yes   yes  yes yes yes  yes  yes   yes   yes   yes   yes    yes     yes
POST /v1/session/key                              proof kind kind kind kind kind kind  sign  sign  fixed frozen expired revoked
POST /v1/credentials/{credential_id}/key          proof kind kind sign none kind kind  kind  kind  kind  frozen expired revoked
POST /v1/session/close                            proof kind kind kind kind kind yes yes   yes   yes   yes    expired revoked
"""  # noqa: E501 - a table


@dataclass(frozen=True, slots=True)
class Alike:
    """
    A column that is as another one.

    Args:
        column: The other one.
        words: What stands here for some of its words.
        rows: What stands in some rows.
    """

    column: str
    words: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, str] = field(default_factory=dict)


# The columns that the table is too narrow for.
ALIKE: Final[dict[str, Alike]] = {
    "grandparent": Alike("parent"),
    "below": Alike("stranger"),
    "dpop": Alike("stamp_read", rows={"POST /v1/session/key": "kind"}),
    "dpop_write": Alike(
        "stamp_read",
        rows={
            "GET /v1/accounts/{account_id}/state": "yes",
            "POST /v1/session/key": "kind",
            "POST /v1/session/token": "reads",
            "POST /v1/sessions/{session_id}/preview own": "yes",
        },
    ),
    "child": Alike("stamp_write"),
    "pending": Alike("frozen", {"frozen": "waits"}),
    "early": Alike("frozen", {"frozen": "early"}),
    "closed": Alike("revoked", {"revoked": "closed"}),
    "under_revoked": Alike("revoked"),
    "token_alone": Alike("revoked", {"revoked": "bound"}),
    "link": Alike(
        "publishable", {"yes": "kind"}, {"GET /v1/consent": "yes", "POST /v1/consent": "yes"}
    ),
}

CODES: Final = {
    "proof_missing": "proof",
    "not_allowed": "kind",
    "read_only": "reads",
    "not_found": "none",
    "malformed_signature": "sign",
    "session_key_fixed": "fixed",
    "session_frozen": "frozen",
    "session_expired": "expired",
    "session_revoked": "revoked",
    "session_pending": "waits",
    "session_not_started": "early",
    "session_closed": "closed",
    "proof_key_bound": "bound",
    "code_refused": "code",
}


def read_table() -> dict[str, dict[str, str]]:
    """Return route, principal and word."""
    first, *rows = TABLE.strip().splitlines()
    principals = first.split()[1:]
    table: dict[str, dict[str, str]] = {}
    for row in rows:
        cells = row.split()
        count = len(principals)
        route = " ".join(cells[:-count])
        words = dict(zip(principals, cells[-count:], strict=True))
        table[route] = words | {name: _read(alike, route, words) for name, alike in ALIKE.items()}
    return table


def _read(alike: Alike, route: str, words: Mapping[str, str]) -> str:
    word = words[alike.column]
    if words["anonymous"] == "yes":
        return word  # for everybody
    return alike.rows.get(route, alike.words.get(word, word))
