"""The OpenAPI document says what the server does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tools.write_openapi import PAGE, render
from valetkey.http.native.table import ROUTES
from valetkey.http.openapi import make_openapi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.http.stage import Stage

DOCUMENT = make_openapi(ROUTES, version="1")


def test_the_committed_document_is_current() -> None:
    """`python tools/write_openapi.py --write` brings it up to date."""
    assert Path(PAGE).read_text() == render()


@pytest.mark.asyncio(loop_scope="module")
async def test_the_server_serves_it(stage: Stage) -> None:
    """What is served is what is committed."""
    answer = await stage.client.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == json.loads(render())


def references(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Return every `$ref` in *value*."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for one in value.values():
            yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


def test_every_reference_leads_somewhere() -> None:
    """A generator that follows one finds a schema."""
    known = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    used = set(references(DOCUMENT))
    assert used
    assert used <= known


def test_every_route_is_in_it() -> None:
    """With its own operation id, for the names of generated functions."""
    operations = [one for path in DOCUMENT["paths"].values() for one in path.values()]
    assert len(operations) == len(ROUTES)
    assert len({one["operationId"] for one in operations}) == len(ROUTES)


def test_every_parameter_of_a_path_is_declared() -> None:
    """OpenAPI 3.1 4.8.8.2: a name in braces has a parameter."""
    for path, operations in DOCUMENT["paths"].items():
        for operation in operations.values():
            declared = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
            assert declared == {part[1:-1] for part in path.split("/") if part.startswith("{")}


def test_bodies_refuse_what_they_do_not_know() -> None:
    """What is sent is strict, and the document says so."""
    schemas = DOCUMENT["components"]["schemas"]
    for route in ROUTES:
        if route.body is not None and not route.form:  # RFC 6749, 3.2: pass over what is unknown
            assert schemas[route.body.__name__]["additionalProperties"] is False
