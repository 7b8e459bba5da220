"""Who gets in where: every route under every kind of principal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.http.doors import CODES, read_table
from tests.http.requests_for import MAKERS, add_targets
from tests.http.unchanged import state
from valetkey.devchain import mint
from valetkey.http.native.table import ROUTES

if TYPE_CHECKING:
    from tests.http.stage import Stage

OTHERS = {"GET /openapi.json"}  # made from the routes, and not among them


def test_the_table_names_every_route() -> None:
    """A new route is in the table before it is anywhere."""
    named = {row.removesuffix(" own") for row in read_table()}
    assert named == {f"{route.method} {route.path}" for route in ROUTES} | OTHERS
    assert MAKERS.keys() == read_table().keys()


@pytest.mark.asyncio(loop_scope="module")
async def test_every_route_answers_every_kind_of_principal_as_the_table_says(
    stage: Stage,
) -> None:
    """
    A route is open to whom the table names and to nobody else.

    What is refused changes nothing; a read changes nothing whoever asks.
    """
    await add_targets(stage)
    mint(stage.node.rpc, stage.deployment, bytes.fromhex(stage.account["address"][2:]), 10**6)
    found: dict[str, dict[str, str]] = {}
    for row, expected in read_table().items():
        method, _, _ = row.partition(" ")
        found[row] = {}
        for principal, word in expected.items():
            if word == "-":
                found[row][principal] = word
                continue
            path, body = await MAKERS[row](stage, principal)
            before = await state(stage.world)
            answer = await stage.callers[principal].send(method, path, body)
            refused = answer.status_code >= 400
            code = answer.json()["code"] if refused else "yes"
            found[row][principal] = CODES.get(code, code)
            if refused or method == "GET":
                assert await state(stage.world) == before, (
                    f"{row} changed something for {principal}"
                )
    assert found == read_table()
