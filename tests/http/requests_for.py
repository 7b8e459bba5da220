"""A well-formed request for each route, aimed at things of the organization in the middle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.http.calls import Key
from tests.http.consents import by_link, renewing
from tests.http.credential_requests import ABOUT_CREDENTIALS, NEW_KEY
from tests.http.session_requests import (
    CHILD,
    bring,
    exchange,
    redeem,
    revoke_all,
    revoke_child,
    stop,
    token,
)
from tests.http.split_requests import ABOUT_SPLIT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.http.stage import Stage

    Target = tuple[str, Any]
    Maker = Callable[[Stage, str], Awaitable[Target]]


def _at(path: str, body: object = None) -> Maker:
    async def make(stage: Stage, principal: str) -> Target:
        del stage, principal
        return path, body

    return make


def _of(path: str) -> Maker:
    """Read a list of the organization, whoever asks."""

    async def make(stage: Stage, principal: str) -> Target:
        del principal
        return f"{path}?organization_id={stage.org.organization.id}", None

    return make


def _one(path: str, name: str, body: object = None) -> Maker:
    """Fill in the id that *name* stands for in `Stage.keys`."""

    async def make(stage: Stage, principal: str) -> Target:
        del principal
        return path.format(stage.keys[name]), body

    return make


def _own(path: str, body: object = None) -> Maker:
    async def make(stage: Stage, principal: str) -> Target:
        return path.format(stage.keys[principal]), body

    return make


def _asking(name: str, *permissions: str, **more: Any) -> Maker:  # noqa: ANN401 - JSON
    """Ask about permissions, each under its name in the body; ``runs`` is a number of payments."""

    async def make(stage: Stage, principal: str) -> Target:
        del principal
        body = dict.fromkeys(permissions, stage.permission(starts_at=1, expires_at=2)) | more
        if "runs" in more:
            body["runs"] = [{"at": 1, "calls": [stage.transfer(1)]}] * more["runs"]
        return f"/v1/permissions/{name}", body

    return make


HOOK: Final = {"url": "https://shop.example/hook", "events": ["session:*"]}


async def _remove_webhook(stage: Stage, principal: str) -> Target:
    """Make one only when the last one is gone: there may be but a few."""
    del principal
    path = f"/v1/webhooks/{stage.keys.get('spare')}"
    if (await stage.secret.send("GET", path)).status_code != 200:
        added = await stage.secret.post("/v1/webhooks", HOOK)
        stage.keys["spare"] = added["webhook"]["id"]
    return f"/v1/webhooks/{stage.keys['spare']}/remove", {}


async def _wallet(stage: Stage, principal: str) -> Target:
    del principal
    return "/v1/wallets", {"chain": stage.chain, "owner_key": "sealed"}


async def _state(stage: Stage, principal: str) -> Target:
    del principal
    token = stage.deployment.token.hex()
    return f"/v1/accounts/{stage.account['id']}/state?token=0x{token}", None


async def _delegate(stage: Stage, principal: str) -> Target:
    del principal
    return f"/v1/accounts/{stage.account['id']}/delegation", {}


async def _undelegate(stage: Stage, principal: str) -> Target:
    """Ask it of an account that nothing else here needs."""
    del principal
    wanted = {"chain": stage.chain, "owner_key": "sealed"}
    added = await stage.secret.post("/v1/wallets", wanted)
    key = added["account"]["id"]
    await stage.secret.post(f"/v1/accounts/{key}/delegation", {})
    return f"/v1/accounts/{key}/undelegation", {}


async def _clear(stage: Stage, principal: str) -> Target:
    del principal
    return f"/v1/accounts/{stage.account['id']}/approvals/clear", {}


async def _open(stage: Stage, principal: str) -> Target:
    del principal
    body = {"proof": "bearer", "access": "read", "ttl_s": 60, "user_id": stage.keys["user"]}
    return "/v1/sessions", body


async def _budget(stage: Stage, principal: str) -> Target:
    del principal
    return "/v1/budgets", {"scope_id": stage.keys["user"], "asset": "native", "limit": "1"}


async def _consent(stage: Stage, principal: str) -> Target:
    del principal
    return f"/v1/sessions/{(await stage.open_pending())['session']['id']}/consent", None


NOBODY: Final = "0x" + "7e" * 20


async def _exposed(stage: Stage, principal: str) -> Target:
    del principal
    return f"/v1/exposure?contract={NOBODY}&organization_id={stage.org.organization.id}", None


async def _revoke_exposed(stage: Stage, principal: str) -> Target:
    del principal
    own = stage.org.organization.id
    return "/v1/exposure/revoke", {"contract": NOBODY, "organization_id": own}


async def _run(stage: Stage, principal: str) -> Target:
    del principal
    return "/v1/runs", {"calls": [stage.transfer(1)]}


def _preview(whose: str | None) -> Maker:
    async def make(stage: Stage, principal: str) -> Target:
        key = stage.keys[whose or principal]
        return f"/v1/sessions/{key}/preview", {"calls": [stage.transfer(1)]}

    return make


SIGNATURE: Final = {"signature": "0x" + "11" * 65}

MAKERS: Final[dict[str, Maker]] = {
    "GET /healthz": _at("/healthz"),
    "GET /readyz": _at("/readyz"),
    "GET /openapi.json": _at("/openapi.json"),
    "GET /problems/{code}": _at("/problems/not_found"),
    "GET /v1/server": _at("/v1/server"),
    "POST /v1/permissions/explain": _asking("explain", "permission"),
    "POST /v1/permissions/lint": _asking("lint", "permission"),
    "POST /v1/permissions/worst-case": _asking("worst-case", "permission"),
    "POST /v1/permissions/subset": _asking("subset", "child", "parent"),
    "POST /v1/permissions/diff": _asking("diff", "old", "new"),
    "POST /v1/permissions/backtest": _asking("backtest", "permission", runs=2),
    "POST /v1/permissions/propose": _asking("propose", runs=2, chain="eip155:1"),
    "POST /v1/organizations": _at("/v1/organizations", {"name": "Child"}),
    "GET /v1/organizations": _at("/v1/organizations"),
    "GET /v1/organizations/{organization_id}": _one("/v1/organizations/{}", "organization"),
    "GET /v1/organizations/{organization_id}/usage": _one(
        "/v1/organizations/{}/usage", "organization"
    ),
    "POST /v1/organizations/{organization_id}/quotas": _one(
        "/v1/organizations/{}/quotas", "organization", {"quota": "users", "limit": 1000}
    ),
    "POST /v1/users": _at("/v1/users", {"reference": "bob"}),
    "GET /v1/users": _of("/v1/users"),
    "GET /v1/users/{user_id}": _one("/v1/users/{}", "user"),
    "POST /v1/credentials": _at("/v1/credentials", {"kind": "secret"}),
    "GET /v1/credentials": _of("/v1/credentials"),
    "GET /v1/credentials/{credential_id}": _one("/v1/credentials/{}", "credential"),
    **ABOUT_CREDENTIALS,
    "POST /v1/wallets": _wallet,
    "GET /v1/wallets": _of("/v1/wallets"),
    "GET /v1/wallets/{wallet_id}": _one("/v1/wallets/{}", "wallet"),
    **ABOUT_SPLIT,
    "POST /v1/budgets": _budget,
    "GET /v1/budgets": _of("/v1/budgets"),
    "GET /v1/accounts": _of("/v1/accounts"),
    "GET /v1/accounts/{account_id}": _one("/v1/accounts/{}", "account"),
    "GET /v1/accounts/{account_id}/state": _state,
    "GET /v1/accounts/{account_id}/delegation": _one("/v1/accounts/{}/delegation", "account"),
    "POST /v1/accounts/{account_id}/delegation": _delegate,
    "GET /v1/accounts/{account_id}/undelegation": _one("/v1/accounts/{}/undelegation", "account"),
    "POST /v1/accounts/{account_id}/undelegation": _undelegate,
    "GET /v1/accounts/{account_id}/approvals": _one("/v1/accounts/{}/approvals", "account"),
    "POST /v1/accounts/{account_id}/approvals/clear": _clear,
    "POST /v1/sessions": _open,
    "GET /v1/sessions": _of("/v1/sessions"),
    "GET /v1/sessions/{session_id}": _one("/v1/sessions/{}", "target"),
    "GET /v1/sessions/{session_id} own": _own("/v1/sessions/{}"),
    "GET /v1/sessions/{session_id}/meter": _one("/v1/sessions/{}/meter", "target"),
    "GET /v1/sessions/{session_id}/meter own": _own("/v1/sessions/{}/meter"),
    "POST /v1/sessions/{session_id}/meter/ticket": _one("/v1/sessions/{}/meter/ticket", "target"),
    "POST /v1/sessions/{session_id}/meter/ticket own": _own("/v1/sessions/{}/meter/ticket"),
    "GET /v1/meter": _of("/v1/meter"),
    "GET /v1/session": _at("/v1/session"),
    "POST /v1/sessions/{session_id}/children": _one("/v1/sessions/{}/children", "target", CHILD),
    "POST /v1/session/children": _at("/v1/session/children", CHILD),
    "GET /v1/session/children": _at("/v1/session/children"),
    "POST /v1/session/children/{session_id}/revoke": _one(
        "/v1/session/children/{}/revoke", "target", {}
    ),
    "POST /v1/session/children/{session_id}/revoke own": revoke_child,
    "GET /v1/sessions/{session_id}/consent": _consent,
    "POST /v1/sessions/{session_id}/grant": bring("grant"),
    "POST /v1/sessions/{session_id}/register": bring("register"),
    "POST /v1/sessions/{session_id}/consent-link": renewing,
    "GET /v1/consent": by_link(None),
    "POST /v1/consent": by_link("sign"),
    "GET /v1/sessions/{session_id}/kill-note": _one("/v1/sessions/{}/kill-note", "target"),
    "GET /v1/sessions/{session_id}/freeze-note": _one("/v1/sessions/{}/freeze-note", "target"),
    "POST /v1/sessions/{session_id}/freeze": stop("freeze", {}),
    "POST /v1/sessions/{session_id}/unfreeze": stop("unfreeze", {}),
    "POST /v1/sessions/{session_id}/revoke": stop("revoke", None),
    "POST /v1/sessions/revoke": revoke_all,
    "GET /v1/exposure": _exposed,
    "POST /v1/exposure/revoke": _revoke_exposed,
    "POST /v1/tokens/introspect": token("introspect"),
    "POST /v1/tokens/revoke": token("revoke"),
    "POST /v1/tokens/exchange": exchange,
    "POST /v1/session/hand-offs": _at("/v1/session/hand-offs", {}),
    "POST /v1/hand-offs/redeem": redeem,
    "POST /v1/session/token": _at("/v1/session/token", {"audience": "https://shop.example"}),
    "GET /.well-known/jwks.json": _at("/.well-known/jwks.json"),
    "GET /.well-known/oauth-authorization-server": _at("/.well-known/oauth-authorization-server"),
    "POST /v1/session/key": _at("/v1/session/key", NEW_KEY),
    "POST /v1/session/close": _at("/v1/session/close"),
    "POST /v1/runs": _run,
    "POST /v1/activities/{activity_id}/signature": _one(
        "/v1/activities/{}/signature", "activity", SIGNATURE
    ),
    "GET /v1/activities": _of("/v1/activities"),
    "GET /v1/activities/{activity_id}": _one("/v1/activities/{}", "activity"),
    "POST /v1/sessions/{session_id}/preview": _preview("target"),
    "POST /v1/sessions/{session_id}/preview own": _preview(None),
    "GET /v1/audit": _of("/v1/audit"),
    "POST /v1/webhooks": _at("/v1/webhooks", HOOK),
    "GET /v1/webhooks": _of("/v1/webhooks"),
    "GET /v1/webhooks/{webhook_id}": _one("/v1/webhooks/{}", "webhook"),
    "POST /v1/webhooks/{webhook_id}": _one("/v1/webhooks/{}", "webhook", {"label": "shop"}),
    "POST /v1/webhooks/{webhook_id}/rotate": _one("/v1/webhooks/{}/rotate", "webhook", {}),
    "POST /v1/webhooks/{webhook_id}/remove": _remove_webhook,
    "POST /v1/webhooks/{webhook_id}/test": _one("/v1/webhooks/{}/test", "webhook", {}),
    "POST /v1/webhooks/{webhook_id}/replay": _one("/v1/webhooks/{}/replay", "webhook", {}),
    "GET /v1/deliveries": _of("/v1/deliveries"),
    "GET /v1/deliveries/{delivery_id}": _one("/v1/deliveries/{}", "delivery"),
    "POST /v1/deliveries/{delivery_id}/replay": _one("/v1/deliveries/{}/replay", "delivery", {}),
    "GET /v1/audit/head": _of("/v1/audit/head"),
}


async def add_targets(stage: Stage) -> None:
    """Make one of each kind of thing, to be asked for, and give the account tokens to move."""
    user = await stage.secret.post("/v1/users", {"reference": "alice"})
    key = Key.make("secp256k1", 20)
    opened = await stage.open("chain", "write", key=key.document)
    listed = await stage.secret.get("/v1/credentials")
    activities = await stage.secret.get("/v1/activities")
    hook = (await stage.secret.post("/v1/webhooks", HOOK))["webhook"]["id"]
    delivery = await stage.secret.post(f"/v1/webhooks/{hook}/test", {})
    stage.keys |= {
        "webhook": hook,
        "delivery": delivery["id"],
        "organization": stage.org.organization.id,
        "user": user["id"],
        "wallet": stage.account["wallet_id"],
        "account": stage.account["id"],
        "credential": listed["items"][0]["id"],
        "target": opened["session"]["id"],
        "activity": activities["items"][0]["id"],
    }
