"""Plain JSON-RPC, for setting a local chain up."""

from __future__ import annotations

import itertools
from typing import Any, Self

import httpx

from valetkey.core.errors import Code, Unavailable

CHAIN_ID = 31337

_TIMEOUT_S = 30.0


class NodeError(Exception):
    """The node answered with a JSON-RPC error: its *code*, its *text* and its *data*."""

    def __init__(self, code: int, text: str, data: object) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text
        self.data = data


class Rpc:
    """
    One local node, asked one question at a time.

    Args:
        transport: How questions travel, for a node that is in this process.
    """

    def __init__(self, url: str, *, transport: httpx.BaseTransport | None = None) -> None:
        self.url = url
        self._ids = itertools.count(1)
        self._client = httpx.Client(
            timeout=_TIMEOUT_S, trust_env=False, follow_redirects=False, transport=transport
        )

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def ask(self, method: str, *params: object) -> Any:  # noqa: ANN401 - any JSON value
        """
        Return the node's result for *method*.

        Raises:
            NodeError: It answered with an error.
            Unavailable: It did not answer.
        """
        question = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        try:
            answer = self._client.post(self.url, json=question).raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable(
                Code.CHAIN_UNREACHABLE, f"the local chain does not answer: {type(error).__name__}"
            ) from None
        if "error" in answer:
            said = answer["error"]
            raise NodeError(said["code"], said["message"], said.get("data"))
        return answer["result"]
