"""A client that speaks Portal's format with a token, and what it has to check by itself."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.http.custodian import bearer
from valetkey.spec.keccak import keccak256
from valetkey.spec.secp256k1 import recover_address

if TYPE_CHECKING:
    import httpx

ME: Final = "/api/v3/clients/me"
CURVES: Final = ("SECP256K1", "ED25519")


@dataclass(slots=True)
class Client:
    """
    One client.

    Args:
        shares: By curve, as they were given out.
    """

    http: httpx.AsyncClient
    token: str = field(repr=False)
    shares: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)

    async def send(self, method: str, path: str, body: object | None = None) -> httpx.Response:
        """Return the answer, whatever it is."""
        return await self.http.request(method, path, headers=bearer(self.token), json=body)

    async def ask(self, method: str, path: str, body: object | None = None) -> Any:  # noqa: ANN401 - JSON
        """Return what a good answer says."""
        answer = await self.send(method, path, body)
        assert answer.status_code in {200, 204}, answer.text
        return answer.json() if answer.content else None

    async def refused(self, path: str, body: object, *, status: int = 400) -> str:
        """Return the id of the error at *path*."""
        answer = await self.send("POST", path, body)
        assert answer.status_code == status, answer.text
        told: str = answer.json()["id"]
        return told

    async def generate(self, *, stores: bool = True) -> dict[str, dict[str, str]]:
        """Have wallets made; say that the shares are stored."""
        self.shares = await self.ask("POST", "/v1/generate", {})
        if stores:
            await self.store()
        return self.shares

    async def store(self) -> None:
        """Say that the shares are stored."""
        ids = [one["id"] for one in self.shares.values()]
        body = {"signingSharePairIds": ids, "status": "STORED_CLIENT"}
        await self.ask("PATCH", f"{ME}/signing-share-pairs", body)

    async def address(self) -> str:
        """Return where the client is on EVM chains."""
        told: str = (await self.ask("GET", ME))["metadata"]["namespaces"]["eip155"]["address"]
        return told

    def signing(self, method: str, params: object, **more: object) -> dict[str, object]:
        """Return the body of a request for a signature."""
        share = self.shares["SECP256K1"]["share"]
        return {"method": method, "params": params, "share": share, "chainId": "eip155:1", **more}

    async def sign(self, method: str, params: object, **more: object) -> Any:  # noqa: ANN401 - JSON
        """Return what signing gave."""
        return (await self.ask("POST", "/v1/sign", self.signing(method, params, **more)))["data"]


def opened(share: str) -> dict[str, Any]:
    """Return what is in a share."""
    told: dict[str, Any] = json.loads(base64.b64decode(share))
    return told


def sealed(blob: dict[str, Any]) -> str:
    """Return a share with *blob* in it."""
    return base64.b64encode(json.dumps(blob).encode()).decode()


def signer_of(text: bytes, signature: str) -> str:
    """Return the address whose ``personal_sign`` of *text* gave *signature*."""
    prefix = b"\x19Ethereum Signed Message:\n%d" % len(text)
    data = bytes.fromhex(signature.removeprefix("0x"))
    return f"0x{recover_address(keccak256(prefix + text), data).hex()}"
