"""A served world for tests that draw their requests: they run beside its event loop."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, TypeVar

import requests
from schemathesis import Response
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.http.cast import add_everybody
from tests.http.requests_for import add_targets
from tests.http.stage import Stage, staged
from valetkey.core.errors import Code
from valetkey.core.quota import Tally
from valetkey.devchain import mint

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from schemathesis import Case

    from tests.http.calls import Caller
    from valetkey.devchain import Deployment, Node
    from valetkey.ports import Tx

T = TypeVar("T")
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
CODES: Final = {code.value for code in Code}
OAUTH: Final = {
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "invalid_scope",
    "invalid_target",
    "unauthorized_client",
    "unsupported_grant_type",
}
PROVEN: Final = {"authorization", "signature", "signature-input", "content-digest", "dpop"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: its query stands in *path*."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Arena:
    """
    A stage with somebody of every kind and one of each thing, served by a loop of its own.

    Args:
        loop: Where the stage lives; tests are elsewhere.
    """

    stage: Stage
    loop: asyncio.AbstractEventLoop

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what *work* makes, in the stage's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def lift_quotas(self) -> None:
        """Take away what drawn requests have bounded, so that routes do not hinder each other."""
        self.do(self.stage.store.write(_lift_quotas))

    def send(self, caller: Caller, asked: Asked) -> Response:
        """Return the answer; fail if a refusal, or a read, changed anything."""
        self.stage.store.changes.clear()
        answer = self.do(
            caller.send(asked.method, asked.path, asked.body or None, headers=asked.headers)
        )
        is_stream = answer.headers["content-type"].startswith("text/event-stream")
        if is_stream:
            answer._content = b""  # noqa: SLF001 - it would go on for ever
        if answer.status_code >= 400 or asked.method == "GET":
            assert self.stage.store.changes == [], f"{answer.status_code} to {asked}"
        if answer.status_code >= 400:
            check_refusal(answer.json(), answer.headers["content-type"])
        return Response.from_httpx(answer, verify=False)


def _lift_quotas(tx: Tx) -> None:
    for tally in tx.find(Tally):
        if tally.limit is not None:
            tx.put(replace(tally, limit=None, set_by=None))


def check_refusal(body: dict[str, Any], kind: str) -> None:
    """Fail unless *body* is a problem with a documented code, or an error of OAuth."""
    if kind == "application/problem+json":
        assert body["code"] in CODES
        assert body["type"] == f"/problems/{body['code']}"
    else:
        assert body["error"] in OAUTH, body


def ask_of(case: Case[Any], base_url: str) -> Asked:
    """Return the request that *case* is; whoever sends it proves themselves."""
    made = requests.Request(**case.as_transport_kwargs(base_url=base_url)).prepare()
    body = made.body or b""
    headers = {
        name: value if isinstance(value, str) else value.decode("latin-1")
        for name, value in made.headers.items()
        if name.lower() in {"content-type", "idempotency-key"}
    }
    content = body.encode() if isinstance(body, str) else body
    assert isinstance(content, bytes)
    return Asked(case.method, made.path_url, content, headers)


def check(case: Case[Any], answer: Response) -> None:
    """Fail unless *answer* is as the OpenAPI document says; of streams there is only the head."""
    if not answer.headers["content-type"][0].startswith("text/event-stream"):
        case.validate_response(answer, checks=list(CHECKS))


@contextmanager
def arena_of(node: Node, deployment: Deployment) -> Iterator[Arena]:
    """Serve a stage until the body ends."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, name="arena")
    thread.start()
    stack = AsyncExitStack()
    try:
        arena = asyncio.run_coroutine_threadsafe(_fill(stack, node, deployment), loop).result()
        yield Arena(arena, loop)
    finally:
        asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _fill(stack: AsyncExitStack, node: Node, deployment: Deployment) -> Stage:
    stage = await stack.enter_async_context(staged(node, deployment))
    await add_everybody(stage)
    await add_targets(stage)
    mint(node.rpc, deployment, bytes.fromhex(stage.account["address"][2:]), 10**6)
    return stage
