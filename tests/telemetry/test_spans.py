"""Spans, as OpenTelemetry's own SDK receives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from tests.http.stage import USDC, staged
from tests.leaks import note_output
from tests.worlds import make_organization, make_world
from valetkey.core.errors import Malformed
from valetkey.devchain import mint
from valetkey.http.server import running
from valetkey.http.settings import Settings
from valetkey.telemetry.exported import spans_to
from valetkey.telemetry.journal import Journal
from valetkey.telemetry.spans import Spans
from valetkey.telemetry.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.devchain import Deployment, Node

QUIET = Settings(reconcile_s=0)
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"  # the example of W3C Trace Context


def traced() -> tuple[Telemetry, InMemorySpanExporter]:
    """Return telemetry whose spans are kept in memory."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Telemetry(Journal(bytes), spans=Spans(provider)), exporter


def by_name(spans: Sequence[ReadableSpan]) -> dict[str, ReadableSpan]:
    """Return the newest span of each name."""
    return {one.name: one for one in spans}


def parent_of(span: ReadableSpan) -> int | None:
    """Return the id of the span above."""
    return span.parent.span_id if span.parent else None


def id_of(span: ReadableSpan) -> int:
    """Return its own id."""
    context = span.get_span_context()
    assert context is not None
    return int(context.span_id)


async def test_a_run_is_one_trace_from_the_request_to_the_chain(
    node: Node, deployment: Deployment
) -> None:
    """Request, flow, store, vault and chain, each under the one before, with the ids of both."""
    telemetry, exporter = traced()
    async with staged(node, deployment, telemetry=telemetry) as stage:
        stage.clock.advance(5)
        await stage.secret.post(f"/v1/accounts/{stage.account['id']}/delegation", {})
        _, holder = await stage.stamped(12, "write")
        mint(node.rpc, deployment, bytes.fromhex(stage.account["address"][2:]), USDC)
        exporter.clear()
        answer = await holder.send("POST", "/v1/runs", {"calls": [stage.transfer()]})
        spans = exporter.get_finished_spans()
    activity_id = answer.json()["id"]
    found = by_name(spans)
    request = found["POST /v1/runs"]
    flow = next(one for one in spans if one.name.startswith("flow "))
    assert (request.kind, request.parent) == (SpanKind.SERVER, None)
    assert parent_of(flow) == id_of(request)
    assert {parent_of(one) for one in spans if one.name.startswith(("vault", "chain"))} == {
        id_of(flow)
    }
    assert {"store write", "vault sign", "chain send", "chain receipt"} <= found.keys()
    assert {one.context.trace_id for one in spans if one.context} == {request.context.trace_id}
    request_id = answer.headers["x-request-id"]
    assert all((one.attributes or {}).get("valetkey.request_id") == request_id for one in spans)
    sent = found["chain send"].attributes or {}
    assert sent["valetkey.activity_id"] == activity_id
    assert sent["valetkey.chain"] == stage.chain
    note_output("spans", "\n".join(one.to_json(indent=None) or "" for one in spans))


async def test_the_callers_trace_goes_on_here() -> None:
    """A well-formed ``traceparent`` is the parent; anything else starts a trace of its own."""
    telemetry, exporter = traced()
    world = await make_world()
    bad = (
        PARENT.replace("00-", "ff-", 1),
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        "x" * 5000,
        "\xff",
        f"{PARENT}-more",
    )
    async with (
        running(world, settings=QUIET, telemetry=telemetry) as serving,
        httpx.AsyncClient(base_url=serving.url) as client,
    ):
        for parent in (PARENT, *bad):
            given = {b"traceparent": parent.encode("latin-1"), b"tracestate": b"evil=payload"}
            await client.get("/healthz", headers=given)
        twice = [("traceparent", PARENT), ("traceparent", PARENT)]
        await client.get("/healthz", headers=twice)
    first, *others = [
        one for one in exporter.get_finished_spans() if one.name == "GET /healthz" and one.context
    ]
    assert first.context is not None
    assert f"{first.context.trace_id:032x}" == TRACE
    assert first.context.trace_state == {}
    assert [one.parent for one in others] == [None] * (len(bad) + 1)


async def test_a_refusal_is_said_by_its_code_and_not_by_its_text() -> None:
    """A sentence may quote what was sent; a code never does."""
    telemetry, exporter = traced()
    world = await make_world()
    founded = await make_organization(world)
    headers = {"authorization": f"Bearer {founded.secret}"}
    async with (
        running(world, settings=QUIET, telemetry=telemetry) as serving,
        httpx.AsyncClient(base_url=serving.url) as client,
    ):
        gone = f"/v1/sessions/ses_{7:024}"
        assert (await client.get(f"{gone}?token=hidden", headers=headers)).status_code == 400
        assert (await client.get(gone, headers=headers)).status_code == 404
        assert (await client.get("/v1/hidden")).status_code == 404
    spans = exporter.get_finished_spans()
    flow = next(one for one in spans if one.name.startswith("flow "))
    assert flow.status.status_code is StatusCode.ERROR
    assert (flow.attributes or {})["valetkey.code"] == "not_found"
    written = " ".join(one.to_json(indent=None) or "" for one in spans)
    for hidden in ("hidden", founded.secret, f"ses_{7:024}"):
        assert hidden not in written
    assert all(one.events == () and one.status.description is None for one in spans)


async def test_without_a_provider_there_is_no_span_at_all() -> None:
    """Nothing is made, so nothing is paid: the same empty context each time."""
    spans = Spans()
    assert not spans.are_kept
    first, second = spans.span("one"), spans.span("two", parent=b"x")
    assert first is second
    with first as nothing:
        assert nothing is None


@pytest.mark.parametrize(
    "url", ["ftp://x/v1/traces", "collector:4318", "http://", "http://user:secret@x/v1/traces"]
)
def test_where_traces_go_is_a_url_without_a_password(url: str) -> None:
    """What is wrong is said without repeating what might be secret."""
    with pytest.raises(Malformed, match="traces_url") as refused:
        spans_to(url)
    assert "secret" not in str(refused.value)
