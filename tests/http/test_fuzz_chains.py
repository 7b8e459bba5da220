"""Drawn chains of requests: what one answers, the next ones ask about."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import Flaky
from schemathesis import openapi
from schemathesis.core.failures import FailureGroup

from tests.http.arena import Arena, Asked, arena_of, ask_of, check
from tests.http.calls import Key, Nobody, Stamper, Token, unique
from tests.searched import LONGER
from tests.worlds import dump, make_organization
from valetkey.core.ids import Prefix
from valetkey.http.native.table import ROUTES
from valetkey.http.openapi import openapi_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis import Case, Response
    from schemathesis.generation.stateful.state_machine import APIStateMachine

    from tests.http.calls import Caller
    from tests.http.stage import Stage
    from valetkey.devchain import Deployment, Node

# Left out: streams, which have no body to go on from, and the questions about permissions, which
# are asked for themselves in `test_fuzz` and answer nothing that others ask about.
SCHEMA = openapi.from_dict(openapi_document(ROUTES, version="1")).exclude(
    path_regex="meter$|^/v1/permissions/"
)
_ID: Final = re.compile(rf"\b({'|'.join(Prefix)})_[0-9a-z]{{24}}\b")
# Last who may end what the others need.
WHO: Final = ("anonymous", "publishable", "bearer", "stamp_write", "secret")


@pytest.fixture(scope="module")
def arena(live_node: Node, live_deployment: Deployment) -> Iterator[Arena]:
    """Give a stage that is served beside the test."""
    with arena_of(live_node, live_deployment) as made:
        yield made


async def somebody(stage: Stage, kind: str) -> Caller:
    """Return somebody new of that kind, in a new organization if they see all of one."""
    if kind == "anonymous":
        return stage.by(Nobody())
    if kind == "secret":  # sees what is in the arena
        added = await stage.secret.post("/v1/credentials", {"kind": kind})
        return stage.by(Token(added["token"]))
    if kind == "publishable":
        founded = await make_organization(stage.world, "New")
        owner = stage.by(Token(founded.secret))
        added = await owner.post("/v1/credentials", {"kind": kind})
        return stage.by(Token(added["token"]))
    if kind == "bearer":
        return stage.by(Token((await stage.open("bearer", "read"))["token"]))
    key = Key.make("p256", 10_000 + int(unique().rpartition("-")[2]))
    opened = await stage.open("stamp", "write", key=key.document)
    return stage.by(Stamper(opened["session"]["id"], key, stage.clock))


@dataclass(frozen=True, slots=True)
class Notes:
    """What came of the chains: answers, links from one to the next, and what was wrong."""

    answers: Counter[str] = field(default_factory=Counter)
    followed: Counter[str] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Known:
    """
    Ids of things that are there: those that the chain was told of, newest first, or the arena's.

    Drawn ids name nothing: what asks with one gets as far as the look for it.
    """

    def __init__(self, arena: Arena) -> None:
        self._kept = arena.stage.org.principal.subject_id  # who makes the callers
        self._found: dict[str, list[str]] = {}
        self._turns = count()
        for one in arena.do(dump(arena.stage.world)).values():
            self.learn(" ".join(str(getattr(thing, "id", "")) for thing in one))

    def learn(self, text: str) -> None:
        """Take the ids in *text*."""
        for found in _ID.finditer(text):
            if found[0] != self._kept:
                self._found.setdefault(found[1], []).insert(0, found[0])

    def put_in(self, case: Case[Any]) -> bool:
        """Name something that is there wherever *case* names something; say whether it does."""
        names = case.path_parameters or {}
        for name, value in names.items():
            prefix = Prefix.__members__.get(name.removesuffix("_id").upper())
            ids = self._found.get(prefix or "", [])
            if ids and value not in ids:
                names[name] = ids[min(next(self._turns) % 5, len(ids) - 1)]
        return any(value in ids for value in names.values() for ids in self._found.values())


def machine_of(arena: Arena, kind: str, notes: Notes) -> type[APIStateMachine]:
    """Return what draws chains of requests by somebody of that kind, and notes the answers."""

    class Chains(SCHEMA.as_state_machine()):  # type: ignore[misc]  # made of the document
        def setup(self) -> None:
            self.known = Known(arena)
            self.caller = arena.do(somebody(arena.stage, kind))

        def step(self, input: Any) -> Any:  # noqa: A002, ANN401 - as it is called above
            if input.transition is not None and input.is_applied:
                notes.followed[input.transition.id] += 1
            try:
                return super().step(input)
            except (AssertionError, FailureGroup) as failure:
                notes.wrong.append(repr(failure))
                raise

        def call(self, case: Case[Any], **_: object) -> Response:
            is_known = self.known.put_in(case)
            asked = ask_of(case, str(arena.stage.client.base_url))
            headers = {**asked.headers, "idempotency-key": unique()}
            answer = arena.send(self.caller, Asked(asked.method, asked.path, asked.body, headers))
            notes.answers[f"{answer.status_code // 100}xx"] += 1
            if answer.status_code < 300:
                self.known.learn(answer.content.decode())
            if is_known and answer.status_code != 404:
                notes.reached[f"{asked.method} {case.path}"] += 1
            return answer

        def validate_response(self, response: Response, case: Case[Any], **_: object) -> None:
            check(case, response)

    return Chains


@pytest.mark.parametrize("kind", WHO)
def test_no_drawn_chain_of_requests_breaks_the_server(arena: Arena, kind: str) -> None:
    """
    What was answered is asked about: by its ids, in the places that the document gives them.

    Each answer is one that the document names, no 5xx, and a refusal changes nothing.
    """
    notes = Notes()
    wanted = settings(
        max_examples=(30 if kind == "secret" else 8) * LONGER,
        stateful_step_count=15,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    with suppress(Flaky):  # a chain that begins alike may go on otherwise: time went by
        machine_of(arena, kind, notes).run(settings=wanted)
    assert notes.wrong == []
    assert notes.answers.total() > 50
    assert (notes.answers["2xx"] > 0) == (kind not in {"anonymous", "publishable"})
    if kind == "secret":  # who makes things, and so has what to ask about
        assert notes.followed.total() >= 3
        assert len(notes.reached) >= 20
