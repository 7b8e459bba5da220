"""Requests about split wallets, for the table of who gets in where: each of a wallet of its own."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import msgspec

from valetkey.client import frost
from valetkey.wire.frost import FrostBegun

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.http.stage import Stage

    Target = tuple[str, Any]
    Maker = Callable[[Stage, str], Awaitable[Target]]


def _of_split(verb: str, **more: Any) -> Maker:  # noqa: ANN401 - JSON
    """Ask for *verb* with the client's share of a new wallet."""

    async def make(stage: Stage, principal: str) -> Target:
        del principal
        made = await stage.secret.post("/v1/wallets/split", {})
        return f"/v1/wallets/{made['wallet']['id']}/{verb}", {"share": made["share"], **more}

    return make


async def _custody(stage: Stage, principal: str) -> Target:
    """Look at a new one."""
    del principal
    made = await stage.secret.post("/v1/wallets/split", {})
    return f"/v1/wallets/{made['wallet']['id']}/custody", None


async def _recover(stage: Stage, principal: str) -> Target:
    """Recover a new one."""
    path, body = await _of_split("backup")(stage, principal)
    backed_up = await stage.secret.post(path, body)
    wallet_id = backed_up["custody"]["wallet_id"]
    return f"/v1/wallets/{wallet_id}/recover", {"recovery_share": backed_up["recovery_share"]}


def _leaving(verb: str) -> Maker:
    """Allow the ejection of a new one, or eject it."""

    async def make(stage: Stage, principal: str) -> Target:
        del principal
        made = await stage.secret.post("/v1/wallets/split", {})
        path = f"/v1/wallets/{made['wallet']['id']}"
        if verb == "eject":
            await stage.secret.post(f"{path}/enable-eject", {})
        return f"{path}/{verb}", {}

    return make


async def _create(stage: Stage, principal: str) -> Target:
    del stage, principal
    return "/v1/wallets/split", {}


async def _raw_signing(stage: Stage, principal: str) -> Target:
    del principal
    path = f"/v1/organizations/{stage.org.organization.id}/raw-signing"
    return path, {"surfaces": ["portal"]}


async def _vendor_meaning(stage: Stage, principal: str) -> Target:
    del principal
    path = f"/v1/organizations/{stage.org.organization.id}/vendor-meaning"
    return path, {"surfaces": ["openfort"]}


ABOUT_SPLIT: Final[dict[str, Maker]] = {
    "POST /v1/wallets/split": _create,
    "GET /v1/wallets/{wallet_id}/custody": _custody,
    "POST /v1/wallets/{wallet_id}/sign": _of_split("sign", message="0x68656c6c6f"),
    "POST /v1/wallets/{wallet_id}/refresh": _of_split("refresh"),
    "POST /v1/wallets/{wallet_id}/confirm": _of_split("confirm"),
    "POST /v1/wallets/{wallet_id}/backup": _of_split("backup"),
    "POST /v1/wallets/{wallet_id}/recover": _recover,
    "POST /v1/wallets/{wallet_id}/enable-eject": _leaving("enable-eject"),
    "POST /v1/wallets/{wallet_id}/eject": _leaving("eject"),
    "POST /v1/organizations/{organization_id}/raw-signing": _raw_signing,
    "POST /v1/organizations/{organization_id}/vendor-meaning": _vendor_meaning,
}


async def _begin_frost(stage: Stage, principal: str) -> Target:
    """Begin with a new one."""
    del principal
    path, body, _ = await _round(stage)
    return f"{path}/begin", body


async def _finish_frost(stage: Stage, principal: str) -> Target:
    """Finish what who finishes began, if it may begin; else what a secret key did."""
    named = stage.callers.get("finishes") or stage.secret
    begins = stage.callers["p256"] if principal == "p256" else named
    path, body, half = await _round(stage)
    begun = msgspec.convert(await begins.post(f"{path}/begin", body), FrostBegun)
    made = frost.finish(half, begun, public_key=None)
    return f"{path}/finish", msgspec.to_builtins(made.body)


async def _round(stage: Stage) -> tuple[str, Any, frost.Half]:
    made = await stage.secret.post("/v1/wallets/split", {"curve": "ed25519"})
    body, half = frost.begin(made["share"], message=b"hello", digest=None)
    told = {name: one for name, one in msgspec.to_builtins(body).items() if one is not None}
    return f"/v1/wallets/{made['wallet']['id']}/frost", told, half


ABOUT_SPLIT.update(
    {
        "POST /v1/wallets/{wallet_id}/frost/begin": _begin_frost,
        "POST /v1/wallets/{wallet_id}/frost/finish": _finish_frost,
    }
)


PROOF: Final = b"\x01" * 32


def _of_pin(verb: str) -> Maker:
    """Ask about the PIN of a new wallet."""

    async def make(stage: Stage, principal: str) -> Target:
        del principal
        made = await stage.secret.post("/v1/wallets/split", {})
        path = f"/v1/wallets/{made['wallet']['id']}/pin"
        told = {"blob": "vkn1", "proof_hash": f"0x{hashlib.sha256(PROOF).hexdigest()}"}
        if verb != "/begin":
            await stage.secret.post(f"{path}/begin", {})
        if verb in {"/try", "/opened"}:
            await stage.secret.post(path, told)
        bodies = {"": told, "/opened": {"proof": f"0x{PROOF.hex()}"}}
        return f"{path}{verb}", bodies.get(verb, {})

    return make


ABOUT_SPLIT.update(
    {
        f"POST /v1/wallets/{{wallet_id}}/pin{verb}": _of_pin(verb)
        for verb in ("/begin", "", "/try", "/opened")
    }
)
