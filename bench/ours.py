"""This server as `valetkey serve` runs it, and the sessions of it that are checked."""

from __future__ import annotations

import itertools
import json
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx

from bench.load import WrongAnswer
from bench.servers import FACTS, form, request
from valetkey.cli.local import config_text
from valetkey.client.keys import StampKey
from valetkey.client.proofs import Sent, Signed
from valetkey.devchain import deploy
from valetkey.flows.organize import found
from valetkey.wiring import init, wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from valetkey.devchain import Deployment, Node

USDC: Final = 10**6
PAYEE: Final = "0x" + "a1" * 20
SESSION: Final = "/v1/session"


async def make_home(home: Path, node: Node) -> tuple[Deployment, str]:
    """Make a server with one organization in *home*; return its chain and its secret key."""
    deployment = deploy(node.rpc)
    await init(home, config_text(deployment), os.environ)
    async with wire(home, os.environ) as wired:
        _, secret = await found(wired.world, name="Bench")
    return deployment, secret


@dataclass(frozen=True, slots=True)
class Ours:
    """The organization of the bench, at a server that runs."""

    port: int
    secret: str
    deployment: Deployment

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a write."""
        fields = {
            "authorization": f"Bearer {self.secret}",
            "idempotency-key": secrets.token_hex(16),
        }
        url = f"http://127.0.0.1:{self.port}{path}"
        answer = httpx.post(url, json=body, headers=fields, timeout=30, trust_env=False)
        if not answer.is_success:
            raise WrongAnswer(f"POST {path}: expected success, got {answer.text}")
        told: dict[str, Any] = answer.json()
        return told

    def opening(self) -> Iterator[bytes]:
        """Return requests that open sessions: a bearer token for a user of the organization."""
        user = self.post("/v1/users", {"reference": FACTS["session"]["principal"]})
        wanted = {
            "proof": "bearer",
            "access": "read",
            "user_id": user["id"],
            "ttl_s": FACTS["life_s"],
            "label": FACTS["session"]["label"],
        }
        body = json.dumps(wanted).encode()
        kind = {"authorization": f"Bearer {self.secret}", "content-type": "application/json"}
        for number in itertools.count():
            yield request("POST", "/v1/sessions", {**kind, "idempotency-key": f"o{number}"}, body)

    def signed(self, count: int, *, writes: bool) -> Iterator[bytes]:
        """
        Return signed requests of *count* sessions in turn, each signed as it is taken.

        Args:
            writes: Whether they may write, under a permission with two rules and two caps.
        """
        wanted: dict[str, Any] = {"proof": "stamp", "access": "read", "ttl_s": FACTS["life_s"]}
        if writes:
            wallet = self.post("/v1/wallets", {"chain": self._chain, "owner_key": "sealed"})
            permission = self._permission()
            account_id = wallet["account"]["id"]
            wanted |= {"access": "write", "account_id": account_id, "permission": permission}
        held: list[Signed] = []
        for _ in range(count):
            key = StampKey.generate()
            document = {"curve": "p256", "public_key": f"0x{key.public_key.data.hex()}"}
            opened = self.post("/v1/sessions", {**wanted, "key": document})
            held.append(Signed(opened["session"]["id"], key))
        sent = Sent("GET", f"http://127.0.0.1{SESSION}", b"", is_write=False)
        for proof in itertools.cycle(held):
            yield request("GET", SESSION, proof.headers(sent, request_id=secrets.token_hex(16)))

    def bearer(self, token: str) -> bytes:
        """Return the request that asks what the session of *token* is."""
        return request("GET", SESSION, {"authorization": f"Bearer {token}"})

    def introspection(self, token: str) -> bytes:
        """Return the request in which a backend asks the same (RFC 7662)."""
        key = {"authorization": f"Bearer {self.secret}"}
        return form("/v1/tokens/introspect", key, token=token)

    @property
    def _chain(self) -> str:
        return f"eip155:{self.deployment.chain_id}"

    def _permission(self) -> dict[str, Any]:
        token = f"0x{self.deployment.token.hex()}"
        pay = {"target": token, "function": "transfer(address,uint256)"}
        cap = {
            "asset": token,
            "decimals": 6,
            "lifetime": str(100 * USDC),
            "window": {"limit": str(20 * USDC), "window_s": 86_400},
        }
        return {"chain": self._chain, "recipients": [PAYEE], "rules": [pay], "caps": [cap]}
