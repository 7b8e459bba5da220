"""Both stores do what plain dictionaries do, in any order of any operations."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from valetkey.adapters.store.memory import MemoryStore
from valetkey.adapters.store.sqlite import SqliteStore
from valetkey.core.activity import SeenNonce
from valetkey.core.credential import Credential, CredentialKind
from valetkey.core.errors import Conflict
from valetkey.core.organization import Organization
from valetkey.core.wallet import Account
from valetkey.ports import INDEXES, MAX_FOUND

if TYPE_CHECKING:
    from tests.adapters.store.conftest import Store
    from valetkey.ports import Entity, Tx, Value, View

Rows = dict[tuple[type[Any], str], Any]

IDS = st.sampled_from(["A", "a", "a\0", "ab", "b", "é", "\uffff", "\U0001f511"])
FEW = st.sampled_from(["", "x", "X", "x\0", "é"])
MAYBE = st.none() | FEW
NUMBERS = st.sampled_from([-(2**63), -1, 0, 1, 2**63 - 1])
BYTES = st.sampled_from([b"", b"x", b"x\0", b"\xff"])

ENTITIES: st.SearchStrategy[Entity] = st.one_of(
    st.builds(Organization, IDS, MAYBE, FEW, NUMBERS),
    st.builds(
        Credential, IDS, FEW, st.sampled_from(CredentialKind), FEW, MAYBE, st.none(), NUMBERS
    ),
    st.builds(Account, IDS, FEW, FEW, MAYBE, FEW, BYTES, NUMBERS),
    st.builds(SeenNonce, IDS, FEW, NUMBERS),
)
KINDS: st.SearchStrategy[type[Entity]] = st.sampled_from(
    [Organization, Credential, Account, SeenNonce]
)


@dataclass(frozen=True, slots=True)
class Question:
    """What `View.find` is asked."""

    kind: type[Entity]
    after: str
    limit: int
    newest_first: bool
    where: dict[str, Value]


@st.composite
def questions(draw: st.DrawFn) -> Question:
    """Draw a question about values that are likely to be there."""
    kind = draw(KINDS)
    index = INDEXES[kind]
    asked = draw(st.lists(st.sampled_from([*index.by, *index.unique]), unique=True))
    values: st.SearchStrategy[Value] = st.one_of(MAYBE, MAYBE, NUMBERS, BYTES)
    return Question(
        kind=kind,
        after=draw(st.just("") | IDS),
        limit=draw(st.sampled_from([1, 2, 3, MAX_FOUND])),
        newest_first=draw(st.booleans()),
        where={name: draw(values) for name in asked},
    )


ADDED = st.tuples(st.just("add"), ENTITIES)
PUT = st.tuples(st.just("put"), ENTITIES)
DROPPED = st.tuples(st.just("drop"), st.tuples(KINDS, IDS))
ASKED = st.tuples(st.sampled_from(["find", "count"]), questions())
STEPS = st.lists(st.one_of(ADDED, ADDED, PUT, PUT, DROPPED, ASKED), min_size=1, max_size=8)


def expected(rows: Rows, question: Question) -> list[Any]:
    """Answer *question* from dictionaries, the long way."""
    found = [
        entity
        for (kind, _), entity in sorted(
            rows.items(), key=lambda item: item[0][1].encode(), reverse=question.newest_first
        )
        if kind is question.kind
        and all(_same(getattr(entity, name), value) for name, value in question.where.items())
    ]
    start = question.after.encode()
    if question.after and question.newest_first:
        found = [entity for entity in found if entity.id.encode() < start]
    elif question.after:
        found = [entity for entity in found if entity.id.encode() > start]
    return found[: question.limit]


def _same(held: Value, asked: Value) -> bool:
    return type(held) is type(asked) and held == asked


def is_taken(rows: Rows, entity: Any) -> bool:  # noqa: ANN401 - any of the kinds above
    """Say whether another entity has a unique value of *entity*."""
    return any(
        kind is type(entity)
        and id_ != entity.id
        and getattr(entity, name) is not None
        and getattr(other, name) == getattr(entity, name)
        for (kind, id_), other in rows.items()
        for name in INDEXES[type(entity)].unique
    )


def on_rows(rows: Rows, name: str, what: Any) -> object:  # noqa: ANN401 - what a step is about
    """Do one step on dictionaries."""
    if name == "find":
        return expected(rows, what)
    if name == "count":
        return len(expected(rows, replace(what, after="", limit=len(rows))))
    if name == "drop":
        rows.pop(what, None)
    elif is_taken(rows, what) or (name == "add" and (type(what), what.id) in rows):
        return "conflict"
    else:
        rows[type(what), what.id] = what
    return None


def find(view: View, question: Question) -> list[Any]:
    """Ask a store."""
    return view.find(
        question.kind,
        after=question.after,
        limit=question.limit,
        newest_first=question.newest_first,
        **question.where,
    )


def get(view: View, kind: type[Any], id_: str) -> object:
    """Ask a store for one entity."""
    entity: object = view.get(kind, id_)
    return entity


def on_store(tx: Tx, name: str, what: Any) -> object:  # noqa: ANN401 - what a step is about
    """Do one step on a store."""
    if name == "find":
        return find(tx, what)
    if name == "count":
        return tx.count(what.kind, **what.where)
    try:
        if name == "drop":
            tx.drop(*what)
        elif name == "add":
            tx.add(what)
        else:
            tx.put(what)
    except Conflict:
        return "conflict"
    return None


class StoresAgainstModel(RuleBasedStateMachine):
    """The same bodies on dictionaries, in memory and in a file."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: Rows = {}
        self.folder = TemporaryDirectory()
        self.file = Path(self.folder.name) / "store.db"
        self.runner = asyncio.Runner()
        self.stores: list[Store] = [MemoryStore(), SqliteStore(self.file)]
        for store in self.stores:
            self.runner.run(store.open())

    def teardown(self) -> None:
        """Close everything."""
        for store in self.stores:
            self.runner.run(store.close())
        self.runner.close()
        self.folder.cleanup()

    @rule(steps=STEPS, fails=st.sampled_from([False, False, True]))
    def write(self, steps: list[tuple[str, Any]], fails: bool) -> None:  # noqa: FBT001 - drawn
        """Do *steps* in one body, which may raise at its end."""
        rows = dict(self.rows)
        told = [on_rows(rows, name, what) for name, what in steps]
        if not fails:
            self.rows = rows
        for store in self.stores:
            answers: list[object] = []

            def body(tx: Tx, answers: list[object] = answers) -> None:
                answers.extend(on_store(tx, name, what) for name, what in steps)
                if fails:
                    raise LookupError

            try:
                self.runner.run(store.write(body))
            except LookupError:
                assert fails
            assert answers == told

    @rule(question=questions())
    def ask(self, question: Question) -> None:
        """Compare an answer."""
        for store in self.stores:
            found = self.runner.run(store.read(lambda view: find(view, question)))
            assert found == expected(self.rows, question)

    @rule()
    def look_everywhere(self) -> None:
        """Compare all that there is, by id."""
        for store in self.stores:
            for (kind, id_), entity in self.rows.items():
                assert self.runner.run(store.read(partial(get, kind=kind, id_=id_))) == entity

    @rule()
    def open_the_file_again(self) -> None:
        """Closing and opening changes nothing."""
        self.runner.run(self.stores[1].close())
        self.stores[1] = SqliteStore(self.file)
        self.runner.run(self.stores[1].open())


TestStoresAgainstModel = StoresAgainstModel.TestCase
TestStoresAgainstModel.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, print_blob=True
)
