"""Drawn requests of every route: Schemathesis reads the OpenAPI document and does its worst."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from tests.http.aimed import ALONE, aim, overlaid, whoever
from tests.http.arena import Arena, Asked, arena_of, ask_of, check
from tests.http.calls import Form
from tests.searched import LONGER
from valetkey.http.native.table import ROUTES
from valetkey.http.openapi import openapi_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis import APIOperation, Case

    from tests.http.calls import Caller
    from valetkey.devchain import Deployment, Node

    Operation = APIOperation[Any, Any, Any, Any]

SCHEMA = schemathesis.openapi.from_dict(openapi_document(ROUTES, version="1"))
OPERATIONS: Final[list[Operation]] = [
    found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)
]
LEAST: Final = 0.3  # of the answers of each route are 2xx, or the draws do not reach its code

# How many requests of each kind: as they must be; by somebody who may not; with one field or with
# the query as it was drawn; all drawn as the document has it; all drawn as it has not.
KINDS: Final = {"aimed": 6, "trespass": 4, "overlaid": 4, "drawn": 2, "negative": 2}


@pytest.fixture(scope="module")
def arena(live_node: Node, live_deployment: Deployment) -> Iterator[Arena]:
    """Give a stage that is served beside the test."""
    with arena_of(live_node, live_deployment) as made:
        yield made


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.label)
def test_no_drawn_request_breaks_a_route(
    arena: Arena, operation: Operation, live_node: Node, live_deployment: Deployment
) -> None:
    """
    Whatever comes from whomever, the answer is one that the document names, and no 5xx.

    A refusal has a code and changes nothing. Three answers of ten are 2xx, and who may not gets
    none.
    """
    share = share_of(arena, operation)
    if share < LEAST:  # requests for other routes have ended whom this stage has: ask a fresh one
        with arena_of(live_node, live_deployment) as fresh:
            share = share_of(fresh, operation)
    assert share >= LEAST, f"{share:.0%} of the answers to {operation.label} are 2xx"


def share_of(arena: Arena, operation: Operation) -> float:
    """Send the requests of each kind, check each answer, and return how many are 2xx."""
    counted: Counter[bool] = Counter()
    for kind, count in KINDS.items():
        if kind == "trespass" and not whoever(operation.label, "refused"):
            continue
        for number, case in enumerate(draw(operation, kind, count * LONGER)):
            caller, asked = make(arena, case, kind, number)
            answer = arena.send(caller, asked)
            check(case, answer)
            done = answer.status_code < 300
            assert not (done and kind == "trespass"), f"{asked} by {caller.proof}"
            counted[done] += 1
    arena.lift_quotas()
    return counted[True] / counted.total()


def draw(operation: Operation, kind: str, count: int) -> list[Case[Any]]:
    """Return so many drawn requests, the same in each run; with nothing to draw all are alike."""
    mode = GenerationMode.NEGATIVE if kind == "negative" else GenerationMode.POSITIVE
    cases: list[Case[Any]] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(mode))
    def note(case: Case[Any]) -> None:
        cases.append(case)

    with suppress(Unsatisfiable):  # there is no wrong way to ask for what takes no parameters
        note()
    return list(itertools.islice(itertools.cycle(cases), count))


def make(arena: Arena, case: Case[Any], kind: str, number: int) -> tuple[Caller, Asked]:
    """Return who sends what in a request of that kind; who may takes turns."""
    route = case.operation.label
    drawn = ask_of(case, str(arena.stage.client.base_url))
    if route in ALONE and kind != "trespass":
        caller, path, body = arena.do(ALONE[route](arena.stage))
    else:
        found = whoever(route, "refused" if kind == "trespass" else "yes")
        turn = 7 * number + len(route)  # others for other routes
        caller, path, body = arena.do(aim(arena.stage, *found[turn % len(found)]))
    if kind in {"drawn", "negative"}:
        return caller, drawn
    if kind == "overlaid":
        if isinstance(case.body, dict) and case.body:
            body = overlaid(body, case.body, sorted(case.body)[number % len(case.body)])
        path = path.partition("?")[0] + drawn.path[len(drawn.path.partition("?")[0]) :]
    return caller, Asked(case.method, path, *_encoded(body))


def _encoded(body: object) -> tuple[bytes, dict[str, str]]:
    if isinstance(body, Form):
        return body.encode(), {"content-type": "application/x-www-form-urlencoded"}
    if body is None:
        return b"", {}
    return json.dumps(body).encode(), {"content-type": "application/json"}
