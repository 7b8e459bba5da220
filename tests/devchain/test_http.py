"""py-evm over HTTP: what is no question gets an error and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from valetkey.devchain.pyevm.app import BODY_BYTES

if TYPE_CHECKING:
    from valetkey.devchain import Node

pytest_plugins = ("tests.chains",)

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("method", "headers", "content", "status"),
    [
        ("GET", JSON, b"", 405),
        ("OPTIONS", {"origin": "https://page.example"}, b"", 405),
        ("POST", {"content-type": "text/plain"}, b"{}", 415),
        ("POST", {}, b"{}", 415),
        ("POST", JSON, b" " * (BODY_BYTES + 1), 413),
    ],
    ids=["get", "preflight", "text", "untyped", "long"],
)
def test_another_request_is_refused(
    pyevm_node: Node, method: str, headers: dict[str, str], content: bytes, status: int
) -> None:
    """A page in a browser gets no further than its own preflight."""
    answer = httpx.request(
        method, pyevm_node.rpc_url, headers=headers, content=content, trust_env=False
    )
    assert answer.status_code == status
    assert "access-control-allow-origin" not in answer.headers
    assert answer.json()["error"]["code"] == -32600


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", -32700),
        (b"{bad", -32700),
        (b"\xff\xfe", -32700),
        (b"[" * 100_000, -32700),
        (b"7", -32600),
        (b"[]", -32600),
        (b"{}", -32600),
        (b'{"method":7}', -32600),
        (b'{"id":1,"method":"eth_chainId","params":{}}', -32602),
        (b'{"id":1,"method":"eth_chainId","params":[1]}', -32602),
        (b'{"id":1,"method":"eth_x"}', -32601),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_body_that_is_no_question_gets_an_error(
    pyevm_node: Node, content: bytes, code: int
) -> None:
    """JSON-RPC 2.0, section 5.1."""
    answer = httpx.post(pyevm_node.rpc_url, headers=JSON, content=content, trust_env=False)
    assert answer.status_code == 200
    assert answer.json()["error"]["code"] == code
    assert pyevm_node.rpc.ask("eth_chainId") == "0x7a69"
