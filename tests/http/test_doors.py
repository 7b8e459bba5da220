"""Who gets in where: every route under every kind of principal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.http.doors import CODES, read_table
from tests.http.requests_for import MAKERS, add_targets
from tools.write_access import PAGE, WHO, WORDS, render
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


def test_the_page_of_the_table_is_current() -> None:
    """`python -m tools.write_access --write` brings it up to date."""
    assert PAGE.read_text() == render()


def test_every_kind_of_principal_is_a_caller_and_is_described(stage: Stage) -> None:
    """A column that nobody asks for, or that no reader understands, protects nobody."""
    columns = set(next(iter(read_table().values())))
    assert columns <= stage.callers.keys()
    assert columns == {name for group in WHO.values() for name in group}
    assert {word for words in read_table().values() for word in words.values()} == {
        *WORDS,
        *CODES.values(),
    }


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
    wrong: dict[tuple[str, str], str] = {}
    for row, expected in read_table().items():
        for principal, word in expected.items():
            answered = word if word == "-" else await _answer(stage, row, principal)
            if answered != word:
                wrong[row, principal] = f"expected {word}, got {answered}"
    assert wrong == {}


async def _answer(stage: Stage, row: str, principal: str) -> str:
    """Return the word for what *principal* is answered; fail if a refusal changes something."""
    path, body = await MAKERS[row](stage, principal)
    stage.store.changes.clear()
    method, _, _ = row.partition(" ")
    answer = await stage.callers[principal].send(method, path, body)
    is_refused = answer.status_code >= 400
    if is_refused or method == "GET":
        assert stage.store.changes == [], f"{row} changed something for {principal}"
    if not is_refused:
        return "yes"
    code: str = answer.json()["code"]
    return CODES.get(code, code)
