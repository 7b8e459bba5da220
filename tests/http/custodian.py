"""A custodian's backend that speaks Portal's format, in either family of its paths."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import httpx

PORTAL: Final = "/api/v3/custodians/me/clients"
TATUM: Final = "/v4/wallets/clients"


def bearer(token: str) -> dict[str, str]:
    """Return the header that shows *token*."""
    return {"authorization": f"Bearer {token}"}


@dataclass(frozen=True, slots=True)
class Custodian:
    """
    One backend.

    Args:
        path: Of its clients: which of both families it speaks.
    """

    http: httpx.AsyncClient
    key: str = field(repr=False)
    path: str = PORTAL

    async def ask(
        self, method: str, path: str = "", body: object | None = None, status: int = 200
    ) -> dict[str, Any]:
        """Return the answer at *path* below the clients, which has *status*."""
        fields = {"x-api-key": self.key} if self.path == TATUM else bearer(self.key)
        answer = await self.http.request(method, self.path + path, headers=fields, json=body)
        assert answer.status_code == status, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def client(self) -> dict[str, Any]:
        """Return a new client."""
        return await self.ask("POST", body={})

    async def token(self, client_id: str) -> dict[str, Any]:
        """Return a new session of a client."""
        return await self.ask("POST", f"/{client_id}/sessions", {"isAccountAbstracted": False})
