"""The SDK speaks to the whole server: every route has a method, and every list an iterator."""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import json

import valetkey
from tests.client.routes import LEFT_OUT, METHODS
from valetkey import AsyncSession, AsyncValetkey, Session, Valetkey
from valetkey.client import filters

ROOT = Path(__file__).parents[2]
DOCUMENT = json.decode((ROOT / "docs/reference/openapi.json").read_bytes())
ROUTES = {
    f"{method.upper()} {path}": operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}
FORMS = {"sync": (Valetkey, Session), "async": (AsyncValetkey, AsyncSession)}


def method_of(name: str, form: str) -> Any:  # noqa: ANN401 - a method of some class
    """Return the method that *name* stands for, of a client that speaks to nobody."""
    client, session = FORMS[form]
    first, *rest = name.split(".")
    found: Any = client("http://127.0.0.1:1") if first == "vk" else session
    for one in rest:
        found = getattr(found, one)
    return found


def test_every_route_has_a_method() -> None:
    """Or stands among the few that are left out, with why."""
    assert ROUTES.keys() - METHODS.keys() - LEFT_OUT.keys() == set()
    assert (METHODS.keys() | LEFT_OUT.keys()) - ROUTES.keys() == set()
    assert METHODS.keys() & LEFT_OUT.keys() == set()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", sorted(set(METHODS.values())))
def test_every_method_is_there_and_says_what_it_does(name: str, form: str) -> None:
    """In both forms of the client, with the same arguments."""
    method = method_of(name, form)
    assert callable(method)
    summary = (method.__doc__ or "").strip().splitlines()[0]
    assert summary.endswith((".", ":", ";", ","))
    other = method_of(name, "async" if form == "sync" else "sync")
    names = [list(inspect.signature(one).parameters) for one in (method, other)]
    assert names[0] == names[1]


@pytest.mark.parametrize("route", sorted(METHODS))
def test_every_path_is_asked_for_somewhere(route: str) -> None:
    """The table is no wish: the source of the client has the path."""
    path = route.partition(" ")[2]
    parts = [part for part in re.split(r"\{[a-z_]+\}", path) if part]
    sources = [one.read_text() for one in (ROOT / "src/valetkey/client/_async").glob("*.py")]
    name = path.rpartition("/")[2] if path.startswith("/v1/permissions/") else ""
    wanted = [f'"{name}"'] if name else parts
    assert any(all(part in text for part in wanted) for text in sources), path


def lists() -> list[str]:
    """Return the routes whose answer is a page."""
    return [
        route
        for route, operation in ROUTES.items()
        if "Page_" in json.encode(operation["responses"]).decode()
    ]


@pytest.mark.parametrize("route", lists())
def test_every_list_is_an_iterator(route: str) -> None:
    """Nobody who uses the SDK meets a cursor, and every filter of the server can be given."""
    for form, kind in (("sync", Iterator), ("async", AsyncIterator)):
        method = method_of(METHODS[route], form)
        returned = inspect.get_annotations(method)["return"]
        assert returned.startswith(f"{kind.__name__}["), returned
    given = {one["name"] for one in ROUTES[route]["parameters"] if one["in"] == "query"}
    taken = set(inspect.signature(method_of(METHODS[route], "sync")).parameters)
    for name in taken & {"filters", "asked"}:
        unpacked = inspect.get_annotations(method_of(METHODS[route], "sync"))[name]
        kind_name = unpacked.removeprefix("Unpack[").removesuffix("]")
        taken = taken - {name} | getattr(filters, kind_name).__annotations__.keys()
    assert given - taken - {"after", "limit"} == set()


def test_everything_public_is_there() -> None:
    """`__all__` names what can be imported."""
    assert [name for name in valetkey.__all__ if not hasattr(valetkey, name)] == []
